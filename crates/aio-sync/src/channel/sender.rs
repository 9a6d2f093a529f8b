//! The end of a channel that puts in.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::{Home, Shared, host};

use super::core::ChannelRef;
use super::{ClosedFuture, ReserveFuture, ReserveOwnedFuture, SendError, SendPermit};
use crate::queue::PutFuture;

/// Puts items into a channel. Clones belong to the same one; when the last of them is dropped, the channel is closed.
///
/// # Panics
/// A waker that panics does so in the call that wakes it, or drops the last sender, after all that is to be done is.
pub struct Sender<T, H: Home = Shared> {
    channel: ChannelRef<T, H>,
}

impl<T, H: Home> Sender<T, H> {
    /// Of a channel that counts it already.
    pub(super) fn new(channel: ChannelRef<T, H>) -> Self {
        Self { channel }
    }

    pub(super) fn channel(&self) -> &ChannelRef<T, H> {
        &self.channel
    }

    /// Waits until there is room and puts `item` in. If there is room, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future drops the item, which has not been in the channel, and gives up the place in the line; room
    /// that it was just being given goes to the next. Who must not lose the item [`reserve`](Self::reserve)s first.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is closed, or is closed before the item is in.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn send(&self, item: T) -> SendFuture<'_, T, H> {
        SendFuture { put: self.channel.put(item) }
    }

    /// Puts `item` in, if there is room now. There is none while others wait for it.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is full, or closed.
    #[inline]
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        self.channel.try_put(item).map_err(SendError::from)
    }

    /// Puts `item` in; if there is no room, in place of the oldest item, which is returned. Does not wait, and
    /// overtakes those who wait for room: for who wants to keep the newest items.
    ///
    /// # Errors
    /// [`SendError`] with the item, if the channel is closed; and if it is full of what others have a claim to: items
    /// that were handed to tasks, and reserved room.
    pub fn send_evicting(&self, item: T) -> Result<Option<T>, SendError<T>> {
        self.channel.put_evicting(item).map_err(SendError::from)
    }

    /// Waits until there is room for an item, and keeps it: what is sent by the permit does not wait.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the line; room that it was just being given goes to the next.
    ///
    /// # Fairness
    /// First come, first served, in one line with those who [`send`](Self::send).
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel is closed, or is closed before there is room.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (sender, receiver) = aio_sync::channel::bounded(1);
    /// let permit = sender.reserve().await.unwrap();
    /// assert!(sender.try_send("late").unwrap_err().is_full());
    /// permit.send("what was made when there was room for it").unwrap();
    /// assert!(receiver.recv().await.is_ok());
    /// # });
    /// ```
    pub fn reserve(&self) -> ReserveFuture<'_, T, H> {
        ReserveFuture::new(&self.channel)
    }

    /// Keeps room for an item, if there is some now. There is none while others wait for it.
    ///
    /// # Errors
    /// [`SendError`] without an item, if the channel is full, or closed.
    pub fn try_reserve(&self) -> Result<SendPermit<'_, T, H>, SendError<()>> {
        match self.channel.try_reserve() {
            Ok(()) => Ok(SendPermit::new(&self.channel)),
            Err(refusal) => Err(SendError::new((), refusal)),
        }
    }

    /// As [`reserve`](Self::reserve), with a permit that owns this sender and borrows nothing: clone it first to keep
    /// one.
    ///
    /// # Cancel safety
    /// As that of [`reserve`](Self::reserve); the sender is dropped.
    ///
    /// # Errors
    /// As those of [`reserve`](Self::reserve); the sender is dropped.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    pub fn reserve_owned(self) -> ReserveOwnedFuture<T, H> {
        ReserveOwnedFuture::new(self)
    }

    /// How many items are in the channel. One that was handed to a task counts until that task has run.
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// Whether no item is in the channel, none that was handed to somebody either.
    pub fn is_empty(&self) -> bool {
        self.channel.is_empty()
    }

    /// Whether there is no room. It is also taken by permits, and by those to whom it was given just now.
    pub fn is_full(&self) -> bool {
        self.channel.is_full()
    }

    /// For how many items there is room; `None` if for any number.
    pub fn capacity(&self) -> Option<usize> {
        self.channel.capacity()
    }

    /// Closes the channel for ever: nothing more is put in, permits included, and receivers take out what is there and
    /// then get an error. Closing it twice changes nothing.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn close(&self) {
        self.channel.channel().close();
    }

    /// Whether the channel was [closed](Self::close), or all its receivers are gone.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    /// Waits until the channel is [closed](Self::close) or all its receivers are gone: there is no use in making
    /// another item.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    pub fn closed(&self) -> ClosedFuture<'_, T, H> {
        ClosedFuture::new(self.channel.channel())
    }

    /// Whether both belong to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.channel.is_same(&other.channel)
    }

    /// How many senders the channel has.
    pub fn sender_count(&self) -> usize {
        self.channel.channel().n_senders.get()
    }

    /// How many receivers the channel has.
    pub fn receiver_count(&self) -> usize {
        self.channel.channel().n_receivers.get()
    }

    /// A reference that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T, H> {
        WeakSender { channel: self.channel.clone() }
    }
}

impl<T> Sender<T> {
    /// [`send`](Self::send) from a thread: blocks it while there is no room.
    ///
    /// # Fairness
    /// Threads and tasks wait in the same line.
    ///
    /// # Errors
    /// As those of [`send`](Self::send).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is room.
    #[track_caller]
    pub fn send_blocking(&self, item: T) -> Result<(), SendError<T>> {
        host::block_on("`send_blocking`", self.send(item))
    }
}

impl<T, H: Home> Clone for Sender<T, H> {
    fn clone(&self) -> Self {
        self.channel.channel().n_senders.add();
        Self { channel: self.channel.clone() }
    }
}

impl<T, H: Home> Drop for Sender<T, H> {
    fn drop(&mut self) {
        let channel = self.channel.channel();
        if channel.n_senders.remove() {
            channel.close();
        }
    }
}

impl<T, H: Home> fmt::Debug for Sender<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&*self.channel).finish()
    }
}

/// A [`Sender`] that does not keep the channel open.
pub struct WeakSender<T, H: Home = Shared> {
    channel: ChannelRef<T, H>,
}

impl<T, H: Home> WeakSender<T, H> {
    /// A sender, unless all are gone.
    pub fn upgrade(&self) -> Option<Sender<T, H>> {
        self.channel.channel().n_senders.add_to_some().then(|| Sender::new(self.channel.clone()))
    }
}

impl<T, H: Home> Clone for WeakSender<T, H> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone() }
    }
}

impl<T, H: Home> fmt::Debug for WeakSender<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakSender").field(&*self.channel).finish()
    }
}

/// Puts an item into a channel: made by [`Sender::send`].
#[must_use = "futures do nothing unless awaited"]
pub struct SendFuture<'a, T, H: Home = Shared> {
    put: PutFuture<'a, T, H>,
}

impl<T, H: Home> Future for SendFuture<'_, T, H> {
    type Output = Result<(), SendError<T>>;

    // As the one within.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `put` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `PutFuture` is.
        unsafe { self.map_unchecked_mut(|this| &mut this.put) }.poll(cx).map_err(SendError::from)
    }
}

impl<T, H: Home> fmt::Debug for SendFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.put.fmt_as("SendFuture", f)
    }
}
