//! Tasks, scopes and the event loop of `aio`.
//!
//! An async program is a tree: a task starts others, waits for them, and is told to stop by whoever started it. This
//! crate has the three things such a tree is made of, and the loop that runs it, on one thread or on several:
//!
//! - a [`Task`] is work that goes on by itself; [`spawn`] starts one, awaiting it gives its output, dropping it cancels
//!   it;
//! - a [`Scope`] is work that ends only when everything begun inside it has ended: [`defer`] and [`shield`] leave
//!   cleanups with it, which may await and which run even if the work is cancelled half-way;
//! - [`EventLoop`] runs tasks in the order in which they became ready, over a stack of [`Driver`]s that know what to
//!   wait for.
//!
//! ```
//! let sum = aio_core::run(async {
//!     let one = aio_core::spawn(async { 1 });
//!     let two = aio_core::spawn(async { 2 });
//!     one.await + two.await
//! });
//! assert_eq!(sum, 3);
//! ```
//!
//! # Two homes
//!
//! What is at the top of this crate may cross threads: [`spawn`] asks for `Send`. What is in [`local`] stays on its
//! loop, needs no `Send`, and is faster: [`local::spawn`], [`local::defer`], [`local::shield`].
//!
//! # Cancel safety
//!
//! One rule for the whole library: an operation that is dropped before it is ready *did not happen*. Exceptions are
//! documented where they are.
//!
//! # When not to use it
//!
//! This crate knows nothing of time, threads for blocking work, sockets or locks; most programs want the umbrella crate
//! `aio`, which has them all.

mod clock;
mod driver;

mod task;

mod scope;

mod event_loop;

mod context;
mod current;
mod failure;
mod reason;

pub mod local;

pub use clock::now;
pub use context::{Context, ContextVar};
#[doc(hidden)]
pub use driver::Paused;
pub use driver::{Driver, Outside, ReadyTasks, Schedule, StandIn, ThreadPark, VirtualTime, deadlock_report, outside};
pub use event_loop::{EventLoop, Handle, block_in_place, block_on, closing_by, loop_local, run};
pub use failure::{Failure, FailureKind, report_failure};
pub use reason::{Reason, Text, cancel_reason, cutting};
pub use scope::{Deferred, Scope, Shield, SideBySide, defer, shield};
pub use task::{
    Builder, Ended, JoinError, OnExit, Ready, Task, TaskHome, TaskId, TaskRef, YieldNow, all_tasks, current_task,
    outlast, ready, spawn, yield_now,
};
