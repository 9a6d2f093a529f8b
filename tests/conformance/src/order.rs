//! How two logs are compared.

use std::fmt;
use std::str::FromStr;

use crate::program::Event;

/// How two logs are compared.
///
/// In exact order, wherever both sides take a turn of the loop for the same steps: tasks, cancellation, sleeps,
/// events, locks, timeouts. asyncio takes one or two turns more for the end of a group and of a `gather` (a callback
/// of the child, then a future of the parent), and starts the parts of a `gather` as tasks; `aio` takes one more to
/// cancel what a cancelled task owned. Programs with those are compared by instant: each task has to do the same
/// things at the same virtual times and in the same order, and only how the turns of different tasks interleave within
/// one virtual millisecond is left open.
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
