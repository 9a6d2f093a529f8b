//! The loop: its workers, their tasks, and what they wait for.
//!
//! A turn runs what was ready when it began, in that order. Between turns the loop reads its mail (what other threads
//! ask of it) and, every so many polls, turns the drivers; when it is *idle* it parks in them.
//!
//! A loop is idle when no task is ready and no mail is there ([`Core::is_idle`]): whatever happens next must come from
//! outside, that is from a driver (a deadline, an event of the system) or from another thread by mail. This is the one
//! place where time passes for a loop, so a clock that is not the system's moves on here, and a loop that is idle with
//! nothing outstanding outside is at a deadlock.

mod block_in_place;
mod block_on;
mod core;
mod handle;
mod injector;
mod locals;
mod lookout;
mod mailbox;
mod queue;
mod report;
mod scheduler;
mod shutdown;
mod slab;
mod sleepers;
mod steal_queue;
mod threads;
mod worker;

use std::fmt;
use std::panic::{Location, resume_unwind};
use std::sync::Arc; // facade: shared data without a protocol
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aio_base::host::{self, Host};
use aio_base::{Deadline, Panics, footprint};

pub use self::block_in_place::block_in_place;
pub use self::block_on::block_on;
pub(crate) use self::core::Core;
use self::core::POLLS_BETWEEN_LOOKS;
pub use self::handle::Handle;
pub use self::locals::loop_local;
pub(crate) use self::mailbox::Mail;
pub(crate) use self::scheduler::Scheduler;
pub(crate) use self::slab::{Kind as BlockKind, Slab};
use self::threads::Start;
pub(crate) use self::worker::Worker;
use crate::current;
use crate::driver::{Driver, ReadyTasks, ThreadPark};
use crate::failure::Failure;
use crate::task::{JoinError, ToHandle, spawn_cleanup, spawn_main};

/// Runs `main` on a loop without timers or sockets of its own, until it has finished and everything it started has
/// ended; see [`EventLoop::run`]. The umbrella crate's `run` has a complete loop.
///
/// # Panics
/// As [`EventLoop::run`].
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    EventLoop::new(ThreadPark::new()).run(main)
}

/// An event loop over a stack of drivers.
///
/// [`run`](Self::run) does all of it. A loop may also run several futures, one after the other
/// ([`run_until_complete`](Self::run_until_complete)): tasks that are left after the first go on when the second runs,
/// and context variables keep what they were set to. It ends with [`close`](Self::close), or when it is dropped.
pub struct EventLoop<D: Driver> {
    driver: D,
    /// In a box, since it is large, and loops are moved about before they run.
    core: Box<Core>,
    /// What the last main future left in the context variables.
    context: crate::Context,
    grace: Option<Duration>,
    closed: bool,
}

/// What the primitives may ask, which know of no loop.
static HOST: Host = Host {
    // (Who blocks in `block_in_place` has said so.)
    loop_here: || current::with_loop(|core| (!core.is_blocked()).then(|| core.started_at.get())).flatten(),
    current_task: || current::with_task(|task| task.map(|task| task.meta().label())),
    now: crate::now,
};

impl<D: Driver> EventLoop<D> {
    /// A loop that waits in `driver`. It takes no thread, no descriptor and hardly any memory before it needs them.
    #[track_caller]
    pub fn new(driver: D) -> Self {
        Self::of(Scheduler::new(1), driver, Location::caller())
    }

    /// A loop that runs on `workers` threads, of which the caller's is one. Each waits in a driver of its own, made on
    /// its thread; the others are started when there is work for them.
    ///
    /// Tasks of [`spawn`](crate::spawn) begin on the worker that spawns them, and run on any: a worker without work
    /// takes over half of what is ready at another. Tasks of [`local::spawn`](crate::local::spawn) stay on the worker
    /// that spawned them. `main` runs on the caller's thread. Between two runs the other workers go on, but local tasks
    /// of the caller's do not.
    ///
    /// Timers and descriptors are served by the worker on which they were begun. While a task keeps its thread for
    /// longer than ten milliseconds, and between two runs, a thread of the loop called `aio-lookout` does that.
    ///
    /// Drivers know of no other worker's: [`VirtualTime`](crate::VirtualTime) and a [`Schedule`](crate::Schedule) are
    /// for loops with one.
    ///
    /// # Fairness
    /// On each worker, local tasks and those that may cross threads take turns, one to one, each in the order in which
    /// they became ready. After 64 polls a worker looks at its timers, at what other threads ask of it, and at tasks
    /// that no worker has yet. A task that is alone in the worker's queue of those that may cross threads is not
    /// offered to the others: it waits for the end of the poll that woke it; see [`block_in_place()`].
    ///
    /// # Panics
    /// If there are to be no workers at all; if there are to be several, and a [`Schedule`](crate::Schedule). If
    /// `make_driver` panics; on the thread of another worker that aborts the
    /// process, as a panic of a driver does.
    #[track_caller]
    pub fn with_workers(workers: usize, make_driver: impl Fn() -> D + Send + Sync + 'static) -> Self
    where
        D: 'static,
    {
        assert!(workers > 0, "a loop needs a worker at least");
        let scheduler = Scheduler::new(workers);
        let mut driver = make_driver();
        assert!(
            workers == 1 || driver.schedule().is_none(),
            "a loop with several workers cannot be told which task is next"
        );
        scheduler.threads.set_start(Start {
            started_at: Location::caller(),
            scheduler: Arc::downgrade(&scheduler),
            main: Arc::new(move |scheduler, index| run_worker(scheduler, index, &make_driver)),
        });
        Self::of(scheduler, driver, Location::caller())
    }

    fn of(scheduler: Arc<Scheduler>, driver: D, started_at: &'static Location<'static>) -> Self {
        host::install(&HOST);
        let core = Box::new(Core::new(scheduler, 0, &driver, started_at));
        Self { driver, core, context: crate::Context::current(), grace: None, closed: false }
    }

    /// Gives the loop a value that [`loop_local`] will find: how crates above this one are configured.
    #[must_use]
    pub fn with_local<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.core.scheduler().locals.insert(value);
        self
    }

    /// Tells `handler` of failures that nobody waits for, when they happen: a panic of a detached task or of a
    /// destructor, an `Err` of a task that was [detached](crate::Task::try_detach), what did not end within the
    /// [grace period](Self::shutdown_grace). Without a handler they are printed on stderr.
    ///
    /// The handler may be called on any thread, also on the loop's, which it should not keep waiting. If it panics, the
    /// failure is printed.
    #[must_use]
    pub fn on_failure(self, handler: impl Fn(&Failure<'_>) + Send + Sync + 'static) -> Self {
        self.core.scheduler().set_on_failure(Arc::new(handler));
        self
    }

    /// Bounds how long the end of the loop waits for tasks and their cleanups. When `grace` is over, cleanups that are
    /// not done are dropped, and reported with the lines they come from. Without it, the loop waits as long as it
    /// takes, as asyncio does. (A destructor that spawns a task with the same destructor goes on for ever in any case.)
    #[must_use]
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// A handle to spawn tasks with from any thread.
    pub fn handle(&self) -> Handle {
        Handle::new(self.core.scheduler_arc().clone())
    }

    /// Runs `main` on this thread until it has finished, as a task like any other, and ends what is left, in asyncio's
    /// order: all tasks are cancelled and run to their ends, cleanups included; tasks that these spawned meanwhile are
    /// cancelled and run to their ends in turn; values of the loop (such as the pool for blocking work) are dropped.
    ///
    /// `main` need be neither `Send` nor `'static`.
    ///
    /// # Panics
    /// If `main` panics, after everything has ended; or else if the destructor of a value of the loop does. If somebody
    /// cancels `main`. If this thread runs a loop already.
    #[track_caller]
    pub fn run<F: Future>(mut self, main: F) -> F::Output {
        let context = std::mem::take(&mut self.context);
        let outcome = self.run_main(main, context);
        let panics = self.tear_down();
        match outcome {
            Ok(output) => {
                panics.resume();
                output
            }
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("the main task of the loop {error}"),
            },
        }
    }

    /// Runs `main` on this thread until it has finished, cleanups included. Other tasks stay as they are, to go on in
    /// the next run.
    ///
    /// # Errors
    /// [`JoinError`], if `main` panics or is cancelled.
    ///
    /// # Panics
    /// If this thread runs a loop already.
    #[track_caller]
    pub fn run_until_complete<F: Future>(&mut self, main: F) -> Result<F::Output, JoinError> {
        let context = self.context.clone();
        let main = async {
            let output = main.await;
            (output, crate::Context::current())
        };
        let outcome = self.run_main(main, context);
        // From here on, nobody else comes to the drivers of this thread.
        self.core.have_lookout();
        let (output, context) = outcome?;
        self.context = context;
        Ok(output)
    }

    #[track_caller]
    fn run_main<F: Future>(&mut self, main: F, context: crate::Context) -> Result<F::Output, JoinError> {
        let caller = Location::caller();
        current::with_loop(|core| {
            panic!(
                "`run` at {caller} is inside of the loop that was started at {}: await the future instead, or spawn it",
                core.started_at.get()
            )
        });
        self.core.started_at.set(caller);
        let outcome = self.enter(|core, driver| {
            // SAFETY: this function is not left before the task has completed: the loop below waits for it, and an
            // unwinding does not get out of `enter`.
            let mut task = unsafe { spawn_main(core, main, caller, context) };
            let main = task.task_ref();
            run_until(core, driver, Deadline::NEVER, || main.is_finished());
            let mut cx = Context::from_waker(Waker::noop());
            task.poll_join(&mut cx)
        });
        match outcome {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => unreachable!("the main task has completed"),
        }
    }

    /// Ends what is left, as [`run`](Self::run) does. On the thread of another loop, that one stands still meanwhile.
    ///
    /// # Panics
    /// If the destructor of a value of the loop does.
    pub fn close(mut self) {
        self.tear_down().resume();
    }

    fn tear_down(&mut self) -> Panics {
        if std::mem::replace(&mut self.closed, true) {
            return Panics::new();
        }
        let grace = self.grace;
        let context = std::mem::take(&mut self.context);
        self.enter(|core, driver| {
            // By the clock of the loop, which may be its own.
            let deadline = grace.map_or(Deadline::NEVER, |grace| Deadline::after(crate::now(), grace));
            if !context.is_empty() {
                // The values' destructors are strangers', and may need a task around them.
                drop(spawn_cleanup(async { drop(context) }, ToHandle, core.started_at.get()));
            }
            shutdown::end_loop(core, driver, deadline)
        })
    }

    /// Makes this the loop of the thread for the time of a call.
    fn enter<R>(&mut self, run: impl FnOnce(&Core, &mut D) -> R) -> R {
        // Only a driver can panic in here, and there is no going on without one. `main`, which may borrow from the
        // caller, has not completed then.
        let abort = AbortOnUnwind;
        let Self { driver, core, .. } = self;
        let result = current::enter_loop(core, || {
            driver.enter();
            core.step_up();
            let result = run(core, driver);
            core.step_back();
            driver.leave();
            result
        });
        std::mem::forget(abort);
        result
    }
}

impl<D: Driver> Drop for EventLoop<D> {
    fn drop(&mut self) {
        let panics = self.tear_down();
        panics.resume();
    }
}

impl<D: Driver> fmt::Debug for EventLoop<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop").field("closed", &self.closed).finish_non_exhaustive()
    }
}

/// By when the loop of this thread has to have ended, if it is ending: for values of the loop that wait in their
/// destructors.
pub fn closing_by() -> Deadline {
    current::with_loop(|core| core.scheduler().closing_by()).unwrap_or(Deadline::NEVER)
}

struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!("aio: the event loop itself has panicked");
        std::process::abort();
    }
}

/// The life of a worker but the first.
fn run_worker<D: Driver>(scheduler: Arc<Scheduler>, index: usize, make_driver: impl Fn() -> D) {
    // The others count on this worker from when its thread was started.
    let abort = AbortOnUnwind;
    let mut driver = make_driver();
    let started_at = scheduler.threads.started_at();
    let core = Core::new(scheduler, index, &driver, started_at);
    current::enter_loop(&core, || {
        driver.enter();
        core.step_up();
        core.have_lookout();
        // Who has sent something before there was an unparker could not say so.
        core.read_all_mail();
        run_until(&core, &mut driver, Deadline::NEVER, || core.scheduler().is_stopping());
        shutdown::end_worker(&core, &mut driver);
        driver.leave();
    });
    std::mem::forget(abort);
}

/// Runs turns until `done`, or until the deadline.
fn run_until(core: &Core, driver: &mut impl Driver, deadline: Deadline, mut done: impl FnMut() -> bool) {
    if driver.schedule().is_some() {
        return run_stepwise(core, driver, deadline, done);
    }
    // A loop that runs often, and never for long, looks outside as well.
    let mut polls = core.polls.take();
    while core.is_in_turn() || !done() {
        polls += core.run_some(POLLS_BETWEEN_LOOKS.saturating_sub(polls));
        core.read_mail();
        if polls >= POLLS_BETWEEN_LOOKS {
            driver.turn();
            core.worker().visits.note();
            polls = core.look_outside();
            if is_due(deadline) {
                return;
            }
        } else if !core.has_ready() && !done() {
            // After `done`: who has ended does not take on others' work.
            let found = core.find_work();
            polls += found;
            if found == 0 && core.is_idle() {
                core.park(driver, deadline);
                core.read_mail();
                polls = 0;
                if is_due(deadline) {
                    return;
                }
            }
        }
    }
    core.polls.set(polls);
}

/// [`run_until`] under a [`Schedule`](crate::Schedule): it looks outside before each turn of a task.
fn run_stepwise(core: &Core, driver: &mut impl Driver, deadline: Deadline, mut done: impl FnMut() -> bool) {
    debug_assert!(core.scheduler().is_single());
    // It is the loop that looks, and not the task that had its turn.
    let mut done = || {
        let is_recorded = footprint::ENABLED && footprint::record(false);
        let is_done = done();
        if is_recorded {
            footprint::record(true);
        }
        is_done
    };
    while !done() && !is_due(deadline) {
        driver.turn();
        core.read_mail();
        let next = match driver.schedule() {
            Some(schedule) if core.has_ready() => schedule.next(&ReadyTasks::new(core)),
            _ => None,
        };
        match next {
            None => core.park(driver, deadline),
            Some(place) => {
                let task = core.run_ready(place);
                if footprint::ENABLED && footprint::unseen(&mut done) {
                    // Nobody else has another turn, or they are told to end.
                    footprint::touch_everything();
                }
                if let Some(schedule) = driver.schedule() {
                    schedule.ran(&task, &ReadyTasks::new(core));
                }
            }
        }
    }
}

/// Whether it is past. Reads the clock only if there is a deadline.
fn is_due(deadline: Deadline) -> bool {
    deadline.instant().is_some() && deadline.is_past(crate::now())
}

#[cfg(all(test, aio_loom))]
mod tests;
