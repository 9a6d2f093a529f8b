//! The primitives with their home as a parameter, for code that serves both; otherwise use the names in the
//! [crate root](crate) and in [`local`](crate::local).

pub use crate::barrier::Barrier;
pub use crate::condition::Condition;
pub use crate::event::Event;
pub use crate::latch::Latch;
pub use crate::limiter::CapacityLimiter;
pub use crate::limiter::acquire::LimiterFuture;
pub use crate::limiter::permit::LimiterPermit;
pub use crate::lock::Lock;
pub use crate::notify::Notify;
pub use crate::once_cell::OnceCell;
pub use crate::queue::{Fifo, Lifo, Order, Queue, Smallest};
pub use crate::rwlock::RwLock;
pub use crate::semaphore::Semaphore;
pub use crate::semaphore::acquire::AcquireFuture;
pub use crate::semaphore::permit::Permit;

/// Channels with their home as a parameter.
pub mod channel {
    pub use crate::channel::generic::{bounded, unbounded};
}

/// [`oneshot`](crate::oneshot) in either home.
pub mod oneshot {
    pub use crate::oneshot::{ClosedFuture, Receiver, Sender};
    use aio_base::Home;

    /// A channel for one message.
    #[inline]
    pub fn channel<T, H: Home>() -> (Sender<T, H>, Receiver<T, H>) {
        crate::oneshot::pair()
    }
}

/// [`watch`](crate::watch) in either home.
pub mod watch {
    pub use crate::watch::{ChangedFuture, ClosedFuture, Receiver, Ref, Sender, WatchStream};
    use aio_base::Home;

    /// A channel whose first value is `value`; the receiver has seen it.
    pub fn channel<T, H: Home>(value: T) -> (Sender<T, H>, Receiver<T, H>) {
        crate::watch::pair(value)
    }
}

/// [`broadcast`](crate::broadcast) in either home.
pub mod broadcast {
    pub use crate::broadcast::{BroadcastStream, Receiver, RecvFuture, Sender};
    use aio_base::Home;

    /// A channel that keeps `capacity` messages for those who are slow.
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn channel<T, H: Home>(capacity: usize) -> (Sender<T, H>, Receiver<T, H>) {
        crate::broadcast::pair(capacity)
    }
}
