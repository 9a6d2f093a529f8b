//! The timer wheel: which timers are due, and when to look again.
//!
//! Time is cut into ticks of a millisecond, counted from the wheel's epoch; a timer is due at the first tick that does
//! not lie before its deadline. The timers of one tick wait in one list, and the lists are the slots of a hierarchy:
//!
//! ```text
//!             slot          block of slots     holds the timers of
//!   near      1 tick        2048 = 2.0 s       this block and the next: 4096 slots
//!   far 0     2048 ticks    64 = 131 s         this block and the next: 128 slots
//!   far 1     2^17 ticks    64 = 2.3 h         ...
//!   ...
//!   far 5     2^41 ticks    64                 the rest of the 584 years
//! ```
//!
//! A timer sits in the nearest level that holds its tick, so its slot is a function of its tick and of the time alone.
//! That takes care of order: timers of one tick are always in one list, hence in the order of their registration, also
//! after they moved to a nearer level together, which they do when the block in which their slot lies becomes *the
//! next*. (Were they moved when it becomes *this one*, a later timer could be in the nearer level before them.)
//!
//! Timers of one tick fire in the order of their deadlines, and of their registration where these are equal: a list is
//! sorted when it becomes due, if it is not in order already.
//!
//! A timer less than two seconds away is never moved. Registering, removing and firing cost O(1), and finding the next
//! occupied slot takes a few bit operations.
//!
//! Most timers are cancelled soon after they began, and the clock costs more than all the rest of them. So a timer that
//! is to be due some time *from now* may be linked as a [fresh](Wheel::insert_fresh) one, which has no place in time
//! until the wheel is told what now [is](Wheel::begin_fresh), for all fresh ones at once and in their order.

use std::fmt;
use std::ptr::NonNull;
use std::task::Waker;

use aio_base::live::Live;

mod list;

use list::Ends;

/// Nanoseconds in a tick.
const TICK: u64 = 1_000_000;

const NEAR_SLOTS: usize = 4096;
/// log2 of the slots in a block of the near level, which is also the width of a slot of far level 0.
const NEAR_BLOCK: u32 = 11;

const FAR_LEVELS: usize = 6;
const FAR_SLOTS: usize = 128;
/// log2 of the slots in a block of a far level.
const FAR_BLOCK: u32 = 6;

/// Where the slots stand in [`Wheel::slots`]: near, far 0, far 1, ..., due.
const DUE: usize = NEAR_SLOTS + FAR_LEVELS * FAR_SLOTS;

const _: () = assert!(NEAR_SLOTS == 2 << NEAR_BLOCK && FAR_SLOTS == 2 << FAR_BLOCK && FAR_SLOTS == u128::BITS as usize);
// Of the farthest level, the blocks of this moment and the next hold every tick there is.
const _: () = assert!(u64::MAX.div_ceil(TICK) >> far_shift(FAR_LEVELS) <= 1);

/// The farthest deadline: 292 years after the epoch.
pub(crate) const LAST: u64 = FRESH - 1;

/// Set in the deadline of a fresh timer, for which the other bits are the time from its begin.
const FRESH: u64 = 1 << 63;

/// How many timers may be fresh. Few, so that they are in the cache still when they begin, and begin soon, however many
/// come; and so many that their share in one look at the clock is nothing.
const MAX_FRESH: usize = 64;

/// A timer, to be linked into a [`Wheel`].
pub(crate) struct Node {
    prev: *mut Node,
    next: *mut Node,
    /// In nanoseconds since the wheel's epoch, unless it is [`FRESH`].
    pub(crate) deadline: u64,
    /// Whom to wake; for the owner of the wheel to use.
    pub(crate) waiter: Option<Waiter>,
}

/// The waker of a registered timer.
pub(crate) struct Waiter {
    pub(crate) waker: Waker,
    pub(crate) _live: Live,
}

/// See the [module](self).
pub(crate) struct Wheel {
    /// All timers up to and including this tick are due.
    tick: u64,
    /// How many timers are linked, but for the fresh ones.
    len: usize,
    /// Those that have not begun,
    fresh: Ends,
    /// and how many they are.
    n_fresh: usize,
    /// Allocated with the first timer; a loop without timers costs nothing.
    slots: Box<[Ends]>,
    /// The occupied slots of the near level,
    near: [u64; NEAR_SLOTS / 64],
    /// the non-zero words of `near`,
    near_words: u64,
    /// and the occupied slots of each far level.
    far: [u128; FAR_LEVELS],
}

/// The first slot that is occupied.
enum First {
    /// It is the slot of this tick.
    Near(u64),
    /// It begins with this tick.
    Far(u64),
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            tick: 0,
            len: 0,
            fresh: list::EMPTY,
            n_fresh: 0,
            slots: Box::default(),
            near: [0; NEAR_SLOTS / 64],
            near_words: 0,
            far: [0; FAR_LEVELS],
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0 && self.n_fresh == 0
    }

    /// Whether there are timers that have not begun.
    pub(crate) fn has_fresh(&self) -> bool {
        self.n_fresh != 0
    }

    /// Links `node`, to be due `left` after the next [`begin_fresh`](Self::begin_fresh). Whether it is time for that:
    /// there may be no more of them.
    ///
    /// # Safety
    /// As for [`insert`](Self::insert).
    #[inline]
    pub(crate) unsafe fn insert_fresh(&mut self, node: NonNull<Node>, left: u64) -> bool {
        debug_assert!(left <= LAST && self.n_fresh < MAX_FRESH);
        // SAFETY: the node is valid, unlinked, and ours alone as long as the wheel is borrowed: see `insert`.
        unsafe {
            (*node.as_ptr()).deadline = FRESH | left;
            list::push_back(&mut self.fresh, node);
        }
        self.n_fresh += 1;
        self.n_fresh == MAX_FRESH
    }

    /// Lets the fresh timers begin `now`.
    pub(crate) fn begin_fresh(&mut self, now: u64) {
        self.n_fresh = 0;
        let mut fresh = std::mem::replace(&mut self.fresh, list::EMPTY);
        while let Some(node) = list::first(&fresh) {
            // SAFETY: it is the first node of this list; linked, hence valid and ours alone; unlinked by the first
            // call and linked again by the last.
            unsafe {
                list::unlink(&mut fresh, node);
                let left = (*node.as_ptr()).deadline & !FRESH;
                self.insert(node, now.saturating_add(left), now);
            }
        }
    }

    /// Links `node`, to be due at `deadline`; at the next tick, if that has passed. It is `now`, or was a moment ago.
    /// Fresh timers must have begun: they come before it.
    ///
    /// # Safety
    /// 1. `node` is not linked, and neither moved nor freed until it was removed or popped.
    /// 2. Until then it is accessed only while this wheel is borrowed: `deadline` not at all, `waiter` freely.
    pub(crate) unsafe fn insert(&mut self, node: NonNull<Node>, deadline: u64, now: u64) {
        debug_assert!(!self.has_fresh(), "a later timer goes first");
        if self.slots.is_empty() {
            // Raw pointers in an array, not a list of its own type: `vec!` knows that these are zero and leaves it to
            // the system to clear the pages.
            self.slots = vec![list::EMPTY; DUE + 1].into_boxed_slice();
        }
        if self.len == 0 {
            // Nobody looks at the time of an empty wheel.
            self.tick = self.tick.max(now / TICK);
        }
        let deadline = deadline.max(self.tick.saturating_mul(TICK).saturating_add(1)).min(LAST);
        // SAFETY: the node is valid (1), and ours alone as long as the wheel is borrowed (2).
        unsafe { (*node.as_ptr()).deadline = deadline };
        let slot = self.slot_of(tick_of(deadline));
        // SAFETY: valid and unlinked, by 1.
        unsafe { self.push_back(slot, node) };
        self.len += 1;
    }

    /// Unlinks `node` before it was popped.
    ///
    /// # Safety
    /// It is linked into this wheel.
    #[inline]
    pub(crate) unsafe fn remove(&mut self, node: NonNull<Node>) {
        // SAFETY: a linked node is valid, and ours alone as long as the wheel is borrowed: see `insert`.
        let deadline = unsafe { node.as_ref() }.deadline;
        if deadline & FRESH != 0 {
            // SAFETY: the bit says that the node is in this list.
            unsafe { list::unlink(&mut self.fresh, node) };
            self.n_fresh -= 1;
            return;
        }
        let slot = self.slot_of(tick_of(deadline));
        // SAFETY: the slot is a function of the tick, so the node is in this list.
        unsafe { list::unlink(&mut self.slots[slot], node) };
        if list::is_empty(&self.slots[slot]) {
            self.set_vacant(slot);
        }
        self.len -= 1;
    }

    /// Unlinks and returns the next timer that is due at `now`; never a fresh one.
    pub(crate) fn pop_due(&mut self, now: u64) -> Option<NonNull<Node>> {
        self.advance(now / TICK);
        self.pop_front()
    }

    /// How many timers are due at `now` that have the deadline of the next one.
    pub(crate) fn count_next_due(&mut self, now: u64) -> usize {
        self.advance(now / TICK);
        // SAFETY: the nodes of a list are linked, hence valid and ours alone.
        self.slots.get(DUE).map_or(0, |due| unsafe { list::count_equal(due) })
    }

    /// [`pop_due`](Self::pop_due) of one of [those](Self::count_next_due), by its place among them.
    pub(crate) fn pop_nth_due(&mut self, place: usize) -> Option<NonNull<Node>> {
        // SAFETY: the nodes of a list are linked, hence valid and ours alone.
        let node = unsafe { list::nth(self.slots.get(DUE)?, place) }?;
        // SAFETY: it is one of this list.
        unsafe { list::unlink(&mut self.slots[DUE], node) };
        self.len -= 1;
        Some(node)
    }

    /// Lets the time begin again, of a wheel that is empty.
    pub(crate) fn restart(&mut self) {
        debug_assert!(self.is_empty());
        self.tick = 0;
    }

    /// Unlinks and returns the first timer, due or not. It is the end of the wheel: its time runs away, until it is
    /// [restarted](Self::restart). Fresh ones must have begun.
    pub(crate) fn pop_any(&mut self) -> Option<NonNull<Node>> {
        debug_assert!(!self.has_fresh(), "their deadlines are not known");
        if self.len != 0 {
            self.advance(u64::MAX);
        }
        self.pop_front()
    }

    fn pop_front(&mut self) -> Option<NonNull<Node>> {
        let node = list::first(self.slots.get(DUE)?)?;
        // SAFETY: it is the first node of this list.
        unsafe { list::unlink(&mut self.slots[DUE], node) };
        self.len -= 1;
        Some(node)
    }

    /// Lets the time be `target`, or the first tick until then that has timers, which become due.
    fn advance(&mut self, target: u64) {
        if target <= self.tick || self.has_due() {
            return;
        }
        loop {
            match self.first() {
                Some(First::Near(tick)) if tick <= target => {
                    self.set_tick(tick);
                    let slot = near_slot(tick);
                    self.slots[DUE] = std::mem::replace(&mut self.slots[slot], list::EMPTY);
                    self.set_vacant(slot);
                    // SAFETY: the nodes of a list are linked, hence valid and ours alone.
                    unsafe {
                        list::fetch(&self.slots[DUE]);
                        list::sort(&mut self.slots[DUE]);
                    }
                    return;
                }
                // The moment before: its timers come nearer, and the first of them may be due when the slot begins.
                Some(First::Far(tick)) if tick <= target => self.set_tick(tick - 1),
                _ => return self.set_tick(target),
            }
        }
    }

    /// When to call [`pop_due`](Self::pop_due) again: not later than the first timer is due, but for a timer far away
    /// possibly earlier. `None` if there are no timers. Fresh ones must have begun.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        debug_assert!(!self.has_fresh(), "their deadlines are not known");
        if self.len == 0 {
            return None;
        }
        let tick = if self.has_due() {
            self.tick
        } else {
            match self.first()? {
                First::Near(tick) | First::Far(tick) => tick,
            }
        };
        Some(tick.saturating_mul(TICK))
    }

    fn has_due(&self) -> bool {
        self.slots.get(DUE).is_some_and(|due| !list::is_empty(due))
    }

    /// The slot that holds the timers of `tick` at this moment.
    #[inline]
    fn slot_of(&self, tick: u64) -> usize {
        if tick <= self.tick {
            return DUE;
        }
        let is_in_this_or_next_block = |shift: u32| (tick >> shift) - (self.tick >> shift) <= 1;
        if is_in_this_or_next_block(NEAR_BLOCK) {
            return near_slot(tick);
        }
        let last = FAR_LEVELS - 1;
        let level = (0..last).find(|&level| is_in_this_or_next_block(far_shift(level + 1))).unwrap_or(last);
        far_slot(level, tick >> far_shift(level))
    }

    /// Lets the time be `tick`, which must not lie behind a timer that is not due yet, and moves the timers that come
    /// into reach of nearer levels.
    fn set_tick(&mut self, tick: u64) {
        let before = std::mem::replace(&mut self.tick, tick);
        // Farthest first: its timers may have to move by more than one level.
        for level in (0..FAR_LEVELS).rev() {
            let shift = far_shift(level);
            let here = tick >> shift;
            if here == before >> shift {
                continue;
            }
            // A slot of this level is a block of the one below. Of those which have come within reach there, only the
            // block of this moment and the next can be occupied: nothing is left before.
            for block in [here, here + 1] {
                if self.far[level] & (1 << (block % FAR_SLOTS as u64)) != 0 {
                    self.distribute(far_slot(level, block));
                }
            }
        }
    }

    /// Moves the timers of `slot` to where they belong now.
    fn distribute(&mut self, slot: usize) {
        let mut timers = std::mem::replace(&mut self.slots[slot], list::EMPTY);
        self.set_vacant(slot);
        while let Some(node) = list::first(&timers) {
            // SAFETY: it is the first node of this list; linked, hence valid and ours alone; unlinked by the first
            // call and linked again by the last.
            unsafe {
                list::unlink(&mut timers, node);
                let slot = self.slot_of(tick_of(node.as_ref().deadline));
                self.push_back(slot, node);
            }
        }
    }

    /// # Safety
    /// `node` is valid, ours alone, and not linked.
    unsafe fn push_back(&mut self, slot: usize, node: NonNull<Node>) {
        // SAFETY: as the caller promises.
        unsafe { list::push_back(&mut self.slots[slot], node) };
        self.set_occupied(slot);
    }

    fn set_occupied(&mut self, slot: usize) {
        if slot < NEAR_SLOTS {
            self.near[slot / 64] |= 1 << (slot % 64);
            self.near_words |= 1 << (slot / 64);
        } else if slot < DUE {
            self.far[(slot - NEAR_SLOTS) / FAR_SLOTS] |= 1 << (slot % FAR_SLOTS);
        }
    }

    fn set_vacant(&mut self, slot: usize) {
        if slot < NEAR_SLOTS {
            self.near[slot / 64] &= !(1 << (slot % 64));
            if self.near[slot / 64] == 0 {
                self.near_words &= !(1 << (slot / 64));
            }
        } else if slot < DUE {
            self.far[(slot - NEAR_SLOTS) / FAR_SLOTS] &= !(1 << (slot % FAR_SLOTS));
        }
    }

    /// The first slot with timers that are not due yet. What is in a nearer level comes before what is in a farther.
    fn first(&self) -> Option<First> {
        if self.near_words != 0 {
            let from = self.tick + 1;
            return Some(First::Near(from + self.near_distance(near_slot(from))));
        }
        let level = self.far.iter().position(|&slots| slots != 0)?;
        let here = self.tick >> far_shift(level);
        let distance = self.far[level].rotate_right((here % FAR_SLOTS as u64) as u32).trailing_zeros();
        Some(First::Far((here + u64::from(distance)) << far_shift(level)))
    }

    /// How many slots of the near level to go from `slot` to one that is occupied, around the end. There is one.
    fn near_distance(&self, slot: usize) -> u64 {
        let (word, bit) = (slot / 64, slot % 64);
        let in_this_word = self.near[word] >> bit;
        if in_this_word != 0 {
            return u64::from(in_this_word.trailing_zeros());
        }
        // From the next word on; the last one to come is this word again, with what is below `bit`.
        let words = 1 + self.near_words.rotate_right((word as u32 + 1) % 64).trailing_zeros() as usize;
        (words * 64 - bit) as u64 + u64::from(self.near[(word + words) % 64].trailing_zeros())
    }
}

// SAFETY: the wheel's pointers lead to nodes that are accessed, on whatever thread, only while the wheel is borrowed
// (`insert`, 2), and what is in a node is `Send`.
unsafe impl Send for Wheel {}

impl Node {
    /// Not linked.
    pub(crate) const fn new(deadline: u64) -> Self {
        Self { prev: std::ptr::null_mut(), next: std::ptr::null_mut(), deadline, waiter: None }
    }
}

impl fmt::Debug for Wheel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel").field("len", &self.len).field("tick", &self.tick).finish_non_exhaustive()
    }
}

/// The first tick that does not lie before `deadline`: a timer is never early.
fn tick_of(deadline: u64) -> u64 {
    deadline.div_ceil(TICK)
}

/// log2 of the ticks in a slot of far level `level`.
const fn far_shift(level: usize) -> u32 {
    NEAR_BLOCK + FAR_BLOCK * level as u32
}

fn near_slot(tick: u64) -> usize {
    tick as usize % NEAR_SLOTS
}

fn far_slot(level: usize, index: u64) -> usize {
    NEAR_SLOTS + level * FAR_SLOTS + index as usize % FAR_SLOTS
}

#[cfg(all(test, not(aio_loom)))]
mod tests;
