//! Who watches the value.

use std::fmt;

use aio_base::{Home, Shared, host};

use super::future::see;
use super::state::{Channel, Version};
use super::{ChangedFuture, RecvError, Ref, WatchStream};

/// Watches the value of a watch channel: made by [`channel`](super::channel), [`Sender::subscribe`](super::Sender) or
/// as a clone of another one. It remembers which value it has seen; a clone has seen the same.
pub struct Receiver<T, H: Home = Shared> {
    channel: H::Ref<Channel<T, H>>,
    seen: Version,
}

impl<T, H: Home> Receiver<T, H> {
    pub(super) fn new(channel: H::Ref<Channel<T, H>>) -> Self {
        let seen = channel.add_receiver();
        Self { channel, seen }
    }

    pub(super) fn channel(&self) -> &H::Ref<Channel<T, H>> {
        &self.channel
    }

    pub(super) fn seen(&self) -> Version {
        self.seen
    }

    /// The newest value. It does not count as seen by that.
    pub fn borrow(&self) -> Ref<T, H> {
        Ref::new(self.channel.newest())
    }

    /// The newest value, which has been seen by that.
    pub fn borrow_and_update(&mut self) -> Ref<T, H> {
        let (value, version) = self.channel.newest_with_version();
        self.seen = version;
        Ref::new(value)
    }

    /// Whether there is a value that this one has not seen.
    ///
    /// # Errors
    /// [`RecvError`], if there is none and never will be: all senders are gone.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let version = self.channel.version();
        match version.is_news_to(self.seen) {
            false if version.is_closed() => Err(RecvError::NEW),
            is_news => Ok(is_news),
        }
    }

    /// Whether all senders are gone. There may still be a value that this one has not seen.
    pub fn is_closed(&self) -> bool {
        self.channel.version().is_closed()
    }

    /// The newest value counts as not seen.
    pub fn mark_changed(&mut self) {
        self.seen = self.channel.version().before();
    }

    /// The newest value counts as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.channel.version();
    }

    /// Waits until there is a value that this one has not seen, which then counts as seen: [`borrow`](Self::borrow) it.
    /// If there is one, does not yield.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the future has seen nothing.
    ///
    /// # Fairness
    /// Those who wait are woken in the order in which they came.
    ///
    /// # Errors
    /// [`RecvError`], if the newest value was seen and all senders are gone.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn changed(&mut self) -> ChangedFuture<'_, T, H> {
        ChangedFuture::new(&self.channel, &mut self.seen)
    }

    /// Waits until `is_it` says so of the newest value, which then counts as seen. Begins with the one that is there,
    /// seen or not; values that were replaced before this looked are not asked for.
    ///
    /// No lock is held while `is_it` runs.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; the last value that was looked at counts as seen.
    ///
    /// # Errors
    /// [`RecvError`], if it does not say so of the last value, and all senders are gone.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use futures_lite::future::zip;
    ///
    /// let (progress, mut watcher) = aio_sync::watch::channel(0);
    /// let works = async {
    ///     for percent in 1..=100 {
    ///         progress.send(percent).unwrap();
    ///         futures_lite::future::yield_now().await;
    ///     }
    /// };
    /// let half = async { *watcher.wait_for(|percent| *percent >= 50).await.unwrap() };
    /// assert!(zip(half, works).await.0 >= 50);
    /// # });
    /// ```
    pub async fn wait_for(&mut self, mut is_it: impl FnMut(&T) -> bool) -> Result<Ref<T, H>, RecvError> {
        loop {
            let value = self.borrow_and_update();
            if is_it(&value) {
                return Ok(value);
            }
            drop(value);
            self.changed().await?;
        }
    }

    /// A stream of the values from now on that this one has not seen: of each the newest when it is polled. It ends
    /// when all senders are gone and the last value was taken.
    pub fn stream(self) -> WatchStream<T, H> {
        WatchStream::new(self)
    }

    /// Whether both belong to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        std::ptr::eq(&raw const *self.channel, &raw const *other.channel)
    }

    /// The newest value, if it is not the one that was seen, or that there will be none.
    pub(super) fn next(&mut self) -> Option<Ref<T, H>> {
        see(&self.channel, &mut self.seen).ok().map(|()| self.borrow_and_update())
    }
}

impl<T> Receiver<T, Shared> {
    /// Blocks the thread until there is a value that this one has not seen, as [`changed`](Self::changed).
    ///
    /// # Errors
    /// [`RecvError`], if the newest value was seen and all senders are gone.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn changed_blocking(&mut self) -> Result<(), RecvError> {
        host::block_on("`changed_blocking`", self.changed())
    }

    /// Blocks the thread until `is_it` says so of the newest value, as [`wait_for`](Self::wait_for).
    ///
    /// # Errors
    /// [`RecvError`], if it does not say so of the last value, and all senders are gone.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn wait_for_blocking(&mut self, is_it: impl FnMut(&T) -> bool) -> Result<Ref<T>, RecvError> {
        host::block_on("`wait_for_blocking`", self.wait_for(is_it))
    }
}

impl<T, H: Home> Clone for Receiver<T, H> {
    fn clone(&self) -> Self {
        self.channel.add_receiver();
        Self { channel: self.channel.clone(), seen: self.seen }
    }
}

impl<T, H: Home> Drop for Receiver<T, H> {
    fn drop(&mut self) {
        self.channel.remove_receiver();
    }
}

impl<T: fmt::Debug, H: Home> fmt::Debug for Receiver<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_changed = self.channel.version().is_news_to(self.seen);
        f.debug_struct("Receiver").field("value", &self.borrow()).field("has_changed", &has_changed).finish()
    }
}
