//! Who changes the value.

use std::fmt;

use aio_base::home::Exclusive;
use aio_base::{Home, Shared, host};

use super::state::Channel;
use super::{ClosedFuture, Receiver, Ref, SendError};

/// Changes the value of a watch channel: made by [`channel`](super::channel). Clones are senders of the same channel;
/// when the last one is dropped, receivers hear that nothing more will come.
pub struct Sender<T, H: Home = Shared> {
    channel: H::Ref<Channel<T, H>>,
}

impl<T, H: Home> Sender<T, H> {
    /// A channel that nobody watches yet.
    pub fn new(value: T) -> Self {
        Self { channel: Channel::<T, H>::new(value) }
    }

    /// Changes the value and wakes all who wait for that. Never waits.
    ///
    /// It counts as a change even if the new value equals the old one.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Errors
    /// [`SendError`] with the value, if there is no receiver. The old one stays then;
    /// [`send_replace`](Self::send_replace) changes it all the same. (Asked for at the beginning: if the last receiver
    /// goes meanwhile, the value may have been changed for nobody.)
    ///
    /// # Panics
    /// If a waker panics, or the destructor of the old value. The value was changed, and the others are woken
    /// nevertheless; the first panic goes on afterwards.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        // Not under the lock: the last receiver may go at any time, and what matters is that there was one.
        if self.is_closed() {
            return Err(SendError::new(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Changes the value, also if nobody watches, and returns the old one.
    ///
    /// # Panics
    /// If a waker panics, as in [`send`](Self::send).
    pub fn send_replace(&self, value: T) -> Ref<T, H> {
        match self.channel.publish(H::new_ref(value), |_| true) {
            Ok(value) | Err(value) => Ref::new(value),
        }
    }

    /// Changes the value by what `modify` does to a clone of it, also if nobody watches.
    ///
    /// No lock is held while `modify` runs. If somebody sends at the same time, it is called again, with what was sent,
    /// so that nothing of that is lost; so one that itself sends by this channel, each time, never ends. If it panics,
    /// nothing has changed.
    ///
    /// # Panics
    /// If a waker panics, as in [`send`](Self::send).
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = aio_sync::watch::channel(vec![1]);
    /// let before = receiver.borrow();
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!((&*before, &*receiver.borrow()), (&vec![1], &vec![1, 2]));
    /// ```
    pub fn send_modify(&self, mut modify: impl FnMut(&mut T))
    where
        T: Clone,
    {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// As [`send_modify`](Self::send_modify), unless `modify` returns `false`: then nothing has changed, whatever it
    /// did to its clone. What it returned last.
    ///
    /// # Panics
    /// If a waker panics, as in [`send`](Self::send).
    pub fn send_if_modified(&self, mut modify: impl FnMut(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        loop {
            let (old, version) = self.channel.newest_with_version();
            let mut new = T::clone(&old);
            // Nobody else may have it any more: not to be dropped in the middle of a panic of the below.
            drop(old);
            if !modify(&mut new) {
                return false;
            }
            if self.channel.publish(H::new_ref(new), |now| !now.is_news_to(version)).is_ok() {
                return true;
            }
        }
    }

    /// The newest value.
    pub fn borrow(&self) -> Ref<T, H> {
        Ref::new(self.channel.newest())
    }

    /// Another receiver, which has seen the newest value.
    pub fn subscribe(&self) -> Receiver<T, H> {
        Receiver::new(self.channel.clone())
    }

    /// Whether there is no receiver. There may be again: [`subscribe`](Self::subscribe).
    pub fn is_closed(&self) -> bool {
        self.channel.version().is_deserted()
    }

    /// Waits until there is no receiver. If there is none, does not yield.
    ///
    /// Once there was none, the waiting is over, even if somebody subscribes before the future is polled.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    pub fn closed(&self) -> ClosedFuture<'_, T, H> {
        ClosedFuture::new(&self.channel)
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

impl<T> Sender<T, Shared> {
    /// Blocks the thread until there is no receiver.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn closed_blocking(&self) {
        host::block_on("`closed_blocking`", self.closed());
    }
}

impl<T, H: Home> Clone for Sender<T, H> {
    fn clone(&self) -> Self {
        self.channel.add_sender();
        Self { channel: self.channel.clone() }
    }
}

impl<T, H: Home> Drop for Sender<T, H> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

impl<T: Default, H: Home> Default for Sender<T, H> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug, H: Home> fmt::Debug for Sender<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("value", &self.borrow()).finish_non_exhaustive()
    }
}
