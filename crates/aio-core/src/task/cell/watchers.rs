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
    /// Wakes `waker` when `task` ends, in place of the one that had this key.
    pub(super) fn insert(&self, task: TaskId, key: u64, waker: Waker) {
        let watcher = Watcher { key, waker, _live: Live::new(Kind::Registration) };
        let former = {
            let mut map = self.0.borrow_mut();
            let watchers = map.entry(task).or_default();
            match watchers.iter_mut().find(|watcher| watcher.key == key) {
                Some(place) => Some(std::mem::replace(place, watcher)),
                None => {
                    watchers.push(watcher);
                    None
                }
            }
        };
        // After the borrow: a waker is foreign code.
        drop(former);
    }

    pub(crate) fn remove(&self, task: TaskId, key: u64) {
        let former = {
            let mut map = self.0.borrow_mut();
            map.get_mut(&task).and_then(|watchers| {
                let index = watchers.iter().position(|watcher| watcher.key == key)?;
                Some(watchers.remove(index))
            })
        };
        drop(former);
    }

    pub(super) fn take(&self, task: TaskId) -> Vec<Waker> {
        let watchers = self.0.borrow_mut().remove(&task).unwrap_or_default();
        watchers.into_iter().map(|watcher| watcher.waker).collect()
    }
}
