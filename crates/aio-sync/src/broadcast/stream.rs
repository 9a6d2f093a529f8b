//! The messages, one after the other.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::{Home, Shared};
use futures_core::Stream;

use super::channel::Channel;
use super::future::{Arrival, after_waiting, poll_arrival, without_waiting};
use super::{Lagged, Receiver, RecvError};
use crate::wait_queue::Wait;

/// The messages of a broadcast channel: made by [`Receiver::stream`].
///
/// # Cancel safety
/// What waits for the next message and is dropped has taken none.
#[must_use = "streams do nothing unless polled"]
pub struct BroadcastStream<T, H: Home = Shared> {
    /// While it waits.
    wait: Option<OwnedWait<T, H>>,
    receiver: Receiver<T, H>,
}

/// It refers to the channel by a reference of its own, since it lies beside the receiver.
type OwnedWait<T, H> = Wait<H, Arrival<<H as Home>::Ref<Channel<T, H>>, T>>;

impl<T, H: Home> BroadcastStream<T, H> {
    pub(super) fn new(receiver: Receiver<T, H>) -> Self {
        Self { wait: None, receiver }
    }
}

impl<T: Clone, H: Home> Stream for BroadcastStream<T, H> {
    type Item = Result<T, Lagged>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `receiver` is not.
        let (mut wait, receiver) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.wait), &mut this.receiver)
        };
        let (channel, position) = receiver.parts();
        let received = match wait.is_none().then(|| without_waiting(channel.take(position))).flatten() {
            Some(received) => received,
            None => {
                if wait.is_none() {
                    wait.set(Some(Wait::new(Arrival::new(channel.clone()))));
                }
                let waits = wait.as_mut().as_pin_mut().expect("it was put there");
                ready!(poll_arrival(waits, cx, *position));
                wait.set(None);
                after_waiting(channel.take(position))
            }
        };
        Poll::Ready(match received {
            Ok(message) => Some(Ok(message)),
            Err(RecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<T, H: Home> fmt::Debug for BroadcastStream<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BroadcastStream").field(&self.receiver).finish()
    }
}
