//! One run of a test on a loop of its own.

use std::any::Any;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aio_base::sync::{Arc, Mutex};
use aio_core::{EventLoop, ThreadPark, VirtualTime, all_tasks};
use aio_timer::Timers;

/// Why a run has failed.
pub(super) enum Failure {
    Panic(Box<dyn Any + Send>),
    /// Nothing could happen any more; the text names the tasks.
    Deadlock(String),
}

/// Runs `main` on a fresh loop with virtual time, to the end of all that it starts.
pub(super) fn run_once(main: impl Future<Output = ()>) -> Result<(), Failure> {
    let deadlock = Arc::new(Mutex::new(None));
    let clock = VirtualTime::new(ThreadPark::new()).on_deadlock({
        let deadlock = deadlock.clone();
        move || break_deadlock(&mut deadlock.lock())
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| EventLoop::new(Timers::new(clock)).run(main)));
    // The panics after a deadlock come of what was done about it.
    match (deadlock.lock().take(), outcome) {
        (Some(tasks), _) => Err(Failure::Deadlock(tasks)),
        (None, Err(payload)) => Err(Failure::Panic(payload)),
        (None, Ok(())) => Ok(()),
    }
}

/// Cancels all tasks; where there was a deadlock before, gives up their cleanups.
fn break_deadlock(report: &mut Option<String>) {
    let tasks = all_tasks();
    if report.is_some() {
        return tasks.iter().for_each(|task| task.give_up());
    }
    let mut text = String::new();
    for (index, task) in tasks.iter().enumerate() {
        let (name, place) = (task.name().unwrap_or("a task"), task.spawned_at());
        _ = write!(text, "\n  {}: {name}, spawned at {place}", index + 1);
        task.cancel();
    }
    *report = Some(text);
}
