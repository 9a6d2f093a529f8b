//! What a poll of a body has left behind that does not fit into its slot.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use aio_base::Panics;

use super::Id;

/// What must be dealt with before the body is polled again. `repr(C)`: a pointer to it is one to its id.
#[repr(C)]
pub(crate) struct Backlog<T> {
    id: Id,
    /// Whether there is anything in the two below. That is rare, and this flag all that it costs otherwise.
    is_there: bool,
    /// Items that were emitted when there was one already: a body may wait for several emits at once.
    items: VecDeque<T>,
    /// Of emits inside something that polls its parts only when they were woken.
    wakers: Vec<Waker>,
}

impl<T> Backlog<T> {
    pub(crate) fn new() -> Self {
        Self { id: Id::new(), is_there: false, items: VecDeque::new(), wakers: Vec::new() }
    }

    /// The name of the generator.
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    #[inline]
    pub(crate) fn is_there(&self) -> bool {
        self.is_there
    }

    pub(crate) fn n_items(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items.push_back(item);
        self.is_there = true;
    }

    /// Puts the item of the slot before those that came after it.
    pub(crate) fn push_first(&mut self, item: T) {
        self.items.push_front(item);
        self.is_there = true;
    }

    pub(crate) fn push_waker(&mut self, waker: Waker) {
        self.wakers.push(waker);
        self.is_there = true;
    }

    /// Takes the first item. If there is none left, those who wait are woken, and the body may be polled.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front();
        if item.is_none() {
            self.is_there = false;
            let mut panics = Panics::new();
            for waker in mem::take(&mut self.wakers) {
                panics.catch(|| waker.wake());
            }
            panics.resume();
        }
        item
    }
}
