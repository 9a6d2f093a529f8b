//! The primitives with their home as a parameter, for code that serves both; otherwise use the names in the
//! [crate root](crate) and in [`local`](crate::local).

pub use crate::condition::Condition;
pub use crate::event::Event;
pub use crate::lock::Lock;
pub use crate::queue::Queue;
pub use crate::semaphore::Semaphore;

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
