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
//! | `asyncio.run(main())`, `Runner` | [`run`]`(main())`, or a [`Runner`] with settings; `#[aio::main]` for either |
//! | `create_task`, `Task`, `eager_start` | [`spawn`], [`Task`], [`Builder`]; dropping a `Task` cancels it |
//! | `current_task`, `all_tasks`, `add_done_callback` | [`current_task`], [`all_tasks`], [`TaskRef::ended`] |
//! | `run_coroutine_threadsafe`, `call_soon_threadsafe` | [`Handle::spawn`], [`block_on`] |
//! | `call_soon`; `call_later`, `call_at` | [`spawn`] and [`detach`](Task::detach); with [`sleep`], [`sleep_until`] |
//! | `set_exception_handler` | [`Runner::on_failure`] |
//! | `TaskGroup` | [`TaskGroup`], [`Child`], [`GroupError`] |
//! | `gather`; `gather` that stops at an error | [`gather`]; [`try_gather`] |
//! | `wait`, `FIRST_COMPLETED`, ... | [`wait`], [`try_wait`], [`Until`] |
//! | `as_completed` | [`as_completed`] |
//! | `wait(FIRST_COMPLETED)`, then cancel the rest | [`race`], [`first_ok`] |
//! | `sleep`; `timeout`, `wait_for` | [`sleep`], [`interval`]; [`timeout`], [`move_on_after`] |
//! | `timeout` with `reschedule`; `cancel` of a part | [`CancelScope`] |
//! | `shield`; cleanup in `finally` | [`shield`]; [`defer`], [`cancel_reason`] |
//! | `to_thread`; `run_in_executor` | [`to_thread`], [`block_in_place`]; [`Pool`] |
//! | more than one thread (there is none) | [`Runner::workers`] |
//! | `Lock`, `Event`, `Condition` | [`Lock`], [`Event`], [`Condition`] |
//! | `Semaphore`, `Barrier` | [`Semaphore`], [`Barrier`] |
//! | locks it has not | [`RwLock`], [`OnceCell`], [`CapacityLimiter`], [`Latch`], [`Notify`] |
//! | `Queue`, `LifoQueue`, `PriorityQueue` | [`Queue`], [`LifoQueue`], [`PriorityQueue`] |
//! | channels (there are none); `create_future` | [`channel`], [`broadcast`], [`watch`]; [`oneshot`] |
//! | `set_debug`; a program that hangs | [`Runner::debug`]; [`debug`] |
//! | `open_connection`; `create_connection` | [`open_connection`]; [`connect()`], [`TcpStream::connect`] |
//! | `getaddrinfo`; datagram endpoints | [`net::lookup`]; [`UdpSocket`] |
//! | `start_server`, `Server`, `serve_forever` | [`Server`], [`ServerHandle`] |
//! | `ssl`, `start_tls`; `loop.sendfile` | `tls` (a feature); [`TcpStream::send_file`] |
//! | `add_reader`, `sock_recv` and their like | [`Async`] |
//! | `StreamReader`, `StreamWriter` | [`StreamReader`], [`StreamWriter`]; [`ReadExt`], [`WriteExt`] on any stream |
//! | `create_subprocess_exec`, `create_subprocess_shell` | [`process::Command`] |
//! | `add_signal_handler` | [`signal::signals`], [`signal::ctrl_c`] |
//! | `async def` with `yield`; `async for` | [`generate`]; `while let Some(item) = stream.next().await` |
//! | `contextvars.ContextVar`, `Context` | [`ContextVar`], [`Context`] |
//! | `unittest.IsolatedAsyncioTestCase` | `#[aio::test]`, `testing` (a feature): virtual time, any order, every order |
//!
//! The page `docs/asyncio.md` of the repository goes through all of asyncio, with a program in either language for each
//! row, and the tests that show it.
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
//! Where everything else runs on `tokio`: many crates ask for its runtime, not only for its traits. (What asks for the
//! traits, or for hyper's, runs here through the crate `aio-compat`.) The primitives ([`Lock`], [`Event`], streams,
//! [`to_thread`], [`sleep`], groups of in-place children), the sockets and child processes work there too.
//!
//! Files go through threads, so a program whose work is many small reads from disks wants a runtime over `io_uring`.

mod runner;

pub mod debug;
pub mod local;
pub mod signal;

/// `async fn main`, run by [`run()`], or with options by a [`Runner`].
///
/// ```
/// #[aio::main(workers = 0, grace = "5s")]
/// async fn main() -> Result<(), aio::JoinError> {
///     let task = aio::spawn(async { 2 });
///     assert_eq!(task.join().await?, 2);
///     Ok(())
/// }
/// ```
#[cfg(feature = "macros")]
#[doc(inline)]
pub use aio_macros::main;
/// A test, run by a [`testing::Test`].
///
/// ```
/// use std::time::Duration;
///
/// #[aio::test(schedules = 1000)]
/// async fn whoever_runs_first_the_sum_is_the_same() {
///     let total = aio::gather((aio::spawn(async { 1 }), aio::spawn(async { 2 }))).await;
///     assert_eq!(total, (1, 2));
///     aio::sleep(Duration::from_secs(3600)).await;
/// }
/// ```
#[cfg(feature = "test")]
#[doc(inline)]
pub use aio_macros::test;
/// Tests that do not lie: virtual time, seeded schedules, faults, deadlock reports.
#[cfg(feature = "test")]
pub use aio_test as testing;

pub use aio_blocking::{Pool, PoolConfig, ToThread, to_thread};
/// Files and directories, through the pool of threads.
pub use aio_fs as fs;
/// Streams of bytes: reading lines and exact numbers of bytes, writing all, copying.
pub use aio_io as io;
/// Sockets and servers.
pub use aio_net as net;
/// Child processes.
pub use aio_process as process;
/// TLS over any stream of bytes.
#[cfg(feature = "tls")]
pub use aio_tls as tls;

pub use aio_core::{
    Builder, Context, ContextVar, Deferred, Ended, Failure, FailureKind, Handle, JoinError, Ready, Reason, Scope,
    Shield, Task, TaskId, TaskRef, YieldNow, all_tasks, block_in_place, block_on, cancel_reason, current_task, defer,
    now, ready, shield, spawn, yield_now,
};
pub use aio_group::{
    AnyError, AsCompleted, Child, ChildBuilder, FirstOk, GroupError, GroupHandle, Indexed, NotStarted, Race, Results,
    Started, TaskGroup, Until, Wait, WaitTimeout, as_completed, first_ok, gather, race, try_gather, try_wait, wait,
};
pub use aio_io::{ReadExt, StreamReader, StreamWriter, WriteExt};
#[cfg(unix)]
pub use aio_net::open_unix_connection;
pub use aio_net::{Server, ServerHandle, TcpListener, TcpStream, UdpSocket, connect, open_connection};
pub use aio_reactor::Async;
/// Streams: all that there is to make them and to change them.
pub use aio_stream as stream;
pub use aio_stream::{
    Emitter, Generate, Stream, StreamExt, TryGenerate, TryStreamExt, generate, iter, merge_all, try_generate,
};
/// Synchronisation, queues and channels: all of it, with the names of the futures.
pub use aio_sync as sync;
pub use aio_sync::{
    AcquireError, Barrier, BarrierTurn, BrokenBarrier, CapacityLimiter, Condition, Event, GetError, Latch, LifoQueue,
    LimiterPermit, Lock, LockGuard, Notify, OnceCell, OwnedLimiterPermit, OwnedLockGuard, OwnedPermit,
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, Permit, PriorityQueue, PutError, Queue, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, Semaphore, broadcast, channel, oneshot, watch,
};
pub use aio_timer::{
    CancelScope, Cancellable, Cancelled, Elapsed, Interval, MissedTicks, Sleep, Timeout, WaitCancelled, fail_after,
    interval, interval_at, move_on_after, sleep, sleep_until, timeout, timeout_at,
};
pub use runner::{Runner, run};
