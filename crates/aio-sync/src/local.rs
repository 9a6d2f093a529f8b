//! The primitives of one thread: no `Send` bound, no atomics, no locks.

pub mod broadcast;
pub mod channel;
pub mod oneshot;
pub mod watch;

use aio_base::Local;

use crate::generic;

/// A [lock](generic::Lock) that stays on its thread.
pub type Lock<T> = generic::Lock<T, Local>;

/// Access to the value of a local [`Lock`].
pub type LockGuard<'a, T> = crate::LockGuard<'a, T, Local>;

/// Waits for a local [`Lock`].
pub type LockFuture<'a, T> = crate::LockFuture<'a, T, Local>;

/// Access to the value of a local [`Lock`] that it keeps a reference to.
pub type OwnedLockGuard<T> = crate::OwnedLockGuard<T, Local>;

/// Waits for a local [`Lock`] that it keeps a reference to.
pub type OwnedLockFuture<T> = crate::OwnedLockFuture<T, Local>;

/// A [read-write lock](generic::RwLock) that stays on its thread.
pub type RwLock<T> = generic::RwLock<T, Local>;

/// Access for reading to the value of a local [`RwLock`].
pub type RwLockReadGuard<'a, T> = crate::RwLockReadGuard<'a, T, Local>;

/// Access for reading to the value of a local [`RwLock`] that it keeps a reference to.
pub type OwnedRwLockReadGuard<T> = crate::OwnedRwLockReadGuard<T, Local>;

/// Access for writing to the value of a local [`RwLock`].
pub type RwLockWriteGuard<'a, T> = crate::RwLockWriteGuard<'a, T, Local>;

/// Access for writing to the value of a local [`RwLock`] that it keeps a reference to.
pub type OwnedRwLockWriteGuard<T> = crate::OwnedRwLockWriteGuard<T, Local>;

/// Access for reading, and perhaps writing later, to the value of a local [`RwLock`].
pub type RwLockUpgradableReadGuard<'a, T> = crate::RwLockUpgradableReadGuard<'a, T, Local>;

/// Access for reading, and perhaps writing later, to the value of a local [`RwLock`] that it keeps a reference to.
pub type OwnedRwLockUpgradableReadGuard<T> = crate::OwnedRwLockUpgradableReadGuard<T, Local>;

/// Waits for a local [`RwLock`], to read.
pub type RwLockReadFuture<'a, T> = crate::RwLockReadFuture<'a, T, Local>;

/// Waits for a local [`RwLock`] that it keeps a reference to, to read.
pub type OwnedRwLockReadFuture<T> = crate::OwnedRwLockReadFuture<T, Local>;

/// Waits for a local [`RwLock`], to write.
pub type RwLockWriteFuture<'a, T> = crate::RwLockWriteFuture<'a, T, Local>;

/// Waits for a local [`RwLock`] that it keeps a reference to, to write.
pub type OwnedRwLockWriteFuture<T> = crate::OwnedRwLockWriteFuture<T, Local>;

/// Waits for a local [`RwLock`], to read, and perhaps to write later.
pub type RwLockUpgradableReadFuture<'a, T> = crate::RwLockUpgradableReadFuture<'a, T, Local>;

/// Waits for a local [`RwLock`] that it keeps a reference to, to read, and perhaps to write later.
pub type OwnedRwLockUpgradableReadFuture<T> = crate::OwnedRwLockUpgradableReadFuture<T, Local>;

/// Waits until the other readers of a local [`RwLock`] have gone.
pub type RwLockUpgradeFuture<'a, T> = crate::RwLockUpgradeFuture<'a, T, Local>;

/// Waits until the other readers of a local [`RwLock`] that it keeps a reference to have gone.
pub type OwnedRwLockUpgradeFuture<T> = crate::OwnedRwLockUpgradeFuture<T, Local>;

/// A [value made once](generic::OnceCell) that stays on its thread.
pub type OnceCell<T> = generic::OnceCell<T, Local>;

/// Waits until a local [`OnceCell`] is set.
pub type OnceCellFuture<'a, T> = crate::OnceCellFuture<'a, T, Local>;

/// An [event](generic::Event) that stays on its thread.
pub type Event = generic::Event<Local>;

/// Waits for a local [`Event`].
pub type EventFuture<'a> = crate::EventFuture<'a, Local>;

/// A [queue](generic::Queue) that stays on its thread.
pub type Queue<T> = generic::Queue<T, Local>;

/// A [queue](generic::Queue) that gives the newest item first, and stays on its thread.
pub type LifoQueue<T> = generic::Queue<T, Local, generic::Lifo>;

/// A [queue](generic::Queue) that gives the smallest item first, and stays on its thread.
pub type PriorityQueue<T> = generic::Queue<T, Local, generic::Smallest>;

/// Puts an item into a local queue.
pub type PutFuture<'a, T, O = generic::Fifo> = crate::PutFuture<'a, T, Local, O>;

/// Takes an item out of a local queue.
pub type GetFuture<'a, T, O = generic::Fifo> = crate::GetFuture<'a, T, Local, O>;

/// Waits until everything in a local queue is done.
pub type QueueJoinFuture<'a, T, O = generic::Fifo> = crate::QueueJoinFuture<'a, T, Local, O>;

/// A [semaphore](generic::Semaphore) that stays on its thread.
pub type Semaphore = generic::Semaphore<Local>;

/// Permits of a local [`Semaphore`].
pub type Permit<'a> = crate::Permit<'a, Local>;

/// Waits for permits of a local [`Semaphore`].
pub type AcquireFuture<'a> = crate::AcquireFuture<'a, Local>;

/// Permits of a local [`Semaphore`] that hold on to it.
pub type OwnedPermit = crate::OwnedPermit<Local>;

/// Waits for permits of a local [`Semaphore`] that hold on to it.
pub type OwnedAcquireFuture = crate::OwnedAcquireFuture<Local>;

/// A [capacity limiter](generic::CapacityLimiter) that stays on its thread.
pub type CapacityLimiter = generic::CapacityLimiter<Local>;

/// Tokens of a local [`CapacityLimiter`].
pub type LimiterPermit<'a> = crate::LimiterPermit<'a, Local>;

/// Tokens of a local [`CapacityLimiter`] that hold on to it.
pub type OwnedLimiterPermit = crate::OwnedLimiterPermit<Local>;

/// Waits for tokens of a local [`CapacityLimiter`].
pub type LimiterFuture<'a> = crate::LimiterFuture<'a, Local>;

/// Waits for tokens of a local [`CapacityLimiter`] that hold on to it.
pub type OwnedLimiterFuture = crate::OwnedLimiterFuture<Local>;

/// A [condition](generic::Condition) that stays on its thread.
pub type Condition = generic::Condition<Local>;

/// Waits for a local [`Condition`].
pub type ConditionFuture<'a, T> = crate::ConditionFuture<'a, T, Local>;

/// A [barrier](generic::Barrier) that stays on its thread.
pub type Barrier = generic::Barrier<Local>;

/// Waits at a local [`Barrier`].
pub type BarrierFuture<'a> = crate::BarrierFuture<'a, Local>;

/// A [latch](generic::Latch) that stays on its thread.
pub type Latch = generic::Latch<Local>;

/// Waits for a local [`Latch`].
pub type LatchFuture<'a> = crate::LatchFuture<'a, Local>;

/// A [notification](generic::Notify) that stays on its thread.
pub type Notify = generic::Notify<Local>;

/// Waits for a local [`Notify`].
pub type NotifiedFuture<'a> = crate::NotifiedFuture<'a, Local>;
