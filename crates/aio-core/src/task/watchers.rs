//! Who waits for the end of a task beside its handle. Few tasks are watched, so this is not in their cells.

use std::collections::HashMap;
use std::task::Waker;

use aio_base::live::{Kind, Live};

use super::TaskId;

#[derive(Default)]
pub(crate) struct Watchers(HashMap<TaskId, Vec<Watcher>>);

/// Dropped and woken where no lock is held: a waker is foreign code.
pub(crate) struct Watcher {
    key: u64,
    pub(crate) waker: Waker,
    _live: Live,
}

impl Watcher {
    /// No other has this key.
    pub(crate) fn new(key: u64, waker: Waker) -> Self {
        Self { key, waker, _live: Live::new(Kind::Registration) }
    }
}

impl Watchers {
    /// To be woken when `task` ends.
    pub(crate) fn insert(&mut self, task: TaskId, watcher: Watcher) {
        self.0.entry(task).or_default().push(watcher);
    }

    #[must_use]
    pub(crate) fn remove(&mut self, task: TaskId, key: u64) -> Option<Watcher> {
        let watchers = self.0.get_mut(&task)?;
        let index = watchers.iter().position(|watcher| watcher.key == key)?;
        Some(watchers.remove(index))
    }

    pub(crate) fn take(&mut self, task: TaskId) -> Vec<Watcher> {
        self.0.remove(&task).unwrap_or_default()
    }
}
