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
