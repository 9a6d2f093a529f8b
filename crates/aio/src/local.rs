//! The same names for what stays on its loop: no `Send`, no atomics, no locks.
//!
//! What has no twin here ([`sleep`](crate::sleep), [`gather`](crate::gather), streams) is `Send` exactly if what is put
//! into it is, and serves both homes.

pub use aio_core::local::{Task, defer, shield, spawn};
pub use aio_group::local::{Child, ChildBuilder, GroupHandle, Results, Started, TaskGroup};
pub use aio_net::local::Server;
pub use aio_sync::local::{
    AcquireFuture, Condition, ConditionFuture, Event, EventFuture, GetFuture, Lock, LockFuture, LockGuard, Permit,
    PutFuture, Queue, QueueJoinFuture, Semaphore,
};
