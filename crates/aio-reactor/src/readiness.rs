//! What is known of a descriptor: one word.
//!
//! ```text
//!     31..8                 7..4         3            2             1          0
//!     how many events came  (unused)     WRITE_ENDED  READ_ENDED    WRITABLE   READABLE
//! ```
//!
//! Whoever finds out that there is nothing (an operation would block, a read was a short one) clears the bit only if no
//! event has come since he looked: that event may tell of what came after. The events are counted for this.
//!
//! An end outlasts a short read, since what it tells of comes after what was read. It is not believed for ever (a
//! socket may be connected anew, a terminal opened again): an operation that would block has the last word.

use aio_base::sync::atomic::{AtomicUsize, Ordering};

/// There may be something to read, or an error to be told.
const READABLE: usize = 1 << 0;
/// There may be room to write, or an error to be told.
const WRITABLE: usize = 1 << 1;
/// Nothing more will come, or not in one piece with the rest: a short read is not the last one.
const READ_ENDED: usize = 1 << 2;
/// Nobody listens any more: a short write is not the last one.
const WRITE_ENDED: usize = 1 << 3;
const BITS: usize = READABLE | WRITABLE | READ_ENDED | WRITE_ENDED;
const ONE_EVENT: usize = 1 << 8;

/// Reading or writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Direction {
    pub(crate) const BOTH: [Self; 2] = [Self::Read, Self::Write];

    const fn ready(self) -> usize {
        match self {
            Self::Read => READABLE,
            Self::Write => WRITABLE,
        }
    }

    const fn ready_or_ended(self) -> usize {
        match self {
            Self::Read => READABLE | READ_ENDED,
            Self::Write => WRITABLE | WRITE_ENDED,
        }
    }
}

/// What the system told of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event(usize);

impl Event {
    /// For those who ask whether it would block: try it.
    pub(crate) const ANYTHING: Self = Self(READABLE | WRITABLE);

    #[cfg_attr(
        all(any(windows, aio_loom), not(test)),
        expect(dead_code, reason = "for backends that tell what has happened")
    )]
    pub(crate) fn new(readable: bool, writable: bool, read_ended: bool, write_ended: bool) -> Self {
        let bit = |is_set: bool, bit: usize| if is_set { bit } else { 0 };
        Self(
            bit(readable, READABLE)
                | bit(writable, WRITABLE)
                | bit(read_ended, READ_ENDED)
                | bit(write_ended, WRITE_ENDED),
        )
    }
}

/// What was known at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "tells whether to try"]
pub(crate) struct Seen(usize);

impl Seen {
    /// Whether it is worth to try.
    #[inline]
    pub(crate) fn is_ready(self, direction: Direction) -> bool {
        self.0 & direction.ready_or_ended() != 0
    }
}

#[derive(Debug)]
pub(crate) struct Readiness(AtomicUsize);

impl Readiness {
    /// Nothing is known, so that everything is worth a try.
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(READABLE | WRITABLE))
    }

    #[inline]
    pub(crate) fn look(&self) -> Seen {
        // Acquire pairs with the Release of `tell`: what the reactor's thread did before it is visible to who was
        // woken.
        Seen(self.0.load(Ordering::Acquire))
    }

    /// An event came. Returns in which directions there was nothing before, and is something now: those who wait there
    /// are to be woken. Where there was something already, nobody can be waiting.
    pub(crate) fn tell(&self, event: Event) -> [bool; 2] {
        let mut old = self.0.load(Ordering::Relaxed);
        loop {
            let new = (old | event.0).wrapping_add(ONE_EVENT);
            // Release pairs with the Acquire of `look`.
            match self.0.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Relaxed) {
                // An end is news even to him who knows of something to read.
                Ok(_) => return Direction::BOTH.map(|it| !old & new & it.ready_or_ended() != 0),
                Err(other) => old = other,
            }
        }
    }

    /// An operation would block, as far as `seen` goes.
    #[inline]
    pub(crate) fn clear(&self, seen: Seen, direction: Direction) {
        self.take_back(seen, direction.ready_or_ended());
    }

    /// An operation got less than it could take, as far as `seen` goes: what is left to come is an end.
    #[inline]
    pub(crate) fn clear_ready(&self, seen: Seen, direction: Direction) {
        self.take_back(seen, direction.ready());
    }

    #[inline]
    fn take_back(&self, seen: Seen, bits: usize) {
        let mut old = self.0.load(Ordering::Relaxed);
        while old & !BITS == seen.0 & !BITS {
            // Relaxed: only what was seen is taken back. Who looks next and finds nothing registers first, and the lock
            // of the wakers orders that with the next event.
            let new = old & !bits;
            match self.0.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(other) => old = other,
            }
        }
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    fn fresh() -> Readiness {
        let readiness = Readiness::new();
        for direction in Direction::BOTH {
            readiness.clear(readiness.look(), direction);
        }
        readiness
    }

    #[test]
    fn an_event_in_the_meantime_is_not_cleared() {
        let readiness = fresh();
        let seen = readiness.look();
        assert_eq!(readiness.tell(Event::new(true, false, false, false)), [true, false]);
        readiness.clear(seen, Direction::Read);
        assert!(readiness.look().is_ready(Direction::Read));
        readiness.clear(readiness.look(), Direction::Read);
        assert!(!readiness.look().is_ready(Direction::Read));
    }

    #[test]
    fn an_event_in_the_meantime_for_the_other_direction_costs_one_more_try() {
        let readiness = fresh();
        let _ = readiness.tell(Event::new(true, false, false, false));
        let seen = readiness.look();
        assert_eq!(readiness.tell(Event::new(true, true, false, false)), [false, true]);
        readiness.clear(seen, Direction::Read);
        assert!(readiness.look().is_ready(Direction::Read));
    }

    #[test]
    fn the_directions_are_cleared_apart() {
        let readiness = Readiness::new();
        readiness.clear(readiness.look(), Direction::Write);
        assert!(readiness.look().is_ready(Direction::Read));
        assert!(!readiness.look().is_ready(Direction::Write));
    }

    #[test]
    fn an_end_outlasts_a_short_read_and_is_told_to_those_who_know_of_something_to_read() {
        let readiness = fresh();
        let _ = readiness.tell(Event::new(true, false, false, false));
        assert_eq!(readiness.tell(Event::new(true, false, true, false)), [true, false]);
        readiness.clear_ready(readiness.look(), Direction::Read);
        assert!(readiness.look().is_ready(Direction::Read));
        assert!(!readiness.look().is_ready(Direction::Write));
    }

    #[test]
    fn an_operation_that_would_block_is_believed_more_than_an_end() {
        let readiness = fresh();
        let _ = readiness.tell(Event::new(false, true, true, true));
        for direction in Direction::BOTH {
            readiness.clear(readiness.look(), direction);
            assert!(!readiness.look().is_ready(direction));
        }
    }

    #[test]
    fn the_count_of_events_may_wrap_around() {
        let readiness = Readiness(AtomicUsize::new(usize::MAX & !BITS));
        let seen = readiness.look();
        let _ = readiness.tell(Event::new(false, true, false, false));
        readiness.clear(seen, Direction::Write);
        assert!(readiness.look().is_ready(Direction::Write) && !readiness.look().is_ready(Direction::Read));
    }
}
