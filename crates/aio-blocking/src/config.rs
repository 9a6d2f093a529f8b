//! How large a pool may grow, and how long it keeps a thread for nothing.

use std::time::Duration;

use aio_base::thread;

/// How large a [`Pool`](crate::Pool) may grow, and how long it keeps a thread that has nothing to do.
///
/// The pool that [`to_thread`](crate::to_thread()) uses in a loop is the loop's value of type `Pool`. Give the loop one
/// of your own to configure it:
///
/// ```
/// use aio_blocking::{Pool, PoolConfig, to_thread};
/// use aio_core::{EventLoop, ThreadPark};
///
/// let pool = Pool::new(PoolConfig::new().max_threads(1));
/// let sum = EventLoop::new(ThreadPark::new()).with_local(pool).run(to_thread(|| 1 + 2));
/// assert_eq!(sum, 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "make a `Pool` of it"]
pub struct PoolConfig {
    pub(crate) max_threads: usize,
    pub(crate) idle_timeout: Duration,
}

impl PoolConfig {
    /// asyncio's size: four threads more than can run at the same time, but not more than 32. An idle thread ends after
    /// ten seconds.
    pub fn new() -> Self {
        Self { max_threads: 32.min(thread::parallelism() + 4), idle_timeout: Duration::from_secs(10) }
    }

    /// At most this many threads. Further jobs wait in the queue.
    ///
    /// # Panics
    /// If it is zero: no job would ever run.
    #[track_caller]
    pub fn max_threads(mut self, max_threads: usize) -> Self {
        assert!(max_threads > 0, "a pool needs at least one thread");
        self.max_threads = max_threads;
        self
    }

    /// A thread ends when no job came for this long.
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self::new()
    }
}
