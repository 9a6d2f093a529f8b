//! Waiting for permits.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Home;
use aio_base::choice;

use super::permit::Permit;
use super::{Semaphore, Waiting};
use crate::wait_queue::{Line, Wait, Waiter};

/// Waits for permits of a [`Semaphore`]: made by [`Semaphore::acquire`] and its like.
///
/// `R` is how it refers to the semaphore: by `&` in [`AcquireFuture`](crate::AcquireFuture), by a counted reference in
/// [`OwnedAcquireFuture`](crate::OwnedAcquireFuture).
#[must_use = "futures do nothing unless awaited"]
pub struct AcquireFuture<R: Deref<Target = Semaphore<H>>, H: Home> {
    wait: Wait<H, Acquirer<R>>,
}

impl<R: Deref<Target = Semaphore<H>>, H: Home> AcquireFuture<R, H> {
    /// `semaphore` is `&` or [`Home::Ref`].
    #[inline]
    pub(super) fn new(semaphore: R, n: usize) -> Self {
        Self { wait: Wait::new(Acquirer { semaphore, n }) }
    }
}

impl<R: Deref<Target = Semaphore<H>> + Clone, H: Home> Future for AcquireFuture<R, H> {
    type Output = Permit<R, H>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<R, H>> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        ready!(wait.as_mut().poll(
            cx,
            |of| of.semaphore.try_take(of.n),
            |of, waiting| (!of.semaphore.enter(of.n, waiting)).then_some(of.n)
        ));
        Poll::Ready(Permit::new(wait.waiter.semaphore.clone(), wait.waiter.n))
    }
}

impl<R: Deref<Target = Semaphore<H>>, H: Home> fmt::Debug for AcquireFuture<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireFuture").field(&self.wait).finish()
    }
}

struct Acquirer<R> {
    semaphore: R,
    n: usize,
}

// SAFETY: the semaphore that it refers to has one lock and one line; and `&` and `Home::Ref`, which it is made with,
// lead to the same one as long as they exist.
unsafe impl<R: Deref<Target = Semaphore<H>>, H: Home> Waiter<H> for Acquirer<R> {
    type Guarded = Waiting<H>;
    type Note = usize;
    const WHAT: &'static str = "Semaphore";

    #[inline]
    fn guarded(&self) -> &H::Exclusive<Waiting<H>> {
        &self.semaphore.waiting
    }

    #[inline]
    fn line(waiting: &mut Waiting<H>) -> &mut Line<H, usize> {
        &mut waiting.line
    }

    fn pass_on(&self) {
        // Not more than before it was handed to this one.
        self.semaphore.release(self.n);
    }

    /// What was kept for this one may do for those behind it.
    fn left(&self) {
        self.semaphore.hand_out(None);
    }
}
