//! Waiting for the end of all work.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use aio_base::home::Exclusive;
use aio_base::{Home, Shared};

use super::Queue;
use super::order::{Fifo, Order};
use super::reference::{QueueRef, waiter};
use super::state::State;
use crate::wait_queue::{Line, Wait, Waiter, wake};

waiter!(
    /// Waits for the end of all work. Each is woken when that has come: there is nothing to pass on.
    Joiner, "to join", joiners: usize, |_state| None
);

type Borrowed<'a, T, H, O> = Wait<H, Joiner<T, O, &'a Queue<T, H, O>>>;

/// Waits until everything in a [`Queue`] is done: made by [`Queue::join`].
#[must_use = "futures do nothing unless awaited"]
pub struct QueueJoinFuture<'a, T, H: Home = Shared, O: Order<T> = Fifo> {
    wait: Borrowed<'a, T, H, O>,
}

impl<'a, T, H: Home, O: Order<T>> QueueJoinFuture<'a, T, H, O> {
    #[inline]
    pub(super) fn new(queue: &'a Queue<T, H, O>) -> Self {
        Self { wait: Wait::new(Joiner::new(queue)) }
    }
}

impl<T, H: Home, O: Order<T>> Future for QueueJoinFuture<'_, T, H, O> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let queue = wait.waiter.queue;
        let rounds_before = |state: &mut State<T, H, O>| state.rounds_before_joining();
        wait.poll(cx, |_| queue.state.with(rounds_before).is_none(), |_, state| rounds_before(state)).map(|_| ())
    }
}

impl<T, H: Home, O: Order<T>> fmt::Debug for QueueJoinFuture<'_, T, H, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueJoinFuture").field(&self.wait).finish()
    }
}
