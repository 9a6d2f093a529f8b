//! How two logs are compared.

use std::fmt;
use std::str::FromStr;

use crate::program::Event;

/// How two logs are compared.
///
/// All written scenarios, and random programs without groups, are compared in exact order: both sides take a turn of
/// the loop for the same steps, or are made to. The turns that only asyncio takes are in one file, `on_aio/hops.rs`;
/// those that a cleanup takes in the local home of `aio`, where it is a task, are in `interpreter.py` (`apart`).
///
/// Random programs with groups are compared by instant: each task has to do the same things at the same virtual times
/// and in the same order, and how the turns of different tasks interleave within one virtual millisecond is left open.
/// asyncio tells a group of the end of a child by a callback of the child and then a future of the parent; `aio` wakes
/// the parent. All but a few in ten thousand of these programs have the same order nevertheless; in the rest, that
/// wake comes when the parent has just been cancelled, or was about to be woken anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Event by event.
    Exact,
    /// As the events of each task within each instant.
    ByInstant,
}

impl Order {
    /// Whether the logs are the same.
    pub fn same(self, one: &[Event], other: &[Event]) -> bool {
        match self {
            Self::Exact => one == other,
            Self::ByInstant => sorted(one) == sorted(other),
        }
    }
}

fn sorted(events: &[Event]) -> Vec<&Event> {
    let mut events: Vec<&Event> = events.iter().collect();
    // Stable: the order within a task is kept.
    events.sort_by(|one, other| (one.at, &one.task).cmp(&(other.at, &other.task)));
    events
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::ByInstant => "by instant",
        })
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "exact" => Ok(Self::Exact),
            "by instant" => Ok(Self::ByInstant),
            _ => Err(()),
        }
    }
}
