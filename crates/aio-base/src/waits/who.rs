//! Tasks and threads.

use std::fmt;
use std::thread::ThreadId; // facade: a name

use crate::host::{self, TaskLabel};

/// A task, or a thread that runs none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Who {
    /// A task of a loop of ours.
    Task(TaskLabel),
    /// Anybody else on that thread, the tasks of other runtimes included.
    Thread(ThreadLabel),
}

/// Which thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ThreadLabel {
    /// Unique in the process, other than the name.
    pub id: ThreadId,
    /// Its name, if it was given one.
    pub name: Option<String>,
}

impl fmt::Display for ThreadLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "thread `{name}` ({:?})", self.id),
            None => write!(f, "thread {:?}", self.id),
        }
    }
}

impl Who {
    pub(super) fn current() -> Self {
        host::current_task().map_or_else(
            || {
                let thread = std::thread::current(); // facade: it has a name
                Self::Thread(ThreadLabel { id: thread.id(), name: thread.name().map(str::to_owned) })
            },
            Self::Task,
        )
    }

    /// The number of the task, if it is one.
    pub fn task_id(&self) -> Option<u64> {
        match self {
            Self::Task(label) => Some(label.id),
            Self::Thread(_) => None,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(label) => label.fmt(f),
            Self::Thread(label) => label.fmt(f),
        }
    }
}
