//! [`oneshot`](crate::oneshot) whose ends stay on their thread.

use aio_base::Local;

pub use crate::oneshot::{RecvError, SendError, TryRecvError};

/// The end that sends.
pub type Sender<T> = crate::oneshot::Sender<T, Local>;

/// The end that receives.
pub type Receiver<T> = crate::oneshot::Receiver<T, Local>;

/// Waits until nobody receives any more.
pub type ClosedFuture<'a, T> = crate::oneshot::ClosedFuture<'a, T, Local>;

/// A channel for one message, whose ends stay on their thread.
#[inline]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    crate::oneshot::pair()
}
