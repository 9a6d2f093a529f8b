//! The run queue of a worker, from which other workers steal.
//!
//! A ring of `N` slots between two counts: `head`, where items are taken out, and `tail`, where they are put in. Its
//! *owner*, one thread at a time, pushes and pops; any number of *thieves* take from the same end as the owner pops, so
//! it is first in, first out for everybody. It is the scheme of Go's scheduler (`runtime/proc.go`: `runqput`,
//! `runqget`, `runqgrab`), which needs no claim that a preempted thief could hold:
//!
//! 1. The owner alone writes `tail` and the slots; `tail` with Release, after the slots below it. Who reads it with
//!    Acquire sees the items in them, and what was done before they were pushed.
//! 2. `head` moves by compare-exchange. Who moves it owns the items it has passed, and nobody else does.
//! 3. The owner overwrites a slot only after it has read, with Acquire, a `head` that has passed the slot.
//! 4. A thief reads the slots *before* its compare-exchange, which is a Release. So if it moves `head` past a slot, its
//!    read of the slot comes before everything that may overwrite it (3): what it has read is what it owns. If the
//!    compare-exchange fails, the items that `head` has passed are another's, but those beyond are still good, by the
//!    same argument for the next attempt. So a thief that copies slowly cannot be kept from stealing by an owner that
//!    pops quickly.
//! 5. Both are 64 bits wide and never come round, so a `head` that is compared equal was not moved meanwhile.
//!
//! A push costs no locked operation, a pop costs one, and so does a theft, however many items it takes. `head` and
//! `tail` share a cache line, away from the slots: the owner needs both for a push and for a pop, and a worker that
//! looks for work reads both, so two lines would only double the misses.

use std::array;
use std::fmt;
use std::iter;
use std::ptr::{self, NonNull};

use aio_base::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::injector::Injector;

/// A power of two, since slots are found by the low bits of a count. A thousand busy tasks on each worker stay out of
/// the injector: with 256 places, a yield among 1,000 tasks on two workers takes 23 ns instead of 6.
pub(super) const CAPACITY: usize = 1024;

/// See the module. It never looks behind the pointers.
pub(super) struct StealQueue<T, const N: usize = CAPACITY> {
    ends: Ends,
    slots: [AtomicPtr<T>; N],
}

/// Two cache lines, since processors fetch them in pairs.
#[repr(align(128))]
struct Ends {
    head: AtomicU64,
    tail: AtomicU64,
}

/// What a push has done with the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "what has spilled is the business of all workers: notify one"]
pub(super) enum Pushed {
    Kept,
    /// The ring was full. Its newer half went into the injector, the item behind it.
    Spilled,
}

impl<T, const N: usize> StealQueue<T, N> {
    /// Empty.
    pub(super) fn new() -> Self {
        Self::starting_at(0)
    }

    /// Empty, with the counts at `start`.
    fn starting_at(start: u64) -> Self {
        const { assert!(N.is_power_of_two() && N >= 2) };
        Self {
            ends: Ends { head: AtomicU64::new(start), tail: AtomicU64::new(start) },
            slots: array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// Puts `item` in last. If there is no room, half of the ring goes into `overflow`, under one lock.
    ///
    /// # Safety
    /// The caller is the owner: what it does with this queue as such, and what other owners have done, is ordered.
    #[inline]
    pub(super) unsafe fn push(&self, item: NonNull<T>, overflow: &Injector<T>) -> Pushed {
        // Relaxed: only the owner writes it.
        let tail = self.ends.tail.load(Ordering::Relaxed);
        // Acquire: rule 3.
        let head = self.ends.head.load(Ordering::Acquire);
        if tail.wrapping_sub(head) < N as u64 {
            self.put(tail, item);
            return Pushed::Kept;
        }
        self.push_full(head, tail, item, overflow)
    }

    /// Puts `item` into the slot at `tail`, which is free, and shows it.
    #[inline]
    fn put(&self, tail: u64, item: NonNull<T>) {
        // Relaxed: the Release below shows it.
        self.slot(tail).store(item.as_ptr(), Ordering::Relaxed);
        // Release: rule 1.
        self.ends.tail.store(tail.wrapping_add(1), Ordering::Release);
    }

    /// Keeps the older half, so that what has waited longest stays next, and what came out of the injector does not go
    /// back there.
    ///
    /// For a moment the ring looks empty. Who believes it and goes to sleep is made up for by the notification that the
    /// caller owes for the injector.
    #[cold]
    fn push_full(&self, head: u64, tail: u64, item: NonNull<T>, overflow: &Injector<T>) -> Pushed {
        // Takes everything. Release, Acquire: as for a thief (4), and if it fails, rule 3.
        if let Err(head) = self.ends.head.compare_exchange(head, tail, Ordering::Release, Ordering::Acquire) {
            debug_assert!(tail.wrapping_sub(head) < N as u64, "only the owner adds");
            // Thieves have made room.
            self.put(tail, item);
            return Pushed::Kept;
        }
        // The ring was full, so the slots from `tail` on are those from `head` on: the older half is where the next
        // items belong, and putting it back is one store. Release: rule 1.
        let half = N as u64 / 2;
        self.ends.tail.store(tail.wrapping_add(half), Ordering::Release);
        // Nobody overwrites the rest: only the owner would.
        let newer = (half..N as u64).filter_map(|i| self.item(head.wrapping_add(i)));
        overflow.push_overflow(newer.chain(iter::once(item)));
        Pushed::Spilled
    }

    /// Takes out the first.
    ///
    /// # Safety
    /// As for [`push`](Self::push).
    #[inline]
    pub(super) unsafe fn pop(&self) -> Option<NonNull<T>> {
        // Relaxed: only the owner writes it.
        let tail = self.ends.tail.load(Ordering::Relaxed);
        // Relaxed: the compare-exchange has the last word. One that is too old is not equal to `tail`, or right.
        let mut head = self.ends.head.load(Ordering::Relaxed);
        while head != tail {
            let next = head.wrapping_add(1);
            // Release pairs with the Acquire of a thief's `head`: it then reads a `tail` that is not below it.
            match self.ends.head.compare_exchange_weak(head, next, Ordering::Release, Ordering::Relaxed) {
                // The slot stays as it is: only the owner overwrites it.
                Ok(_) => return self.item(head),
                Err(moved) => head = moved,
            }
        }
        None
    }

    /// Steals half of the items, rounded up, but at most `limit`, half of a ring, and what the ring `into` of the thief
    /// has room for. Returns the first, to be run at once; the others are then the last in `into`.
    ///
    /// Until they are, nobody else sees them: who steals without being counted as searching for work owes a
    /// notification afterwards.
    ///
    /// # Safety
    /// As for [`push`](Self::push), of `into`.
    pub(super) unsafe fn steal_into(&self, into: &Self, limit: usize) -> Option<NonNull<T>> {
        debug_assert!(!ptr::eq(self, into), "nobody steals from himself");
        // Relaxed: only the owner writes it.
        let to = into.ends.tail.load(Ordering::Relaxed);
        let most = limit.min(N / 2).min(into.room(to)) as u64;
        loop {
            // Acquire pairs with the Release of whoever moved it, who had seen a `tail` at least as high: the next line
            // reads one that is not below it.
            let head = self.ends.head.load(Ordering::Acquire);
            // Acquire: rule 1.
            let len = self.ends.tail.load(Ordering::Acquire).wrapping_sub(head);
            if len > N as u64 {
                // `head` has moved, and the owner, who knew that, has pushed: the Acquire above makes us know it, too.
                continue;
            }
            let n = len.div_ceil(2).min(most);
            if n == 0 {
                return None;
            }
            let end = head.wrapping_add(n);
            let mut first = self.slot(head).load(Ordering::Relaxed);
            for i in 1..n {
                // Into slots that nobody sees yet. Relaxed: rules 1 and 4.
                let item = self.slot(head.wrapping_add(i)).load(Ordering::Relaxed);
                into.slot(to.wrapping_add(i - 1)).store(item, Ordering::Relaxed);
            }
            let mut from = head;
            let taken = loop {
                // Release: rule 4. Relaxed: a failure reads nothing else.
                match self.ends.head.compare_exchange_weak(from, end, Ordering::Release, Ordering::Relaxed) {
                    Ok(_) => break true,
                    Err(moved) if (1..=n).contains(&end.wrapping_sub(moved)) => from = moved,
                    Err(_) => break false,
                }
            };
            if !taken {
                // Nothing is left of what was read.
                continue;
            }
            let left = end.wrapping_sub(from);
            let lost = n - left;
            if lost > 0 {
                first = into.slot(to.wrapping_add(lost - 1)).load(Ordering::Relaxed);
                for i in 0..left - 1 {
                    let item = into.slot(to.wrapping_add(lost + i)).load(Ordering::Relaxed);
                    into.slot(to.wrapping_add(i)).store(item, Ordering::Relaxed);
                }
            }
            if left > 1 {
                // Release: rule 1.
                into.ends.tail.store(to.wrapping_add(left - 1), Ordering::Release);
            }
            return NonNull::new(first);
        }
    }

    /// Puts items in last.
    ///
    /// # Safety
    /// As for [`push`](Self::push); and there are no more of them than [`vacancy`](Self::vacancy) said.
    pub(super) unsafe fn extend(&self, items: impl Iterator<Item = NonNull<T>>) {
        let tail = self.ends.tail.load(Ordering::Relaxed);
        let mut end = tail;
        for item in items {
            // Relaxed: the Release below shows them.
            self.slot(end).store(item.as_ptr(), Ordering::Relaxed);
            end = end.wrapping_add(1);
        }
        // Release: rule 1.
        self.ends.tail.store(end, Ordering::Release);
    }

    /// How many items there is room for, at least.
    ///
    /// # Safety
    /// As for [`push`](Self::push).
    pub(super) unsafe fn vacancy(&self) -> usize {
        self.room(self.ends.tail.load(Ordering::Relaxed))
    }

    /// The same for the owner, who knows `tail`.
    fn room(&self, tail: u64) -> usize {
        // Acquire: rule 3.
        N - tail.wrapping_sub(self.ends.head.load(Ordering::Acquire)) as usize
    }

    /// How many items there were a moment ago.
    pub(super) fn len(&self) -> usize {
        // Acquire, `head` first: as in `steal_into`. If it has moved since, there are fewer than it seems.
        let head = self.ends.head.load(Ordering::Acquire);
        let len = self.ends.tail.load(Ordering::Acquire).wrapping_sub(head);
        len.min(N as u64) as usize
    }

    /// Whether there was none a moment ago.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn slot(&self, at: u64) -> &AtomicPtr<T> {
        &self.slots[at as usize & (N - 1)]
    }

    /// What the slot holds; `Some`, once something was pushed there.
    #[inline]
    fn item(&self, at: u64) -> Option<NonNull<T>> {
        // Relaxed: for the owner, who wrote it.
        NonNull::new(self.slot(at).load(Ordering::Relaxed))
    }
}

impl<T, const N: usize> fmt::Debug for StealQueue<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StealQueue").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
