//! [`broadcast`](crate::broadcast) that stays on its thread.

use aio_base::Local;

pub use crate::broadcast::{Lagged, RecvError, SendError, TryRecvError};

/// Sends to all.
pub type Sender<T> = crate::broadcast::Sender<T, Local>;

/// Gets everything.
pub type Receiver<T> = crate::broadcast::Receiver<T, Local>;

/// Receives a message.
pub type RecvFuture<'a, T> = crate::broadcast::RecvFuture<'a, T, Local>;

/// The messages, one after the other.
pub type BroadcastStream<T> = crate::broadcast::BroadcastStream<T, Local>;

/// A channel that keeps `capacity` messages for those who are slow.
///
/// # Panics
/// If `capacity` is zero.
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    crate::broadcast::pair(capacity)
}
