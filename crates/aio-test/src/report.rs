//! What is said of a run that goes nowhere.

use std::fmt::Write;

use aio_core::all_tasks;

use crate::director::Director;

/// No task can run, and nothing will ever wake one.
pub(crate) fn deadlock(director: &Director) -> String {
    format!(
        "deadlock: no task can run, no timer is set, and nothing goes on outside of the loop. These tasks wait:\n{}",
        tasks(director)
    )
}

/// The guard has come.
pub(crate) fn overran(director: &Director) -> String {
    format!("the time of the test is over (real time, see `Test::timeout`). These are its tasks:\n{}", tasks(director))
}

/// The tasks of the loop of this thread, a line for each.
pub(crate) fn tasks(director: &Director) -> String {
    let tasks = all_tasks();
    director.with_numbers(|numbers| {
        tasks.iter().fold(String::new(), |mut text, task| {
            let number = numbers.number(task, None);
            let _ = writeln!(text, "  {}", numbers.label(number));
            text
        })
    })
}
