//! The complete loop: tasks over timers over sockets over the thread, a pool for blocking functions, and Ctrl-C.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_blocking::{Pool, PoolConfig};
use aio_core::{EventLoop, Failure, Handle, JoinError, Reason, ThreadPark};
use aio_reactor::Reactor;
use aio_signal::{exit_interrupted, interruptible, interruptible_anyway, is_main_thread};
use aio_timer::Timers;

use crate::debug;

/// Runs `main` on an event loop on this thread until it has finished, ends what is left, and returns its output:
/// asyncio's `run`.
///
/// When `main` has finished, all tasks that are left are cancelled and run to their ends, cleanups included; then the
/// threads for blocking functions are joined. No thread is started before something needs one, and `main` need be
/// neither `Send` nor `'static`.
///
/// On the main thread of the program, Ctrl-C cancels `main`: its cleanups run, everything ends as usual, and then the
/// process exits with code 130. Pressed again, it exits at once. (See [`Runner::ctrl_c`]; a `main` that waits has one
/// thread for it.)
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
    let mut runner = Runner::new();
    let outcome = runner.try_run(main);
    runner.finish(outcome)
}

/// [`run`] with settings, and for several runs on one loop: asyncio's `Runner`.
///
/// Tasks that are left after one run go on in the next, and context variables keep what they were set to. Everything is
/// ended by [`close`](Self::close), or when the runner is dropped.
///
/// ```
/// use aio::{PoolConfig, Runner, spawn};
///
/// let mut runner = Runner::new().blocking_pool(PoolConfig::new().max_threads(2));
/// assert_eq!(runner.run(aio::to_thread(|| 1)), 1);
///
/// let (task,) = runner.run(async { (spawn(async { 2 }),) });
/// assert_eq!(runner.run(task), 2);
/// runner.close();
/// ```
#[must_use = "a runner does nothing before `run`"]
pub struct Runner {
    settings: Settings,
    event_loop: Option<EventLoop<Driver>>,
}

#[derive(Default)]
struct Settings {
    /// Zero stands for one.
    workers: usize,
    blocking_pool: Option<PoolConfig>,
    shutdown_grace: Option<Duration>,
    on_failure: Option<OnFailure>,
    ctrl_c: Option<bool>,
    debug: Option<bool>,
}

type Driver = Timers<Reactor<ThreadPark>>;
type OnFailure = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

impl Runner {
    /// The settings of [`run`].
    pub const fn new() -> Self {
        let settings = Settings {
            workers: 0,
            blocking_pool: None,
            shutdown_grace: None,
            on_failure: None,
            ctrl_c: None,
            debug: None,
        };
        Self { settings, event_loop: None }
    }

    /// Runs tasks on `workers` threads, of which the caller's is one: those of [`spawn`](crate::spawn()) and of task
    /// groups on any of them, those of [`local`](crate::local) where they were spawned. The default is one, and no
    /// further thread. Zero stands for as many as can run at the same time on this machine.
    ///
    /// Threads are started when there is work for them, and joined at the end. Between two runs they go on with what
    /// they have.
    ///
    /// ```
    /// use aio::{Runner, spawn};
    ///
    /// let sum: u64 = Runner::new().workers(2).run(async {
    ///     let low = spawn(async { (0..2000).sum::<u64>() });
    ///     let high = spawn(async { (2000..4000).sum::<u64>() });
    ///     low.await + high.await
    /// });
    /// assert_eq!(sum, (0..4000).sum());
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = if workers == 0 { aio_base::thread::parallelism() } else { workers };
        self
    }

    /// Sizes the pool that [`to_thread`](crate::to_thread()) uses.
    pub fn blocking_pool(mut self, config: PoolConfig) -> Self {
        self.settings.blocking_pool = Some(config);
        self
    }

    /// Bounds how long the end waits for tasks, their cleanups and blocking functions. What has not ended when `grace`
    /// is over is given up: cleanups are dropped, threads are left alone, and both are
    /// [reported](Self::on_failure). Without it, the end waits as long as they take, as asyncio does.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.shutdown_grace = Some(grace);
        self
    }

    /// Tells `handler` of failures that nobody waits for, when they happen; without one they are printed on stderr. See
    /// [`EventLoop::on_failure`].
    pub fn on_failure(mut self, handler: impl Fn(&Failure<'_>) + Send + Sync + 'static) -> Self {
        self.settings.on_failure = Some(Arc::new(handler));
        self
    }

    /// Whether Ctrl-C cancels what is run. The default is to do so on the main thread of the program, unless it has a
    /// handler of its own or was started to ignore Ctrl-C; `true` does so in any case.
    pub fn ctrl_c(mut self, cancels: bool) -> Self {
        self.settings.ctrl_c = Some(cancels);
        self
    }

    /// Whether the program keeps account of who waits for what: see [`debug`]. It concerns the process,
    /// from the first run on. The default is what the environment variable `AIO_DEBUG` says: off, if it is not there or
    /// `0`.
    pub fn debug(mut self, is_on: bool) -> Self {
        self.settings.debug = Some(is_on);
        self
    }

    /// Runs `main` until it has finished, cleanups included, and returns its output. Other tasks stay as they are, to
    /// go on in the next run.
    ///
    /// If Ctrl-C has cancelled `main`, everything is ended as by [`close`](Self::close), and the process exits with
    /// code 130. [`try_run`](Self::try_run) leaves that to the caller.
    ///
    /// # Panics
    /// If `main` does, or if somebody cancels it. If this thread runs a loop already.
    #[track_caller]
    pub fn run<F: Future>(&mut self, main: F) -> F::Output {
        match self.try_run(main) {
            Ok(output) => output,
            Err(error) => self.fail(error),
        }
    }

    /// [`run`](Self::run) that tells how `main` ended.
    ///
    /// # Errors
    /// [`JoinError`], if `main` panics, or is cancelled: with [`Reason::Interrupted`], if it was Ctrl-C.
    ///
    /// # Panics
    /// If this thread runs a loop already.
    #[track_caller]
    pub fn try_run<F: Future>(&mut self, main: F) -> Result<F::Output, JoinError> {
        let ctrl_c = self.settings.ctrl_c;
        let event_loop = self.event_loop();
        match ctrl_c {
            None if is_main_thread() => event_loop.run_until_complete(interruptible(main)),
            Some(true) => event_loop.run_until_complete(interruptible_anyway(main)),
            None | Some(false) => event_loop.run_until_complete(main),
        }
    }

    /// A handle to spawn tasks with from any thread; they run while this runs something.
    pub fn handle(&mut self) -> Handle {
        self.event_loop().handle()
    }

    /// Ends everything, in asyncio's order: all tasks are cancelled and run to their ends, cleanups included, those
    /// that are spawned meanwhile as well; then the threads for blocking functions are joined.
    ///
    /// # Panics
    /// If the destructor of a value that belongs to the loop does.
    pub fn close(mut self) {
        self.end();
    }

    #[track_caller]
    fn event_loop(&mut self) -> &mut EventLoop<Driver> {
        let Self { settings, event_loop } = self;
        event_loop.get_or_insert_with(|| {
            match settings.debug {
                Some(is_on) => debug::track_waits(is_on),
                None if debug::is_asked_for() => debug::track_waits(true),
                None => {}
            }
            let driver = || Timers::new(Reactor::new(ThreadPark::new()));
            let mut event_loop = match settings.workers {
                0 | 1 => EventLoop::new(driver()),
                workers => EventLoop::with_workers(workers, driver),
            };
            if let Some(config) = settings.blocking_pool.take() {
                event_loop = event_loop.with_local(Pool::new(config));
            }
            if let Some(grace) = settings.shutdown_grace {
                event_loop = event_loop.shutdown_grace(grace);
            }
            if let Some(handler) = settings.on_failure.take() {
                event_loop = event_loop.on_failure(move |failure| handler(failure));
            }
            event_loop
        })
    }

    fn end(&mut self) {
        if let Some(event_loop) = self.event_loop.take() {
            event_loop.close();
        }
    }

    /// Ends everything, and then goes on with what `main` gave.
    #[track_caller]
    fn finish<T>(mut self, outcome: Result<T, JoinError>) -> T {
        match outcome {
            Ok(output) => {
                self.end();
                output
            }
            Err(error) => {
                // The panic of `main` goes first; one of the end has been reported by the panic hook.
                let mut panics = aio_base::Panics::new();
                panics.catch(|| self.end());
                std::mem::forget(panics.take());
                self.fail(error)
            }
        }
    }

    #[track_caller]
    fn fail(&mut self, error: JoinError) -> ! {
        if error.reason() == Some(&Reason::Interrupted) {
            self.end();
            exit_interrupted();
        }
        match error.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => panic!("the main task of the loop {error}"),
        }
    }
}

impl Default for Runner {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("event_loop", &self.event_loop).finish_non_exhaustive()
    }
}
