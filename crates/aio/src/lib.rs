//! asyncio for Rust.
//!
//! asyncio's small vocabulary (`run`, `sleep`, `gather`, `TaskGroup`, `Lock`, `to_thread`, `async for`) over an event
//! loop of Rust's speed, with structured concurrency that the types and the runtime enforce: what a task, a group or a
//! timeout started has ended when it ends, also when it was cancelled half-way, and cleanups may await.
//!
//! ```
//! use aio::{TaskGroup, gather, run, sleep, to_thread};
//! use std::time::Duration;
//!
//! async fn after(ms: u64) -> u64 {
//!     sleep(Duration::from_millis(ms)).await;
//!     ms
//! }
//!
//! run(async {
//!     // Several at once, results in the order given.
//!     assert_eq!(gather((after(3), after(1), to_thread(|| 2))).await, (3, 1, 2));
//!
//!     // Tasks that end together, whatever happens.
//!     let group = TaskGroup::new();
//!     let (a, b) = group.join(async { (group.spawn(after(1)), group.spawn(after(2))) }).await;
//!     assert_eq!((a.await, b.await), (1, 2));
//! });
//! ```
//!
//! # Where is what
//!
//! | asyncio | aio |
//! |---|---|
//! | `asyncio.run(main())` | [`run`]`(main())`, or a [`Runner`] with settings |
//! | `create_task`, `Task` | [`spawn`], [`Task`]; dropping a `Task` cancels it |
//! | `TaskGroup` | [`TaskGroup`] |
//! | `gather`; `gather` that stops at an error | [`gather`]; [`try_gather`] |
//! | `sleep`, `timeout` | [`sleep`], [`timeout`] |
//! | `to_thread` | [`to_thread`] |
//! | `Lock`, `Event` | [`Lock`], [`Event`] |
//! | `async def` with `yield`; `async for` | [`generate`]; `while let Some(item) = stream.next().await` |
//! | `shield`, cleanup in `finally` | [`shield`], [`defer`] |
//! | `contextvars.ContextVar` | [`ContextVar`] |
//! | `current_task`, `all_tasks` | [`current_task`], [`all_tasks`] |
//!
//! # Two homes
//!
//! What is here may cross threads, and asks for `Send`. The same names in [`local`] stay on their loop: no `Send`, no
//! atomics, no locks.
//!
//! # Cancel safety
//!
//! One rule for the whole library: an operation that is dropped before it is ready *did not happen*. Exceptions are
//! documented where they are.
//!
//! # When not to use it
//!
//! There are no sockets yet, and one thread: a server that exists today runs on `tokio`. The primitives ([`Lock`],
//! [`Event`], streams, [`to_thread`], [`sleep`], groups of in-place children) work there too.

mod runner;

pub mod local;

pub use aio_blocking::{Pool, PoolConfig, ToThread, to_thread};
pub use aio_core::{
    Builder, CancelScope, Cancellable, Cancelled, Context, ContextVar, Deferred, Ended, JoinError, Ready, Scope,
    Shield, Task, TaskId, TaskRef, YieldNow, all_tasks, block_on, current_task, defer, now, ready, shield, spawn,
    yield_now,
};
pub use aio_group::{
    Child, ChildBuilder, GroupError, GroupHandle, NotStarted, Results, Started, TaskGroup, gather, try_gather,
};
pub use aio_stream::{Emitter, Generate, Stream, StreamExt, TryGenerate, generate, iter, try_generate};
pub use aio_sync::{Event, EventFuture, Lock, LockFuture, LockGuard};
pub use aio_timer::{
    Elapsed, Interval, MissedTicks, Sleep, Timeout, interval, interval_at, sleep, sleep_until, timeout, timeout_at,
};
pub use runner::{Runner, run};
