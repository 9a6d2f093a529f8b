//! The local tasks of a loop, in the order of their spawns: a list through their headers.

use std::cell::Cell;
use std::ptr::NonNull;

use super::{CellRef, Header};

type Link = Cell<Option<NonNull<Header>>>;

/// Of a task in the list.
pub(super) struct Links {
    prev: Link,
    next: Link,
}

impl Links {
    pub(super) fn new() -> Self {
        Self { prev: Cell::new(None), next: Cell::new(None) }
    }
}

/// The tasks that have not completed.
pub(crate) struct TaskList {
    first: Link,
    last: Link,
}

impl TaskList {
    pub(crate) fn new() -> Self {
        Self { first: Cell::new(None), last: Cell::new(None) }
    }

    /// At the end.
    ///
    /// # Safety
    /// The task is in no list, and stays alive until it is removed.
    pub(super) unsafe fn insert(&self, task: NonNull<Header>) {
        // SAFETY: by the caller, for this task; by the same promise, for the last one.
        unsafe {
            let last = self.last.replace(Some(task));
            task.as_ref().links.prev.set(last);
            match last {
                Some(last) => &last.as_ref().links.next,
                None => &self.first,
            }
            .set(Some(task));
        }
    }

    /// # Safety
    /// The task is in this list.
    pub(super) unsafe fn remove(&self, task: NonNull<Header>) {
        // SAFETY: it and its neighbours are alive, since they are in the list.
        unsafe {
            let links = &task.as_ref().links;
            let (prev, next) = (links.prev.take(), links.next.take());
            match prev {
                Some(prev) => &prev.as_ref().links.next,
                None => &self.first,
            }
            .set(next);
            match next {
                Some(next) => &next.as_ref().links.prev,
                None => &self.last,
            }
            .set(prev);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.get().is_none()
    }

    /// References to all, in the order of their spawns.
    pub(crate) fn all(&self) -> Vec<CellRef> {
        let mut all = Vec::new();
        let mut next = self.first.get();
        while let Some(task) = next {
            // SAFETY: it is in the list.
            let task = unsafe { task.as_ref() };
            all.push(CellRef::new(task));
            next = task.links.next.get();
        }
        all
    }
}
