//! The end that sends.

use std::ops::Deref;

use aio_sync::channel;

use super::{SendError, TrySendError};

/// A [`channel::Sender`].
#[derive(Debug)]
pub struct Sender<T>(channel::Sender<T>);

impl<T> Sender<T> {
    pub(super) fn new(sender: channel::Sender<T>) -> Self {
        Self(sender)
    }

    /// `send`
    ///
    /// # Errors
    /// Its own.
    pub async fn send(&self, item: T) -> Result<(), SendError<T>> {
        Ok(self.0.send(item).await?)
    }

    /// `try_send`
    ///
    /// # Errors
    /// Its own.
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        Ok(self.0.try_send(item)?)
    }

    /// `send_blocking`
    ///
    /// # Errors
    /// Its own.
    pub fn send_blocking(&self, item: T) -> Result<(), SendError<T>> {
        Ok(self.0.send_blocking(item)?)
    }

    /// `send_evicting`
    ///
    /// # Errors
    /// Its own.
    pub fn force_send(&self, item: T) -> Result<Option<T>, SendError<T>> {
        Ok(self.0.send_evicting(item)?)
    }
}

impl<T> Deref for Sender<T> {
    type Target = channel::Sender<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}
