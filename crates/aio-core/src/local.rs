//! What stays on its loop: no `Send`, no atomics, no locks.

pub use crate::scope::{local_defer as defer, local_shield as shield};
pub use crate::task::local_spawn as spawn;

/// A task of this loop; see [`Task`](crate::Task).
pub type Task<T> = crate::Task<T, aio_base::Local>;
