//! The primitives with their home as a parameter, for code that serves both; otherwise use the names in the
//! [crate root](crate) and in [`local`](crate::local).

pub use crate::condition::Condition;
pub use crate::event::Event;
pub use crate::lock::Lock;
pub use crate::queue::{Fifo, Lifo, Order, Queue, Smallest};
pub use crate::semaphore::Semaphore;

/// Channels with their home as a parameter.
pub mod channel {
    pub use crate::channel::generic::{bounded, unbounded};
}
