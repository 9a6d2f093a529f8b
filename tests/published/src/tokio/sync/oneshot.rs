//! `tokio::sync::oneshot`'s names. One of its errors is a value to match on: hence a receiver of its own, which
//! dereferences to ours for all else.

use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_sync::oneshot;

pub use aio_sync::oneshot::Sender;

/// [`oneshot::channel`]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    (sender, Receiver(receiver))
}

/// A [`oneshot::Receiver`].
#[derive(Debug)]
pub struct Receiver<T>(oneshot::Receiver<T>);

impl<T> Receiver<T> {
    /// `try_recv`
    ///
    /// # Errors
    /// Its own.
    pub fn try_recv(&mut self) -> Result<T, error::TryRecvError> {
        Ok(self.0.try_recv()?)
    }
}

impl<T> Deref for Receiver<T> {
    type Target = oneshot::Receiver<T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Receiver<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, oneshot::RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// The errors.
pub mod error {
    use std::error::Error;
    use std::fmt;

    use aio_sync::oneshot;

    pub use aio_sync::oneshot::RecvError;

    /// [`oneshot::TryRecvError`]
    #[derive(Debug, PartialEq, Eq)]
    pub enum TryRecvError {
        /// `is_empty`
        Empty,
        /// `is_closed`
        Closed,
    }

    impl From<oneshot::TryRecvError> for TryRecvError {
        fn from(error: oneshot::TryRecvError) -> Self {
            if error.is_empty() { Self::Empty } else { Self::Closed }
        }
    }

    impl fmt::Display for TryRecvError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Debug::fmt(self, f)
        }
    }

    impl Error for TryRecvError {}
}
