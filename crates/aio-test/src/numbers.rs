//! What the tasks of a run are called: numbers from 1, in the order in which they were first seen.
//!
//! The numbers of the process go on from run to run, and differ from process to process; these repeat.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;

use aio_core::TaskRef;

/// The number of a task in its run. The main task has the first one, 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(pub(crate) usize);

/// What is known of a task when it is gone.
pub(crate) struct Label {
    number: Number,
    name: Option<String>,
    spawned_at: &'static Location<'static>,
    pub(crate) parent: Option<Number>,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0)
    }
}

impl Label {
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref().or((self.number.0 == 1).then_some("main"))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, spawned_at, .. } = self;
        match self.name() {
            Some(name) => write!(f, "{number} `{name}` ({spawned_at})"),
            None => write!(f, "{number} ({spawned_at})"),
        }
    }
}

/// The tasks of a run. (It is never iterated: its order differs from process to process.)
#[derive(Default)]
pub(crate) struct Numbers {
    /// By the number of the process.
    known: HashMap<u64, Number>,
    labels: Vec<Label>,
}

impl Numbers {
    /// The number of a task; the next one, if it is seen for the first time, as a child of `parent`.
    pub(crate) fn number(&mut self, task: &TaskRef, parent: Option<Number>) -> Number {
        let next = Number(self.labels.len() + 1);
        let number = *self.known.entry(task.id().get()).or_insert(next);
        if number == next {
            let name = task.name().map(str::to_owned);
            self.labels.push(Label { number, name, spawned_at: task.spawned_at(), parent });
        }
        number
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// What the task is called that has this number in the process, if it was seen.
    pub(crate) fn of_id(&self, id: u64) -> Option<String> {
        self.known.get(&id).map(Number::to_string)
    }

    /// What the task of that number is called.
    pub(crate) fn label(&self, number: Number) -> &Label {
        &self.labels[number.0 - 1]
    }
}
