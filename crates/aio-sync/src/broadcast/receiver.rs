//! Who gets everything.

use std::fmt;

use aio_base::home::Exclusive;
use aio_base::{Home, Panics, Shared, host};

use super::channel::Channel;
use super::{BroadcastStream, RecvError, RecvFuture, TryRecvError};

/// Receives what is sent by a broadcast channel as long as this exists: made by [`channel`](super::channel()), or
/// [`Sender::subscribe`](super::Sender::subscribe).
pub struct Receiver<T, H: Home = Shared> {
    channel: H::Ref<Channel<T, H>>,
    /// The number of the next message that it has yet to get.
    position: u64,
}

impl<T, H: Home> Receiver<T, H> {
    pub(super) fn new(channel: H::Ref<Channel<T, H>>) -> Self {
        let position = channel.state.with(|state| {
            state.n_receivers += 1;
            state.next()
        });
        Self { channel, position }
    }

    pub(super) fn parts(&mut self) -> (&H::Ref<Channel<T, H>>, &mut u64) {
        (&self.channel, &mut self.position)
    }

    /// Waits for the next message. If there is one, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future receives nothing; the message is still there.
    ///
    /// # Fairness
    /// Those who wait are woken in the order in which they came.
    ///
    /// # Errors
    /// [`RecvError::Lagged`], if messages were missed: the next call gets the oldest one that is kept.
    /// [`RecvError::Closed`], if all were received and there will be no more.
    ///
    /// # Panics
    /// If `Clone` of the message panics, or its destructor, where it was overwritten while it was cloned; it counts as
    /// received. The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_sync::broadcast::{self, RecvError};
    ///
    /// let (sender, mut receiver) = broadcast::channel(2);
    /// for i in 1..=3 {
    ///     sender.send(i).unwrap();
    /// }
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Err(RecvError::Lagged(1)));
    /// assert_eq!(receiver.recv().await, Ok(2));
    /// assert_eq!(receiver.recv().await, Ok(3));
    /// assert_eq!(receiver.recv().await, Err(RecvError::Closed));
    /// # });
    /// ```
    #[inline]
    pub fn recv(&mut self) -> RecvFuture<'_, T, H> {
        RecvFuture::new(&self.channel, &mut self.position)
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    /// [`TryRecvError`]: there is none yet, or messages were missed, or there will be none.
    ///
    /// # Panics
    /// If `Clone` of the message panics; it counts as received.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError>
    where
        T: Clone,
    {
        self.channel.take(&mut self.position)
    }

    /// A stream of the messages. Where some were missed, it says so, and goes on; it ends when the channel is closed
    /// and all were received.
    pub fn stream(self) -> BroadcastStream<T, H> {
        BroadcastStream::new(self)
    }

    /// Another receiver of the same channel, which gets what is sent from now on.
    pub fn resubscribe(&self) -> Self {
        Self::new(self.channel.clone())
    }

    /// How many messages are kept that this one has yet to get. Those it has missed are not.
    pub fn len(&self) -> usize {
        self.channel.state.with(|state| state.n_due(self.position))
    }

    /// Whether there is nothing to receive now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nothing more will be sent. There may be messages that were.
    pub fn is_closed(&self) -> bool {
        self.channel.state.with(|state| state.is_closed())
    }

    /// Whether both belong to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        std::ptr::eq(&raw const *self.channel, &raw const *other.channel)
    }
}

impl<T: Clone> Receiver<T, Shared> {
    /// Blocks the thread until there is a message, as [`recv`](Self::recv).
    ///
    /// # Errors
    /// [`RecvError`], as there.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still. If `Clone` of the message panics; it counts as received.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Result<T, RecvError> {
        host::assert_may_block("`recv_blocking`");
        match super::future::without_waiting(self.try_recv()) {
            Some(output) => output,
            None => host::block_on("`recv_blocking`", self.recv()),
        }
    }
}

/// What nobody else has yet to get is dropped, after all else and one by one.
impl<T, H: Home> Drop for Receiver<T, H> {
    fn drop(&mut self) {
        let end = self.channel.state.with(|state| state.remove_receiver());
        let mut panics = Panics::new();
        // After `end` nothing counts on this one.
        while let Some(last) = self.channel.state.with(|state| state.skip(&mut self.position, end)) {
            panics.catch(|| drop(last));
        }
        panics.resume();
    }
}

impl<T, H: Home> fmt::Debug for Receiver<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).field("is_closed", &self.is_closed()).finish()
    }
}
