//! Room for an item, kept before there is one.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::choice;
use aio_base::{Home, Shared};

use super::core::ChannelRef;
use super::{SendError, Sender};
use crate::generic::{Fifo, Queue};
use crate::queue::{Putter, poll_reserve};
use crate::wait_queue::Wait;

/// Room for one item: made by [`Sender::reserve`] and [`Sender::try_reserve`]. Dropping it gives the room to the next
/// who waits for it; one that is leaked ([`std::mem::forget`]) keeps it for ever.
#[must_use = "room that is not used is lost to the others while it is kept"]
pub struct SendPermit<'a, T, H: Home = Shared> {
    queue: &'a Queue<T, H>,
}

impl<'a, T, H: Home> SendPermit<'a, T, H> {
    /// Of room that is reserved.
    pub(super) fn new(queue: &'a Queue<T, H>) -> Self {
        Self { queue }
    }

    /// Puts `item` in, into the room that was kept.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel was closed meanwhile.
    pub fn send(self, item: T) -> Result<(), SendError<T>> {
        let queue = self.queue;
        // The room is used.
        std::mem::forget(self);
        queue.put_reserved(item).map_err(SendError::from)
    }
}

impl<T, H: Home> Drop for SendPermit<'_, T, H> {
    fn drop(&mut self) {
        self.queue.unreserve();
    }
}

impl<T, H: Home> fmt::Debug for SendPermit<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendPermit").field(self.queue).finish()
    }
}

/// Room for one item: made by [`Sender::reserve_owned`]. Dropping it gives the room to the next who waits for it, and
/// drops the sender.
#[must_use = "room that is not used is lost to the others while it is kept"]
pub struct OwnedSendPermit<T, H: Home = Shared> {
    /// There until the permit is used.
    sender: Option<Sender<T, H>>,
}

impl<T, H: Home> OwnedSendPermit<T, H> {
    /// Puts `item` in, into the room that was kept, and returns the sender.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel was closed meanwhile.
    pub fn send(self, item: T) -> Result<Sender<T, H>, SendError<T>> {
        let sender = self.into_sender();
        sender.channel().put_reserved(item)?;
        Ok(sender)
    }

    /// Gives the room to the next who waits for it, and returns the sender.
    pub fn release(self) -> Sender<T, H> {
        let sender = self.into_sender();
        sender.channel().unreserve();
        sender
    }

    /// The room is still reserved.
    fn into_sender(mut self) -> Sender<T, H> {
        self.sender.take().expect("it is taken where the permit is used up")
    }
}

impl<T, H: Home> Drop for OwnedSendPermit<T, H> {
    fn drop(&mut self) {
        if let Some(sender) = &self.sender {
            sender.channel().unreserve();
        }
    }
}

impl<T, H: Home> fmt::Debug for OwnedSendPermit<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedSendPermit").field(&self.sender).finish()
    }
}

/// Waits for room: made by [`Sender::reserve`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReserveFuture<'a, T, H: Home = Shared> {
    wait: Wait<H, Putter<T, Fifo, &'a Queue<T, H>>>,
}

impl<'a, T, H: Home> ReserveFuture<'a, T, H> {
    pub(super) fn new(queue: &'a Queue<T, H>) -> Self {
        Self { wait: Wait::new(Putter::new(queue)) }
    }
}

impl<'a, T, H: Home> Future for ReserveFuture<'a, T, H> {
    type Output = Result<SendPermit<'a, T, H>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        Poll::Ready(match ready!(poll_reserve(wait.as_mut(), cx)) {
            Ok(()) => Ok(SendPermit::new(wait.waiter.queue)),
            Err(refusal) => Err(SendError::new((), refusal)),
        })
    }
}

impl<T, H: Home> fmt::Debug for ReserveFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReserveFuture").field(&self.wait).finish()
    }
}

/// Waits for room, and owns its sender: made by [`Sender::reserve_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReserveOwnedFuture<T, H: Home = Shared> {
    wait: Wait<H, Putter<T, Fifo, ChannelRef<T, H>>>,
    /// There until it is ready.
    sender: Option<Sender<T, H>>,
}

impl<T, H: Home> ReserveOwnedFuture<T, H> {
    pub(super) fn new(sender: Sender<T, H>) -> Self {
        Self { wait: Wait::new(Putter::new(sender.channel().clone())), sender: Some(sender) }
    }
}

impl<T, H: Home> Future for ReserveOwnedFuture<T, H> {
    type Output = Result<OwnedSendPermit<T, H>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `sender` is not: it is moved.
        let (wait, sender) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.wait), &mut this.sender)
        };
        let outcome = ready!(poll_reserve(wait, cx));
        let sender = sender.take();
        Poll::Ready(match outcome {
            Ok(()) => Ok(OwnedSendPermit { sender }),
            Err(refusal) => Err(SendError::new((), refusal)),
        })
    }
}

impl<T, H: Home> fmt::Debug for ReserveOwnedFuture<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReserveOwnedFuture").field(&self.wait).finish()
    }
}
