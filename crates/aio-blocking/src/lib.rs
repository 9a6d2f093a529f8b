//! Blocking functions beside async code.
//!
//! A function that blocks its thread (a file is read, a name looked up, a C library called) would stop the whole event
//! loop. [`to_thread()`] runs it in a thread of a small pool and awaits it:
//!
//! ```
//! use aio_blocking::to_thread;
//!
//! futures_lite::future::block_on(async {
//!     let sum = to_thread(|| (1..=1000u64).sum::<u64>()).await;
//!     assert_eq!(sum, 500_500);
//! });
//! ```
//!
//! - [`to_thread()`] is `asyncio.to_thread`: the default pool of the loop, or of the process if there is no loop of
//!   `aio`.
//! - [`Pool`] is `loop.run_in_executor`: another pool, for work that must not wait behind the default one.
//! - [`PoolConfig`] says how large a pool may grow and how long it keeps idle threads.
//! - [`steps`] is for authors of test runtimes: when a job runs is a choice of the test.
//!
//! Not for computations that keep all cores busy for long (a pool for those is `rayon`), nor for a function that runs
//! as long as the program: give that a thread of its own.

mod config;
mod crew;
mod current;
mod entry;
mod gate;
mod held;
mod job;
mod pool;
mod queue;
pub mod steps;
mod to_thread;

pub use config::PoolConfig;
pub use pool::Pool;
pub use to_thread::{ToThread, to_thread};
