//! Waiting for the end of a channel.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::{Home, Shared};

use super::core::Channel;
use crate::wait_queue::{Line, Wait, Waiter};

/// Waits until a channel is closed: made by [`Sender::closed`](super::Sender::closed).
#[must_use = "futures do nothing unless awaited"]
pub struct ClosedFuture<'a, T, H: Home = Shared> {
    wait: Wait<H, Watcher<'a, T, H>>,
}

struct Watcher<'a, T, H: Home>(&'a Channel<T, H>);

// SAFETY: the channel that it refers to has one such lock, and in it one line.
unsafe impl<T, H: Home> Waiter<H> for Watcher<'_, T, H> {
    type Guarded = Line<H, ()>;
    type Note = ();

    fn guarded(&self) -> &H::Exclusive<Line<H, ()>> {
        &self.0.watchers
    }

    fn line(line: &mut Line<H, ()>) -> &mut Line<H, ()> {
        line
    }

    /// Each is woken by the end: there is nothing to pass on.
    fn pass_on(&self) {}
}

impl<'a, T, H: Home> ClosedFuture<'a, T, H> {
    pub(super) fn new(channel: &'a Channel<T, H>) -> Self {
        Self { wait: Wait::new(Watcher(channel)) }
    }
}

impl<T, H: Home> Future for ClosedFuture<'_, T, H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let is_closed = |watcher: &Watcher<'_, T, H>| watcher.0.queue.is_closed();
        // Who closes it does so before it looks at the line: it finds who has come before, and the others find that it
        // is closed.
        wait.poll(cx, is_closed, |watcher, _| (!is_closed(watcher)).then_some(())).map(|_| ())
    }
}

impl<T, H: Home> fmt::Debug for ClosedFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClosedFuture").field(&self.wait).finish()
    }
}
