//! The scenarios, by group. Each file says what is measured, and why just so.

mod broadcasts;
mod crowds;
pub(crate) mod events;
mod fairness;
pub(crate) mod gather;
mod generators;
pub(crate) mod groups;
pub(crate) mod locks;
mod messages;
mod oneshots;
pub(crate) mod queues;
mod race;
mod rwlocks;
pub(crate) mod semaphores;
pub(crate) mod spawn;
mod startup;
mod streams;
mod threads;
pub(crate) mod timers;
mod wakes;
mod watches;
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
        rwlocks::scenarios(),
        semaphores::scenarios(),
        events::scenarios(),
        queues::scenarios(),
        crowds::scenarios(),
        messages::scenarios(),
        oneshots::scenarios(),
        watches::scenarios(),
        broadcasts::scenarios(),
        threads::scenarios(),
        wakes::scenarios(),
        generators::scenarios(),
        streams::scenarios(),
        startup::scenarios(),
        fairness::scenarios(),
    ];
    groups.into_iter().flatten().collect()
}
