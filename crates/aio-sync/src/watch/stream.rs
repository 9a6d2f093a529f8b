//! The values, one after the other.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::{Home, Shared};
use futures_core::Stream;

use super::future::{Watcher, poll_change};
use super::state::Channel;
use super::{Receiver, Ref};
use crate::wait_queue::Wait;

/// The values of a watch channel: made by [`Receiver::stream`]. Those that were replaced before it was polled are left
/// out.
///
/// # Cancel safety
/// What waits for the next value and is dropped has taken none.
#[must_use = "streams do nothing unless polled"]
pub struct WatchStream<T, H: Home = Shared> {
    /// While it waits.
    wait: Option<OwnedWait<T, H>>,
    receiver: Receiver<T, H>,
}

/// It refers to the channel by a reference of its own, since it lies beside the receiver.
type OwnedWait<T, H> = Wait<H, Watcher<<H as Home>::Ref<Channel<T, H>>, T>>;

impl<T, H: Home> WatchStream<T, H> {
    pub(super) fn new(receiver: Receiver<T, H>) -> Self {
        Self { wait: None, receiver }
    }

    /// The newest value. It will still be an item of the stream.
    pub fn borrow(&self) -> Ref<T, H> {
        self.receiver.borrow()
    }
}

impl<T, H: Home> Stream for WatchStream<T, H> {
    type Item = Ref<T, H>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Ref<T, H>>> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `receiver` is not.
        let (mut wait, receiver) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.wait), &mut this.receiver)
        };
        if wait.is_some() || !receiver.channel().version().ends_waiting_of(receiver.seen()) {
            if wait.is_none() {
                wait.set(Some(Wait::new(Watcher::new(receiver.channel().clone()))));
            }
            let waits = wait.as_mut().as_pin_mut().expect("it was put there");
            ready!(poll_change(waits, cx, receiver.seen()));
            wait.set(None);
        }
        Poll::Ready(receiver.next())
    }
}

impl<T: fmt::Debug, H: Home> fmt::Debug for WatchStream<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WatchStream").field(&self.receiver).finish()
    }
}
