//! The same names for what stays on its loop: no `Send`, no atomics, no locks.
//!
//! What has no twin here ([`sleep`](crate::sleep), [`gather`](crate::gather), streams) is `Send` exactly if what is put
//! into it is, and serves both homes.

pub use aio_core::local::{Task, defer, shield, spawn};
pub use aio_group::local::{Child, ChildBuilder, GroupHandle, Results, Started, TaskGroup};
pub use aio_net::local::Server;
pub use aio_sync::local::{
    Barrier, CapacityLimiter, Condition, Event, Latch, LifoQueue, LimiterPermit, Lock, LockGuard, Notify, OnceCell,
    OwnedLimiterPermit, OwnedLockGuard, OwnedPermit, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, Permit,
    PriorityQueue, Queue, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, Semaphore, broadcast,
    channel, oneshot, watch,
};
