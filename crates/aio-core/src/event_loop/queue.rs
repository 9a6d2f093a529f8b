//! The run queue of a worker.

use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;

use crate::task::Header;

/// What a free one holds means nothing.
type Slot = Cell<NonNull<Header>>;

/// First in, first out: a ring, in slots whose number is a power of two. What is in it is alive: it has not completed,
/// or stands in the queue by its own claim.
///
/// A `VecDeque` does the same in twice as many instructions, and they are a fifth of those of a yield.
pub(super) struct Queue {
    /// Only [`grow`](Self::grow) replaces them.
    slots: UnsafeCell<Box<[Slot]>>,
    /// How many were ever taken out, and put in. They may wrap around.
    head: Cell<usize>,
    tail: Cell<usize>,
}

const FIRST: usize = 64;

impl Queue {
    pub(super) fn new() -> Self {
        Self { slots: UnsafeCell::new(Box::default()), head: Cell::new(0), tail: Cell::new(0) }
    }

    #[inline]
    fn slots(&self) -> &[Slot] {
        // SAFETY: the slots are replaced in `grow` only, and no caller has them beyond its own next statement.
        unsafe { &*self.slots.get() }
    }

    /// # Safety
    /// There are slots.
    #[inline]
    unsafe fn slot(&self, at: usize) -> &Slot {
        let slots = self.slots();
        // SAFETY: by the caller their number is not zero, and what is left of `at` is less.
        unsafe { slots.get_unchecked(at & slots.len().wrapping_sub(1)) }
    }

    #[inline]
    pub(super) fn push(&self, task: NonNull<Header>) {
        if self.len() == self.slots().len() {
            return self.grow_and_push(task);
        }
        let tail = self.tail.get();
        // SAFETY: there is one that is free.
        unsafe { self.slot(tail) }.set(task);
        self.tail.set(tail.wrapping_add(1));
    }

    /// The end of [`push`](Self::push), which then has nothing to keep in registers for what comes after.
    #[cold]
    #[inline(never)]
    fn grow_and_push(&self, task: NonNull<Header>) {
        self.grow();
        self.push(task);
    }

    fn grow(&self) {
        let len = self.len();
        // SAFETY: nobody has a reference to them.
        let slots = unsafe { &mut *self.slots.get() };
        // In one piece, the allocator may give it more room where it is.
        let mut grown = std::mem::take(slots).into_vec();
        grown.rotate_left(self.head.get() & len.saturating_sub(1));
        grown.resize((2 * len).max(FIRST), Cell::new(NonNull::dangling()));
        *slots = grown.into_boxed_slice();
        self.head.set(0);
        self.tail.set(len);
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<Header>> {
        let head = self.head.get();
        if head == self.tail.get() {
            return None;
        }
        self.head.set(head.wrapping_add(1));
        // SAFETY: there is one that is not free.
        Some(unsafe { self.slot(head) }.get())
    }

    /// What stands at that place, counted from the next one on.
    pub(super) fn get(&self, place: usize) -> Option<NonNull<Header>> {
        // SAFETY: there is one that is not free.
        (place < self.len()).then(|| unsafe { self.slot(self.head.get().wrapping_add(place)) }.get())
    }

    /// Takes that out; what stands before it moves up. In as many steps as there are before it.
    pub(super) fn remove(&self, place: usize) -> Option<NonNull<Header>> {
        let task = self.get(place)?;
        let head = self.head.get();
        for place in (0..place).rev() {
            // SAFETY: neither is free.
            unsafe { self.slot(head.wrapping_add(place + 1)).set(self.slot(head.wrapping_add(place)).get()) };
        }
        self.head.set(head.wrapping_add(1));
        Some(task)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.tail.get().wrapping_sub(self.head.get())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn task(number: usize) -> NonNull<Header> {
        NonNull::new(std::ptr::without_provenance_mut(number + 1)).unwrap()
    }

    proptest! {
        /// Against a `VecDeque`, over the end of the ring and through its growth; the counts begin anywhere.
        #[test]
        fn it_is_first_in_first_out_unless_one_is_removed(
            start in any::<usize>(),
            ops in vec((0..3, 0..200_usize), 0..50),
        ) {
            let queue = Queue::new();
            // So that there are places already: the counts of a queue without any begin at zero.
            queue.grow();
            queue.head.set(start);
            queue.tail.set(start);
            let mut model = VecDeque::new();
            let mut next = 0;
            for (op, n) in ops {
                for _ in 0..n {
                    match op {
                        0 => {
                            queue.push(task(next));
                            model.push_back(task(next));
                            next += 1;
                        }
                        1 => prop_assert_eq!(queue.pop(), model.pop_front()),
                        _ => {
                            let place = n / 3;
                            prop_assert_eq!(queue.get(place), model.get(place).copied());
                            prop_assert_eq!(queue.remove(place), model.remove(place));
                        }
                    }
                    prop_assert_eq!(queue.len(), model.len());
                    prop_assert_eq!(queue.is_empty(), model.is_empty());
                }
            }
        }
    }
}
