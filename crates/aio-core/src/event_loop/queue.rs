//! The run queue of a loop.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ptr::NonNull;

use crate::task::{Header, Runnable};

/// A task to be given its turn.
pub(super) enum Ready {
    /// Its claim `SCHEDULED` keeps it alive.
    Local(NonNull<Header>),
    Shared(Runnable),
}

/// First in, first out.
pub(super) struct Queue(RefCell<VecDeque<Ready>>);

impl Queue {
    pub(super) const fn new() -> Self {
        Self(RefCell::new(VecDeque::new()))
    }

    #[inline]
    pub(super) fn push(&self, task: Ready) {
        self.0.borrow_mut().push_back(task);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<Ready> {
        self.0.borrow_mut().pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}
