//! What tasks use to wait for each other.
//!
//! | to | there is |
//! |---|---|
//! | have a value for oneself; or beside readers | [`Lock`]; [`RwLock`] |
//! | make a value once | [`OnceCell`] |
//! | be so many at a time; with books kept | [`Semaphore`]; [`CapacityLimiter`] |
//! | wait until something is so; or happens | [`Event`], [`Latch`], [`Condition`]; [`Notify`] |
//! | wait for each other | [`Barrier`] |
//! | hand on items | [`Queue`], [`LifoQueue`], [`PriorityQueue`]; [`channel`] |
//! | hand on one value; the newest; the same to all | [`oneshot`]; [`watch`]; [`broadcast`] |
//!
//! ```
//! use aio_sync::{Event, Lock};
//! use futures_lite::future::{block_on, zip};
//!
//! let log = Lock::new(Vec::new());
//! let ready = Event::new();
//!
//! let worker = async {
//!     ready.wait().await;
//!     log.lock().await.push("worker");
//! };
//! let main = async {
//!     log.lock().await.push("main");
//!     ready.set();
//! };
//! block_on(zip(worker, main));
//! assert_eq!(log.into_inner(), ["main", "worker"]);
//! ```
//!
//! Each comes in two homes with one algorithm: those here may be shared between threads; their twins in [`local`] stay
//! on one and need neither atomics nor locks. They work under any executor, and waiting allocates nothing.
//!
//! All of them keep to these rules:
//!
//! - **First come, first served**: nobody overtakes, at the price that a lock, a permit or an item handed to a task
//!   rests until that task runs.
//! - **A future dropped before it is ready did not happen**: it loses nothing, and what it was just being given goes to
//!   the next.
//! - **A waker is never called, cloned or dropped under a lock of ours**, so it may use the same primitive again. If
//!   one of several panics, the others are woken first.
//!
//! To protect data that is never held across an `.await` between threads, `std::sync::Mutex` is enough.

mod barrier;
mod condition;
mod event;
mod latch;
mod limiter;
mod lock;
mod notify;
mod once_cell;
mod queue;
mod rwlock;
mod semaphore;
mod wait_queue;

#[cfg(all(test, aio_loom))]
mod race;

pub mod broadcast;
pub mod channel;
pub mod generic;
pub mod local;
pub mod oneshot;
pub mod watch;

pub use barrier::{BarrierFuture, BarrierTurn, BrokenBarrier};
pub use condition::ConditionFuture;
pub use event::EventFuture;
pub use latch::LatchFuture;
pub use limiter::{AcquireError, LimiterStatistics};
pub use lock::{LockFuture, LockGuard, OwnedLockFuture, OwnedLockGuard};
pub use notify::NotifiedFuture;
pub use once_cell::{OnceCellFuture, SetError};
pub use queue::{GetError, GetFuture, PutError, PutFuture, QueueJoinFuture};
pub use rwlock::{
    OwnedRwLockReadFuture, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadFuture, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockUpgradeFuture, OwnedRwLockWriteFuture, OwnedRwLockWriteGuard, RwLockReadFuture, RwLockReadGuard,
    RwLockUpgradableReadFuture, RwLockUpgradableReadGuard, RwLockUpgradeFuture, RwLockWriteFuture, RwLockWriteGuard,
};

/// A [lock](generic::Lock) that may be shared between threads.
pub type Lock<T> = generic::Lock<T, aio_base::Shared>;

/// A [read-write lock](generic::RwLock) that may be shared between threads.
pub type RwLock<T> = generic::RwLock<T, aio_base::Shared>;

/// A [value made once](generic::OnceCell) that may be shared between threads.
pub type OnceCell<T> = generic::OnceCell<T, aio_base::Shared>;

/// An [event](generic::Event) that may be shared between threads.
pub type Event = generic::Event<aio_base::Shared>;

/// A [queue](generic::Queue) that may be shared between threads.
pub type Queue<T> = generic::Queue<T, aio_base::Shared>;

/// A [queue](generic::Queue) that gives the newest item first, and may be shared between threads.
pub type LifoQueue<T> = generic::Queue<T, aio_base::Shared, generic::Lifo>;

/// A [queue](generic::Queue) that gives the smallest item first, and may be shared between threads.
pub type PriorityQueue<T> = generic::Queue<T, aio_base::Shared, generic::Smallest>;

/// A [semaphore](generic::Semaphore) that may be shared between threads.
pub type Semaphore = generic::Semaphore<aio_base::Shared>;

/// Permits of a [`Semaphore`].
pub type Permit<'a, H = aio_base::Shared> = generic::Permit<&'a generic::Semaphore<H>, H>;

/// Permits of a [`Semaphore`] that hold on to it.
pub type OwnedPermit<H = aio_base::Shared> = generic::Permit<<H as aio_base::Home>::Ref<generic::Semaphore<H>>, H>;

/// Waits for permits of a [`Semaphore`].
pub type AcquireFuture<'a, H = aio_base::Shared> = generic::AcquireFuture<&'a generic::Semaphore<H>, H>;

/// Waits for permits of a [`Semaphore`] that hold on to it.
pub type OwnedAcquireFuture<H = aio_base::Shared> =
    generic::AcquireFuture<<H as aio_base::Home>::Ref<generic::Semaphore<H>>, H>;

/// A [capacity limiter](generic::CapacityLimiter) that may be shared between threads.
pub type CapacityLimiter = generic::CapacityLimiter<aio_base::Shared>;

/// Tokens of a [`CapacityLimiter`].
pub type LimiterPermit<'a, H = aio_base::Shared> = generic::LimiterPermit<&'a generic::CapacityLimiter<H>, H>;

/// Tokens of a [`CapacityLimiter`] that hold on to it.
pub type OwnedLimiterPermit<H = aio_base::Shared> =
    generic::LimiterPermit<<H as aio_base::Home>::Ref<generic::CapacityLimiter<H>>, H>;

/// Waits for tokens of a [`CapacityLimiter`].
pub type LimiterFuture<'a, H = aio_base::Shared> = generic::LimiterFuture<&'a generic::CapacityLimiter<H>, H>;

/// Waits for tokens of a [`CapacityLimiter`] that hold on to it.
pub type OwnedLimiterFuture<H = aio_base::Shared> =
    generic::LimiterFuture<<H as aio_base::Home>::Ref<generic::CapacityLimiter<H>>, H>;

/// A [condition](generic::Condition) that may be shared between threads.
pub type Condition = generic::Condition<aio_base::Shared>;

/// A [barrier](generic::Barrier) that may be shared between threads.
pub type Barrier = generic::Barrier<aio_base::Shared>;

/// A [latch](generic::Latch) that may be shared between threads.
pub type Latch = generic::Latch<aio_base::Shared>;

/// A [notification](generic::Notify) that may be shared between threads.
pub type Notify = generic::Notify<aio_base::Shared>;
