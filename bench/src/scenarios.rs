//! The scenarios, by group. Each file says what is measured, and why just so.

mod fairness;
pub(crate) mod gather;
mod generators;
pub(crate) mod groups;
pub(crate) mod locks;
mod messages;
mod queues;
mod race;
mod semaphores;
pub(crate) mod spawn;
mod startup;
mod threads;
pub(crate) mod timers;
mod wakes;
pub(crate) mod yields;

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
        messages::scenarios(),
        threads::scenarios(),
        wakes::scenarios(),
        generators::scenarios(),
        startup::scenarios(),
        fairness::scenarios(),
    ];
    groups.into_iter().flatten().collect()
}
