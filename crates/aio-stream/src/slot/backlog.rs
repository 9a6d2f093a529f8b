//! What a poll of a body has left behind that does not fit into its slot.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use aio_base::Panics;

/// What must be dealt with before the body is polled again.
pub(super) struct Backlog<T> {
    /// Items that did not find the slot open to them and empty: a body may wait for several emits at once.
    items: VecDeque<T>,
    /// Of emits inside something that polls its parts only when they were woken.
    wakers: Vec<Waker>,
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), wakers: Vec::new() }
    }
}

impl<T> Backlog<T> {
    pub(super) fn n_items(&self) -> usize {
        self.items.len()
    }

    pub(super) fn push(&mut self, item: T) {
        self.items.push_back(item);
    }

    /// Puts the item of the slot before those that came after it.
    pub(super) fn push_first(&mut self, item: T) {
        self.items.push_front(item);
    }

    pub(super) fn push_waker(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    /// Takes the first item. If there is none left, those who wait are woken.
    pub(super) fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front();
        if item.is_none() {
            let mut panics = Panics::new();
            for waker in mem::take(&mut self.wakers) {
                panics.catch(|| waker.wake());
            }
            panics.resume();
        }
        item
    }
}
