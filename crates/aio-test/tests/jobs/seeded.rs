//! A loop under virtual time, on which a seed says what comes next.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use aio_base::Deadline;
use aio_core::{Driver, EventLoop, ReadyTasks, Schedule, TaskRef, ThreadPark, VirtualTime};
use aio_test::jobs::Jobs;
use aio_timer::Timers;

/// What happened, in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

struct Seeded {
    inner: ThreadPark,
    choices: Choices,
}

struct Choices {
    rng: fastrand::Rng,
    log: Log,
}

impl Schedule for Choices {
    fn next(&mut self, ready: &ReadyTasks<'_>) -> Option<usize> {
        Some(self.rng.usize(..ready.len()))
    }

    fn ran(&mut self, task: &TaskRef, _: &ReadyTasks<'_>) {
        self.log.note(format!("{} {}", task.name().unwrap_or("task"), task.spawned_at().line()));
    }
}

impl Driver for Seeded {
    fn enter(&mut self) {
        self.inner.enter();
    }

    fn leave(&mut self) {
        self.inner.leave();
    }

    fn turn(&mut self) {
        self.inner.turn();
    }

    fn park(&mut self, deadline: Deadline) {
        self.inner.park(deadline);
    }

    fn unparker(&self) -> Waker {
        self.inner.unparker()
    }

    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        Some(&mut self.choices)
    }
}

/// A loop that logs the turns of its tasks.
pub(crate) fn event_loop(seed: u64, log: &Log) -> EventLoop<impl Driver + use<>> {
    let choices = Choices { rng: fastrand::Rng::with_seed(seed), log: log.clone() };
    let virtual_time = VirtualTime::new(Seeded { inner: ThreadPark::new(), choices });
    EventLoop::new(Timers::new(virtual_time.on_deadlock(|| panic!("it is no deadlock"))))
}

/// Runs `main` with jobs as steps, none of which may overrun.
pub(crate) fn run<F: Future>(seed: u64, log: &Log, main: F) -> F::Output {
    run_with(Jobs::new(), seed, log, main)
}

pub(crate) fn run_with<F: Future>(jobs: Jobs, seed: u64, log: &Log, main: F) -> F::Output {
    // On a machine under load nothing is to be read into the time that a job takes.
    let jobs = jobs.patience(std::time::Duration::from_secs(60));
    let _entered = jobs.enter();
    let output = event_loop(seed, log).run(main);
    assert_eq!(jobs.overruns(), []);
    output
}
