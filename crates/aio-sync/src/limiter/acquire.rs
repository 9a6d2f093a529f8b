//! Waiting for tokens.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Home;
use aio_base::choice;

use super::permit::LimiterPermit;
use super::state::State;
use super::{AcquireError, CapacityLimiter};
use crate::wait_queue::{Line, Turn, Wait, Waiter};

/// Waits for tokens of a [`CapacityLimiter`]: made by [`CapacityLimiter::acquire`] and its like.
///
/// `R` is how it refers to the limiter: by `&` in [`LimiterFuture`](crate::LimiterFuture), by a counted reference in
/// [`OwnedLimiterFuture`](crate::OwnedLimiterFuture).
#[must_use = "futures do nothing unless awaited"]
pub struct LimiterFuture<R: Deref<Target = CapacityLimiter<H>>, H: Home> {
    wait: Wait<H, Borrower<R>>,
}

impl<R: Deref<Target = CapacityLimiter<H>>, H: Home> LimiterFuture<R, H> {
    /// `limiter` is `&` or [`Home::Ref`].
    #[inline]
    pub(super) fn new(limiter: R, n: usize) -> Self {
        Self { wait: Wait::new(Borrower { limiter, n }) }
    }
}

impl<R: Deref<Target = CapacityLimiter<H>> + Clone, H: Home> Future for LimiterFuture<R, H> {
    type Output = Result<LimiterPermit<R, H>, AcquireError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let mut is_refused = false;
        let turn = ready!(wait.as_mut().poll(
            cx,
            |_| false,
            |borrower, state| match state.borrow(borrower.n) {
                Err(error) if error.is_exhausted() => {
                    state.joins();
                    Some(borrower.n)
                }
                outcome => {
                    is_refused = outcome.is_err();
                    None
                }
            }
        ));
        if is_refused || turn == Turn::Dismissed {
            return Poll::Ready(Err(AcquireError::CLOSED));
        }
        Poll::Ready(Ok(LimiterPermit::new(wait.waiter.limiter.clone(), wait.waiter.n)))
    }
}

impl<R: Deref<Target = CapacityLimiter<H>>, H: Home> fmt::Debug for LimiterFuture<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimiterFuture").field(&self.wait).finish()
    }
}

struct Borrower<R> {
    limiter: R,
    n: usize,
}

// SAFETY: the limiter that it refers to has one lock and one line; and `&` and `Home::Ref`, which it is made with, lead
// to the same one as long as they exist.
unsafe impl<R: Deref<Target = CapacityLimiter<H>>, H: Home> Waiter<H> for Borrower<R> {
    const WHAT: &'static str = "CapacityLimiter";
    type Guarded = State<H>;
    type Note = usize;

    fn guarded(&self) -> &H::Exclusive<State<H>> {
        &self.limiter.state
    }

    fn line(state: &mut State<H>) -> &mut Line<H, usize> {
        &mut state.line
    }

    fn pass_on(&self) {
        self.limiter.release(self.n);
    }

    fn leaves(state: &mut State<H>) {
        state.leaves();
    }

    /// What was kept for this one may do for those behind it.
    fn left(&self) {
        self.limiter.update(|_| ());
    }
}
