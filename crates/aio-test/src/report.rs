//! What is said of a run that goes nowhere.

use aio_core::{TaskRef, all_tasks, deadlock_report};

use crate::director::Director;

/// No task can run, and nothing will ever wake one.
pub(crate) fn deadlock(director: &Director) -> String {
    tasks(director)
}

/// The guard has come.
pub(crate) fn overran(director: &Director) -> String {
    let tasks = tasks(director);
    let (_headline, tasks) = tasks.split_once('\n').unwrap_or_default();
    let last = director.last_step();
    format!("the time of the test is over (real time, see `Test::timeout`); these are its tasks\n{tasks}{last}")
}

/// The tasks of the loop of this thread, and what they wait for.
fn tasks(director: &Director) -> String {
    let tasks = all_tasks();
    let numbers = |task: &TaskRef| director.number_of(task);
    deadlock_report(&tasks, &|task| numbers(task).0, &|task| numbers(task).1)
}
