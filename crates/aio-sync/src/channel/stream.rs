//! The items of a channel as a stream, whose place in the line lies within it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::{Home, Shared};
use futures_core::Stream;

use super::Receiver;
use super::core::ChannelRef;
use crate::generic::{Fifo, Queue};
use crate::queue::{Getter, QueueRef, poll_get};
use crate::wait_queue::Wait;

/// The items of a channel, as they come: made by [`Receiver::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct RecvStream<'a, T, H: Home = Shared> {
    wait: Wait<H, Getter<T, Fifo, &'a Queue<T, H>>>,
}

/// The items of a channel, as they come, with the receiver: made by [`Receiver::into_stream`].
#[must_use = "streams do nothing unless polled"]
pub struct IntoRecvStream<T, H: Home = Shared> {
    wait: Wait<H, Getter<T, Fifo, ChannelRef<T, H>>>,
    receiver: Receiver<T, H>,
}

impl<'a, T, H: Home> RecvStream<'a, T, H> {
    pub(super) fn new(queue: &'a Queue<T, H>) -> Self {
        Self { wait: Wait::new(Getter::new(queue)) }
    }
}

impl<T, H: Home> IntoRecvStream<T, H> {
    pub(super) fn new(receiver: Receiver<T, H>) -> Self {
        Self { wait: Wait::new(Getter::new(receiver.channel().clone())), receiver }
    }

    /// The receiver.
    pub fn receiver(&self) -> &Receiver<T, H> {
        &self.receiver
    }
}

/// Waits for the next item, and makes the place ready for the one after.
#[inline]
fn poll_item<T, H: Home, Q: QueueRef<Target = Queue<T, H>> + Clone>(
    wait: Pin<&mut Wait<H, Getter<T, Fifo, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Option<T>> {
    let mut renew = Renew(wait);
    let polled = poll_get(renew.0.as_mut(), cx);
    // It still waits, or has not waited.
    if polled.is_pending() || renew.0.is_new() {
        std::mem::forget(renew);
    }
    polled.map(Result::ok)
}

/// Makes a wait new again, which is done once: also when a waker panics.
struct Renew<'a, T, H: Home, Q: QueueRef<Target = Queue<T, H>> + Clone>(Pin<&'a mut Wait<H, Getter<T, Fifo, Q>>>);

impl<T, H: Home, Q: QueueRef<Target = Queue<T, H>> + Clone> Drop for Renew<'_, T, H, Q> {
    fn drop(&mut self) {
        let queue = self.0.waiter.queue.clone();
        self.0.set(Wait::new(Getter::new(queue)));
    }
}

impl<T, H: Home> Stream for RecvStream<'_, T, H> {
    type Item = T;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        poll_item(unsafe { self.map_unchecked_mut(|this| &mut this.wait) }, cx)
    }
}

impl<T, H: Home> Stream for IntoRecvStream<T, H> {
    type Item = T;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // SAFETY: as for `RecvStream`.
        poll_item(unsafe { self.map_unchecked_mut(|this| &mut this.wait) }, cx)
    }
}

impl<T, H: Home> fmt::Debug for RecvStream<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvStream").field(&self.wait).finish()
    }
}

impl<T, H: Home> fmt::Debug for IntoRecvStream<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoRecvStream").field(&self.wait).finish()
    }
}
