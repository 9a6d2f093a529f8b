//! Who waits for the end of a local task beside its handle. Few tasks are watched, so this is not in their cells.

use std::cell::RefCell;
use std::collections::HashMap;
use std::task::Waker;

use aio_base::live::{Kind, Live};

use crate::task::TaskId;

#[derive(Default)]
pub(crate) struct Watchers(RefCell<HashMap<TaskId, Vec<Watcher>>>);

struct Watcher {
    key: u64,
    waker: Waker,
    _live: Live,
}

impl Watchers {
    /// Wakes `waker` when `task` ends. No other has this key.
    pub(super) fn insert(&self, task: TaskId, key: u64, waker: Waker) {
        let watcher = Watcher { key, waker, _live: Live::new(Kind::Registration) };
        self.0.borrow_mut().entry(task).or_default().push(watcher);
    }

    pub(crate) fn remove(&self, task: TaskId, key: u64) {
        let former = {
            let mut map = self.0.borrow_mut();
            map.get_mut(&task).and_then(|watchers| {
                let index = watchers.iter().position(|watcher| watcher.key == key)?;
                Some(watchers.remove(index))
            })
        };
        // After the borrow: a waker is foreign code.
        drop(former);
    }

    pub(super) fn take(&self, task: TaskId) -> Vec<Waker> {
        let watchers = self.0.borrow_mut().remove(&task).unwrap_or_default();
        watchers.into_iter().map(|watcher| watcher.waker).collect()
    }
}
