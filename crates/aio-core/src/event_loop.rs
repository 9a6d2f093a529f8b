//! The loop: one thread, its tasks, and what it waits for.
//!
//! A turn runs what was ready when it began, in that order. Between turns the loop reads its mail (what other threads
//! ask of it) and, every so many polls, turns the drivers; when it is *idle* it parks in them.
//!
//! A loop is idle when no task is ready and no mail is there ([`Core::is_idle`]): whatever happens next must come from
//! outside, that is from a driver (a deadline, an event of the system) or from another thread by mail. This is the one
//! place where time passes for a loop, so a clock that is not the system's moves on here, and a loop that is idle with
//! nothing outstanding outside is at a deadlock.

mod block_on;
mod core;
mod locals;
mod memory;
mod queue;
mod shared;

use std::panic::{Location, resume_unwind};
use std::task::{Context, Poll, Waker};

use aio_base::{Deadline, Panics};

pub use self::block_on::block_on;
pub(crate) use self::core::Core;
use self::locals::Locals;
pub use self::locals::loop_local;
pub(crate) use self::memory::Memory;
pub(crate) use self::shared::{Mail, Shared};
use crate::current;
use crate::driver::{Driver, ThreadPark};
use crate::task::{TaskRef, spawn_main};

/// How many polls may pass before the drivers get a turn while tasks are ready. A turn may have to read the clock, or
/// ask the system for events, which costs as much as several polls.
const POLLS_BETWEEN_TURNS: usize = 64;

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
#[derive(Debug)]
pub struct EventLoop<D> {
    driver: D,
    locals: Locals,
}

impl<D: Driver> EventLoop<D> {
    /// A loop that waits in `driver`. It takes no thread, no descriptor and hardly any memory before it needs them.
    pub fn new(driver: D) -> Self {
        Self { driver, locals: Locals::default() }
    }

    /// Gives the loop a value that [`loop_local`] will find: how crates above this one are configured.
    #[must_use]
    pub fn with_local<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.locals.insert(value);
        self
    }

    /// Runs `main` on this thread until it has finished, as a task like any other, and ends what is left, in asyncio's
    /// order: all tasks are cancelled and run to their ends, cleanups included; tasks that these spawned meanwhile are
    /// cancelled and run to their ends in turn; values of the loop (such as the pool for blocking work) are dropped.
    ///
    /// `main` need be neither `Send` nor `'static`.
    ///
    /// # Panics
    /// If `main` panics, after everything has ended; or else if the destructor of a value of the loop does. If this
    /// thread runs a loop already.
    #[track_caller]
    pub fn run<F: Future>(self, main: F) -> F::Output {
        let caller = Location::caller();
        current::with_loop(|core| {
            panic!(
                "`run` at {caller} is inside of the loop that was started at {}: await the future instead, or spawn it",
                core.started_at
            )
        });
        let Self { mut driver, locals } = self;
        let core = Core::new(driver.unparker(), locals, caller);
        // `main` may borrow from the caller, so the loop must not be left before it has completed. Only a driver can
        // panic in here, and there is no going on without one.
        let abort = AbortOnUnwind;
        let (outcome, panics) = current::enter_loop(&core, || {
            driver.enter();
            // SAFETY: this function is not left before the task has completed: the loop below waits for it, and an
            // unwinding does not get past `abort`.
            let mut task = unsafe { spawn_main(&core, main, caller) };
            let main = task.task_ref();
            run_until(&core, &mut driver, || main.is_finished());
            let panics = tear_down(&core, &mut driver);
            driver.leave();
            let mut cx = Context::from_waker(Waker::noop());
            (task.poll_join(&mut cx), panics)
        });
        std::mem::forget(abort);
        drop(driver);
        match outcome {
            Poll::Ready(Ok(output)) => {
                panics.resume();
                output
            }
            Poll::Ready(Err(error)) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("the main task of the loop {error}"),
            },
            Poll::Pending => unreachable!("the main task has completed"),
        }
    }
}

struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!("aio: the event loop itself has panicked");
        std::process::abort();
    }
}

/// Runs turns until `done`.
fn run_until(core: &Core, driver: &mut impl Driver, mut done: impl FnMut() -> bool) {
    let mut polls = 0;
    while !done() {
        polls += core.run_batch();
        core.read_mail();
        if core.has_ready() {
            if polls >= POLLS_BETWEEN_TURNS {
                driver.turn();
                polls = 0;
            }
        } else if core.is_idle() && !done() {
            driver.park(Deadline::NEVER);
            core.read_mail();
            polls = 0;
        }
    }
}

/// Cancels all tasks and runs them to their ends, again and again until there is none: what ends may spawn. Returns the
/// first panic of a value of the loop.
fn tear_down(core: &Core, driver: &mut impl Driver) -> Panics {
    let mut panics = Panics::new();
    loop {
        let mut tasks = core.all_tasks();
        if tasks.is_empty() {
            if core.has_ready() {
                // A task that was woken in its last turn is still in the queue.
                core.run_batch();
                continue;
            }
            core.locals.clear(&mut panics);
            // What a value of the loop did in its destructor is ended as well.
            if core.close_if_idle() {
                return panics;
            }
            continue;
        }
        for task in &tasks {
            task.cancel();
        }
        run_until(core, driver, || {
            while tasks.last().is_some_and(TaskRef::is_finished) {
                tasks.pop();
            }
            tasks.is_empty()
        });
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
