//! `async-lock`'s names.

pub use aio_sync::{Lock as Mutex, Semaphore};

/// The methods that have another name there.
pub mod names {}
