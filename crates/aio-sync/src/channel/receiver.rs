//! The end of a channel that takes out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::choice;
use aio_base::{Home, Shared, host};

use super::core::ChannelRef;
use super::{IntoIterBlocking, IntoRecvStream, IterBlocking, RecvError, RecvStream, TryIter};
use crate::generic::Queue;
use crate::queue::GetFuture;

/// Takes items out of a channel. Clones belong to the same one, and each item goes to one of them; when the last is
/// dropped, the channel is closed, and what is in it is dropped.
///
/// # Panics
/// A waker that panics does so in the call that wakes it, or drops the last receiver, after all that is to be done is.
/// An item that was just received is dropped by that panic.
pub struct Receiver<T, H: Home = Shared> {
    channel: ChannelRef<T, H>,
}

impl<T, H: Home> Receiver<T, H> {
    /// Of a channel that counts it already.
    pub(super) fn new(channel: ChannelRef<T, H>) -> Self {
        Self { channel }
    }

    pub(super) fn channel(&self) -> &ChannelRef<T, H> {
        &self.channel
    }

    /// Waits until there is an item and takes it out. If there is one, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing out and gives up the place in the line. If it was just being given an item,
    /// that goes to the next in the line; if nobody is there, it stays at the front.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Errors
    /// [`RecvError`], if the channel is empty, and closed or without senders.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn recv(&self) -> RecvFuture<'_, T, H> {
        RecvFuture { get: self.channel.get() }
    }

    /// Takes an item out, if there is one now that was not handed to somebody already.
    ///
    /// # Errors
    /// [`RecvError`], if there is none.
    #[inline]
    pub fn try_recv(&self) -> Result<T, RecvError> {
        self.channel.try_get().map_err(RecvError::from)
    }

    /// Waits until there is an item, and moves what is there to the end of `items`, but no more than `limit`. Returns
    /// how many these were: at least one, unless `limit` is zero.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing out, as with [`recv`](Self::recv).
    ///
    /// # Fairness
    /// As for [`recv`](Self::recv): one place in the line, whatever the limit.
    ///
    /// # Errors
    /// As those of [`recv`](Self::recv).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (sender, receiver) = aio_sync::channel::unbounded();
    /// (1..=5).for_each(|i| sender.try_send(i).unwrap());
    /// let mut items = Vec::new();
    /// assert_eq!(receiver.recv_many(&mut items, 3).await, Ok(3));
    /// assert_eq!(receiver.recv_many(&mut items, 3).await, Ok(2));
    /// assert_eq!(items, [1, 2, 3, 4, 5]);
    /// # });
    /// ```
    pub fn recv_many<'a>(&'a self, items: &'a mut Vec<T>, limit: usize) -> RecvManyFuture<'a, T, H> {
        RecvManyFuture { queue: &self.channel, get: self.channel.get(), items, limit }
    }

    /// The items, as they come, until the channel is closed and empty: a stream that waits as [`recv`](Self::recv)
    /// does.
    ///
    /// # Cancel safety
    /// Dropping the stream takes nothing out.
    pub fn stream(&self) -> RecvStream<'_, T, H> {
        RecvStream::new(&self.channel)
    }

    /// As [`stream`](Self::stream), and owns this receiver.
    pub fn into_stream(self) -> IntoRecvStream<T, H> {
        IntoRecvStream::new(self)
    }

    /// The items that are there now. Does not wait: ends where [`try_recv`](Self::try_recv) would fail.
    pub fn try_iter(&self) -> TryIter<'_, T, H> {
        TryIter::new(self)
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

    /// Closes the channel for ever: nothing more is put in, permits included; what is there can still be taken out.
    /// Closing it twice changes nothing.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn close(&self) {
        self.channel.channel().close();
    }

    /// Whether the channel was [closed](Self::close), or all its senders are gone. There may be items in it.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
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
    pub fn downgrade(&self) -> WeakReceiver<T, H> {
        WeakReceiver { channel: self.channel.clone() }
    }
}

impl<T> Receiver<T> {
    /// [`recv`](Self::recv) from a thread: blocks it while there is no item.
    ///
    /// # Fairness
    /// Threads and tasks wait in the same line.
    ///
    /// # Errors
    /// As those of [`recv`](Self::recv).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is an item.
    #[track_caller]
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        host::block_on("`recv_blocking`", self.recv())
    }

    /// The items, as they come, for a thread: blocks it as [`recv_blocking`](Self::recv_blocking) does, and ends when
    /// the channel is closed and empty. (By value, a receiver is such an iterator's source itself: `for item in
    /// receiver`.)
    pub fn iter_blocking(&self) -> IterBlocking<'_, T> {
        IterBlocking::new(self)
    }
}

/// For threads: see [`iter_blocking`](Receiver::iter_blocking).
impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIterBlocking<T>;

    fn into_iter(self) -> IntoIterBlocking<T> {
        IntoIterBlocking::new(self)
    }
}

impl<T, H: Home> Clone for Receiver<T, H> {
    fn clone(&self) -> Self {
        self.channel.channel().n_receivers.add();
        Self { channel: self.channel.clone() }
    }
}

impl<T, H: Home> Drop for Receiver<T, H> {
    fn drop(&mut self) {
        let channel = self.channel.channel();
        if channel.n_receivers.remove() {
            channel.abandon();
        }
    }
}

impl<T, H: Home> fmt::Debug for Receiver<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&*self.channel).finish()
    }
}

/// A [`Receiver`] that does not keep the channel open.
pub struct WeakReceiver<T, H: Home = Shared> {
    channel: ChannelRef<T, H>,
}

impl<T, H: Home> WeakReceiver<T, H> {
    /// A receiver, unless all are gone.
    pub fn upgrade(&self) -> Option<Receiver<T, H>> {
        self.channel.channel().n_receivers.add_to_some().then(|| Receiver::new(self.channel.clone()))
    }
}

impl<T, H: Home> Clone for WeakReceiver<T, H> {
    fn clone(&self) -> Self {
        Self { channel: self.channel.clone() }
    }
}

impl<T, H: Home> fmt::Debug for WeakReceiver<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakReceiver").field(&*self.channel).finish()
    }
}

/// Takes an item out of a channel: made by [`Receiver::recv`].
#[must_use = "futures do nothing unless awaited"]
pub struct RecvFuture<'a, T, H: Home = Shared> {
    get: GetFuture<'a, T, H>,
}

impl<T, H: Home> Future for RecvFuture<'_, T, H> {
    type Output = Result<T, RecvError>;

    // As the one within.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `get` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `GetFuture` is.
        unsafe { self.map_unchecked_mut(|this| &mut this.get) }.poll(cx).map_err(RecvError::from)
    }
}

impl<T, H: Home> fmt::Debug for RecvFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get.fmt_as("RecvFuture", f)
    }
}

/// Takes many items out of a channel: made by [`Receiver::recv_many`].
#[must_use = "futures do nothing unless awaited"]
pub struct RecvManyFuture<'a, T, H: Home = Shared> {
    queue: &'a Queue<T, H>,
    get: GetFuture<'a, T, H>,
    items: &'a mut Vec<T>,
    limit: usize,
}

impl<T, H: Home> Future for RecvManyFuture<'_, T, H> {
    type Output = Result<usize, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `get` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `GetFuture` is.
        let (this, get) = unsafe {
            let this = self.get_unchecked_mut();
            ((this.queue, &mut *this.items, this.limit), Pin::new_unchecked(&mut this.get))
        };
        let (queue, items, limit) = this;
        let Some(more) = limit.checked_sub(1) else { return Poll::Ready(Ok(0)) };
        let first = ready!(get.poll(cx))?;
        items.push(first);
        Poll::Ready(Ok(1 + queue.try_get_many(items, more)))
    }
}

impl<T, H: Home> fmt::Debug for RecvManyFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get.fmt_as("RecvManyFuture", f)
    }
}
