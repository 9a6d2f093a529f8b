//! `tokio::sync`'s names.

pub mod broadcast;
pub mod oneshot;
pub mod watch;

pub use aio_sync::{
    Lock as Mutex, Notify, OnceCell, OwnedPermit as OwnedSemaphorePermit, RwLock, RwLockWriteGuard, Semaphore, SetError,
};

pub use crate::barrier::Barrier;
