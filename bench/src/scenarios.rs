//! The scenarios, by group. Each file says what is measured, and why just so.

mod gather;
mod generators;
mod groups;
mod locks;
mod queues;
mod race;
mod semaphores;
mod spawn;
mod startup;
mod threads;
mod timers;
mod yields;

use crate::harness::Scenario;

/// All of them, in the order of the table.
pub(crate) fn all() -> Vec<Scenario> {
    let groups = [
        spawn::scenarios(),
        yields::scenarios(),
        gather::scenarios(),
        race::scenarios(),
        groups::scenarios(),
        timers::scenarios(),
        locks::scenarios(),
        semaphores::scenarios(),
        queues::scenarios(),
        threads::scenarios(),
        generators::scenarios(),
        startup::scenarios(),
    ];
    groups.into_iter().flatten().collect()
}
