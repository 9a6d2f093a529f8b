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
