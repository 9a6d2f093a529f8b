//! Who sends to all.

use std::fmt;

use aio_base::home::Exclusive;
use aio_base::{Home, Shared};

use super::channel::Channel;
use super::{Receiver, SendError};

/// Sends messages to all receivers of a broadcast channel: made by [`channel`](super::channel()). Clones are senders of
/// the same channel; when the last one is dropped, it is closed.
pub struct Sender<T, H: Home = Shared> {
    channel: H::Ref<Channel<T, H>>,
}

impl<T, H: Home> Sender<T, H> {
    /// A channel that keeps `capacity` messages for those who are slow, and has no receiver yet.
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a channel keeps at least one message");
        Self { channel: Channel::<T, H>::new(capacity) }
    }

    /// Sends a message to all receivers that there are, and returns how many. Never waits: if as many messages are kept
    /// as may be, the oldest is dropped, and who had yet to get it has missed it.
    ///
    /// That it was sent does not mean that it will be received: a receiver may be dropped, or too slow.
    ///
    /// # Fairness
    /// Those who wait are woken in the order in which they came.
    ///
    /// # Errors
    /// [`SendError`] with the message, if there is no receiver, or the channel was [closed](Self::close).
    ///
    /// # Panics
    /// If a waker panics, or the destructor of the message that is dropped. The message was sent, and the others are
    /// woken nevertheless; the first panic goes on afterwards.
    pub fn send(&self, message: T) -> Result<usize, SendError<T>> {
        self.channel.send(message).map_err(SendError::new)
    }

    /// Another receiver, which gets what is sent from now on.
    pub fn subscribe(&self) -> Receiver<T, H> {
        Receiver::new(self.channel.clone())
    }

    /// Closes the channel for ever: nothing more is sent, and receivers get what is kept for them, and then an error.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn close(&self) {
        self.channel.close();
    }

    /// Whether it was [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.channel.state.with(|state| state.is_closed())
    }

    /// How many messages are kept: those that somebody has yet to get.
    pub fn len(&self) -> usize {
        self.channel.state.with(|state| state.len())
    }

    /// Whether everybody has got everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages may be kept.
    pub fn capacity(&self) -> usize {
        self.channel.state.with(|state| state.capacity())
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.channel.state.with(|state| state.n_receivers)
    }

    /// How many senders there are, this one included.
    pub fn sender_count(&self) -> usize {
        self.channel.state.with(|state| state.n_senders)
    }

    /// Whether both belong to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        std::ptr::eq(&raw const *self.channel, &raw const *other.channel)
    }
}

impl<T, H: Home> Clone for Sender<T, H> {
    fn clone(&self) -> Self {
        self.channel.state.with(|state| state.n_senders += 1);
        Self { channel: self.channel.clone() }
    }
}

impl<T, H: Home> Drop for Sender<T, H> {
    fn drop(&mut self) {
        let is_last = self.channel.state.with(|state| {
            state.n_senders -= 1;
            state.n_senders == 0
        });
        if is_last {
            self.channel.close();
        }
    }
}

impl<T, H: Home> fmt::Debug for Sender<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("receiver_count", &self.receiver_count())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
