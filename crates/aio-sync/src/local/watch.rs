//! [`watch`](crate::watch) that stays on its thread.

use aio_base::Local;

pub use crate::watch::{RecvError, SendError};

/// Changes the value.
pub type Sender<T> = crate::watch::Sender<T, Local>;

/// Watches the value.
pub type Receiver<T> = crate::watch::Receiver<T, Local>;

/// The value as it was.
pub type Ref<T> = crate::watch::Ref<T, Local>;

/// Waits for a change.
pub type ChangedFuture<'a, T> = crate::watch::ChangedFuture<'a, T, Local>;

/// Waits until nobody watches.
pub type ClosedFuture<'a, T> = crate::watch::ClosedFuture<'a, T, Local>;

/// The values, one after the other.
pub type WatchStream<T> = crate::watch::WatchStream<T, Local>;

/// A channel whose first value is `value`; the receiver has seen it.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    crate::watch::pair(value)
}
