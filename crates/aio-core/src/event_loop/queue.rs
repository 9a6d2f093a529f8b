//! The run queue of a worker.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ptr::NonNull;

use crate::task::Header;

/// First in, first out. What is in it is alive: it has not completed, or stands in the queue by its own claim.
pub(super) struct Queue(RefCell<VecDeque<NonNull<Header>>>);

impl Queue {
    pub(super) const fn new() -> Self {
        Self(RefCell::new(VecDeque::new()))
    }

    #[inline]
    pub(super) fn push(&self, task: NonNull<Header>) {
        self.0.borrow_mut().push_back(task);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<Header>> {
        self.0.borrow_mut().pop_front()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}
