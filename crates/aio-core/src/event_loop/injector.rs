//! The queue that all workers share: what comes from outside of them, and what does not fit into their rings.
//!
//! A queue under a lock, first in, first out, whose length can be seen without the lock: workers look often, and mostly
//! find nothing. What they find they take in batches, so the lock is taken once for many items.

use std::collections::VecDeque;
use std::fmt;
use std::ptr::NonNull;

use aio_base::sync::Mutex;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use super::steal_queue::StealQueue;

/// See the module. It never looks behind the pointers.
pub(super) struct Injector<T> {
    queue: Mutex<Queue<T>>,
    /// Of the queue; written under the lock. Relaxed everywhere: who goes by it takes the lock, and who must not
    /// overlook an item has a fence between this and what he did before (see `sleepers`).
    len: AtomicUsize,
}

struct Queue<T> {
    items: VecDeque<NonNull<T>>,
    closed: bool,
}

// SAFETY: the pointers are handed on and not followed; who follows them answers for it.
unsafe impl<T> Send for Injector<T> {}
// SAFETY: as above; the lock orders everything.
unsafe impl<T> Sync for Injector<T> {}

impl<T> Injector<T> {
    /// Open and empty.
    pub(super) fn new() -> Self {
        let queue = Queue { items: VecDeque::new(), closed: false };
        Self { queue: Mutex::new(queue), len: AtomicUsize::new(0) }
    }

    /// Puts `item` in last.
    ///
    /// # Errors
    /// The item itself, once the injector is closed.
    pub(super) fn push(&self, item: NonNull<T>) -> Result<(), NonNull<T>> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(item);
        }
        queue.items.push_back(item);
        self.len.store(queue.items.len(), Ordering::Relaxed);
        Ok(())
    }

    /// Puts `items` in last, one behind the other.
    ///
    /// # Errors
    /// The items themselves, once the injector is closed.
    #[cfg(test)]
    pub(super) fn push_batch<I: IntoIterator<Item = NonNull<T>>>(&self, items: I) -> Result<(), I> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(items);
        }
        queue.items.extend(items);
        self.len.store(queue.items.len(), Ordering::Relaxed);
        Ok(())
    }

    /// The same for a worker, whose items were accepted before: it does not matter whether the injector was closed
    /// since.
    pub(super) fn push_overflow(&self, items: impl Iterator<Item = NonNull<T>>) {
        let mut queue = self.queue.lock();
        queue.items.extend(items);
        self.len.store(queue.items.len(), Ordering::Relaxed);
    }

    /// Takes out the first.
    #[cfg(test)]
    pub(super) fn pop(&self) -> Option<NonNull<T>> {
        if self.is_empty() {
            return None;
        }
        let mut queue = self.queue.lock();
        let item = queue.items.pop_front();
        self.len.store(queue.items.len(), Ordering::Relaxed);
        item
    }

    /// Takes out one item, and one more for each `share` items there are: a worker's fair part, if there are `share`
    /// workers. At most half of a ring, and what the ring `into` has room for. Returns the first, to be run at once;
    /// the others are then the last in `into`.
    ///
    /// Between the two queues they are seen by nobody: who is not counted as searching for work owes a notification
    /// afterwards.
    ///
    /// # Safety
    /// The caller is the owner of `into`, see [`StealQueue::push`].
    pub(super) unsafe fn pop_into<const N: usize>(&self, into: &StealQueue<T, N>, share: usize) -> Option<NonNull<T>> {
        if self.is_empty() {
            return None;
        }
        // SAFETY: the caller is the owner.
        let room = unsafe { into.vacancy() };
        let mut queue = self.queue.lock();
        let len = queue.items.len();
        let others = (len / share.max(1)).min(N / 2 - 1).min(room);
        let first = queue.items.pop_front()?;
        let others = others.min(len - 1);
        if others > 0 {
            // SAFETY: the caller is the owner, and they are no more than there is room for.
            unsafe { into.extend(queue.items.drain(..others)) };
        }
        self.len.store(queue.items.len(), Ordering::Relaxed);
        Some(first)
    }

    /// Closes it for good, unless there is something in it.
    pub(super) fn close_if_empty(&self) -> bool {
        let mut queue = self.queue.lock();
        queue.closed |= queue.items.is_empty();
        queue.closed && queue.items.is_empty()
    }

    /// How many items there were a moment ago.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether there was none a moment ago.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> fmt::Debug for Injector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
