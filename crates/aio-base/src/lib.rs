//! The ground on which every crate of `aio` stands.
//!
//! Nothing here knows about tasks. It is what has to exist exactly once so that the rest can be modelled, counted and
//! moved to another platform:
//!
//! - [`sync`] and [`thread`]: the *facade*. Atomics, locks, condition variables and threads come from here and from
//!   nowhere else, so that a model checker can stand in for them (`--cfg aio_loom`).
//! - [`Parker`]: a thread that waits for a token; [`BriefLock`]: a lock for a few instructions.
//! - [`WakeList`], [`WakerSlot`] and [`WakerSet`]: wakers are taken out under a lock, and run, cloned and
//!   dropped outside of it.
//! - [`ReadySet`]: futures polled in place, each only when it was woken.
//! - [`home`]: the two homes, [`Shared`] and [`Local`]; one algorithm is written once and serves both.
//! - [`host`]: what a runtime tells the crates that know of none, and blocking a thread.
//! - [`waits`]: who waits for what, and who has it, when somebody wants to know.
//! - [`choice`]: what a contract leaves open, decided by a test.
//! - [`footprint`]: what a step of a task has touched of what tasks share.
//! - [`Deadline`]: the one file where [`Duration`](std::time::Duration) meets [`Instant`](std::time::Instant).
//! - [`live`]: counters of everything that can leak, and the check that nothing did.
//!
//! Users of `aio` do not need this crate; authors of a driver or of a primitive in the two homes do.

pub mod choice;
pub mod footprint;
pub mod home;
pub mod host;
pub mod live;
pub mod sync;
pub mod thread;
pub mod waits;

mod brief_lock;
mod deadline;
mod panics;
mod parker;
mod ready_set;
mod wake_list;
mod waker_set;
mod waker_slot;

pub use brief_lock::{Beside, BriefGuard, BriefLock};
pub use deadline::Deadline;
pub use home::{Home, Local, Shared};
pub use panics::Panics;
pub use parker::{Parker, Unparker};
pub use ready_set::ReadySet;
pub use wake_list::WakeList;
pub use waker_set::{WakerKey, WakerSet};
pub use waker_slot::WakerSlot;
