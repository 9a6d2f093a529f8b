//! The primitives of one thread: no `Send` bound, no atomics, no locks.

use aio_base::Local;

use crate::generic;

/// A [lock](generic::Lock) that stays on its thread.
pub type Lock<T> = generic::Lock<T, Local>;

/// Access to the value of a local [`Lock`].
pub type LockGuard<'a, T> = crate::LockGuard<'a, T, Local>;

/// Waits for a local [`Lock`].
pub type LockFuture<'a, T> = crate::LockFuture<'a, T, Local>;

/// An [event](generic::Event) that stays on its thread.
pub type Event = generic::Event<Local>;

/// Waits for a local [`Event`].
pub type EventFuture<'a> = crate::EventFuture<'a, Local>;

/// A [queue](generic::Queue) that stays on its thread.
pub type Queue<T> = generic::Queue<T, Local>;

/// Puts an item into a local [`Queue`].
pub type PutFuture<'a, T> = crate::PutFuture<'a, T, Local>;

/// Takes an item out of a local [`Queue`].
pub type GetFuture<'a, T> = crate::GetFuture<'a, T, Local>;

/// Waits until everything in a local [`Queue`] is done.
pub type QueueJoinFuture<'a, T> = crate::QueueJoinFuture<'a, T, Local>;

/// A [semaphore](generic::Semaphore) that stays on its thread.
pub type Semaphore = generic::Semaphore<Local>;

/// Permits of a local [`Semaphore`].
pub type Permit<'a> = crate::Permit<'a, Local>;

/// Waits for permits of a local [`Semaphore`].
pub type AcquireFuture<'a> = crate::AcquireFuture<'a, Local>;

/// A [condition](generic::Condition) that stays on its thread.
pub type Condition = generic::Condition<Local>;

/// Waits for a local [`Condition`].
pub type ConditionFuture<'a, T> = crate::ConditionFuture<'a, T, Local>;

/// [`oneshot`](crate::oneshot) whose ends stay on their thread.
pub mod oneshot {
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
}

/// [`watch`](crate::watch) that stays on its thread.
pub mod watch {
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
}

/// [`broadcast`](crate::broadcast) that stays on its thread.
pub mod broadcast {
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
}
