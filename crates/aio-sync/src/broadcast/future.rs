//! Waiting for a message.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::choice;
use aio_base::{Home, Shared};

use super::channel::Channel;
use super::state::State;
use super::{RecvError, TryRecvError};
use crate::wait_queue::{Line, Wait, Waiter};

/// Receives a message: made by [`Receiver::recv`](super::Receiver::recv).
#[must_use = "futures do nothing unless awaited"]
pub struct RecvFuture<'a, T, H: Home = Shared> {
    /// The number of the message.
    position: &'a mut u64,
    wait: Wait<H, Arrival<&'a Channel<T, H>, T>>,
}

impl<'a, T, H: Home> RecvFuture<'a, T, H> {
    pub(super) fn new(channel: &'a Channel<T, H>, position: &'a mut u64) -> Self {
        Self { position, wait: Wait::new(Arrival::new(channel)) }
    }
}

impl<T: Clone, H: Home> Future for RecvFuture<'_, T, H> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `position` is not.
        let (position, wait) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut *this.position, Pin::new_unchecked(&mut this.wait))
        };
        let channel = wait.waiter.0;
        if wait.is_new()
            && let Some(output) = without_waiting(channel.take(position))
        {
            wait.pass();
            return Poll::Ready(output);
        }
        ready!(poll_arrival(wait, cx, *position));
        Poll::Ready(after_waiting(channel.take(position)))
    }
}

pub(super) fn without_waiting<T>(taken: Result<T, TryRecvError>) -> Option<Result<T, RecvError>> {
    match taken {
        Ok(message) => Some(Ok(message)),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
        Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
    }
}

pub(super) fn after_waiting<T>(taken: Result<T, TryRecvError>) -> Result<T, RecvError> {
    without_waiting(taken).expect("it was woken by a message, which only this receiver can get, or by the end")
}

/// Ready if there is something to get for whoever has yet to get `position`.
pub(super) fn poll_arrival<T, H: Home, R: Deref<Target = Channel<T, H>>>(
    wait: Pin<&mut Wait<H, Arrival<R, T>>>,
    cx: &mut Context<'_>,
    position: u64,
) -> Poll<()> {
    wait.poll(cx, |_| false, |_, state| state.next_if_waits(position)).map(|_| ())
}

impl<T, H: Home> fmt::Debug for RecvFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvFuture").field(&self.wait).finish()
    }
}

/// Waits for a message of what is referred to by `R`.
pub(super) struct Arrival<R, T>(R, PhantomData<T>);

impl<R, T> Arrival<R, T> {
    pub(super) fn new(channel: R) -> Self {
        Self(channel, PhantomData)
    }
}

// SAFETY: what it refers to is one channel and the same as long as it exists (`R` is `&Channel` or counted), which has
// one lock and one line.
unsafe impl<T, H: Home, R: Deref<Target = Channel<T, H>>> Waiter<H> for Arrival<R, T> {
    type Guarded = State<T, H>;
    type Note = u64;
    const WHAT: &'static str = "Arrival";

    fn guarded(&self) -> &H::Exclusive<State<T, H>> {
        &self.0.state
    }

    fn line(state: &mut State<T, H>) -> &mut Line<H, u64> {
        &mut state.line
    }

    /// Each is woken by every message: there is nothing to pass on.
    fn pass_on(&self) {}
}
