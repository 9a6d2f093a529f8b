//! The complete loop: tasks over timers over the thread, and a pool for blocking functions.

use aio_blocking::{Pool, PoolConfig};
use aio_core::{EventLoop, ThreadPark};
use aio_timer::Timers;

/// Runs `main` on an event loop on this thread until it has finished, ends what is left, and returns its output:
/// asyncio's `run`.
///
/// When `main` has finished, all tasks that are left are cancelled and run to their ends, cleanups included; then the
/// threads for blocking functions are joined. No thread is started before something needs one, and `main` need be
/// neither `Send` nor `'static`.
///
/// ```
/// let greeting = String::from("hello");
/// let length = aio::run(async { greeting.len() });
/// assert_eq!(length, 5);
/// ```
///
/// # Panics
/// If `main` does, after everything has ended. If this thread runs a loop already.
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    Runner::new().run(main)
}

/// [`run`] with settings.
///
/// ```
/// use aio::{PoolConfig, Runner};
///
/// let runner = Runner::new().blocking_pool(PoolConfig::new().max_threads(2));
/// assert_eq!(runner.run(aio::to_thread(|| 1)), 1);
/// ```
#[derive(Debug, Default)]
#[must_use = "a runner does nothing before `run`"]
pub struct Runner {
    blocking_pool: Option<PoolConfig>,
}

impl Runner {
    /// The settings of [`run`].
    pub const fn new() -> Self {
        Self { blocking_pool: None }
    }

    /// Sizes the pool that [`to_thread`](crate::to_thread) uses.
    pub fn blocking_pool(mut self, config: PoolConfig) -> Self {
        self.blocking_pool = Some(config);
        self
    }

    /// See [`run`].
    ///
    /// # Panics
    /// As [`run`].
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        let event_loop = EventLoop::new(Timers::new(ThreadPark::new()));
        match self.blocking_pool {
            Some(config) => event_loop.with_local(Pool::new(config)),
            None => event_loop,
        }
        .run(main)
    }
}
