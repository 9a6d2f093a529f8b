//! What the lock of a barrier guards: who waits for which round.
//!
//! All rounds share one line. The rounds that are over are in front, as long as somebody is on the way to wake their
//! members ([`State::wake_passed`]), who then leave the line, so that it holds the one that is going on alone.
//!
//! Each waiting future has a word, its slot, which the others reach through its place in the line, and which only
//! changes under the lock:
//!
//! ```text
//!            ──1 arrive──▶                  ──2 wake_passed──▶
//!      0                   WAITING | round                     index, BROKEN
//!                                │
//!                                └───3 take_back──▶ GONE
//! ```
//! 1. [`State::arrive`] finds that others have yet to come.
//! 2. [`State::wake_passed`]: its round is over.
//! 3. [`State::take_back`]: it is dropped while its round goes on. It does not count any more from here on, and has yet
//!    to leave the line. (Not one step, since the line does not know who of those in it still counts.)

use std::ptr::NonNull;

use aio_base::home::Word;
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Shared, WakeList};

use crate::wait_queue::Line;

const WAITING: usize = 1 << (usize::BITS - 1);
/// Not a round that can be.
const GONE: usize = usize::MAX;
/// Not an index that can be: there are not so many bytes.
const BROKEN: usize = !WAITING;
/// Rounds are counted up to here, and then from zero again. (No one of a round is left when its number comes again.)
const ROUNDS: usize = !WAITING;

/// Where the others find the slot of one who is in the line.
pub(super) struct Slot<H: Home>(NonNull<H::Word>);

impl<H: Home> Slot<H> {
    /// The word must stay where it is as long as this is in the line.
    pub(super) fn of(word: &H::Word) -> Self {
        Self(NonNull::from(word))
    }
}

// SAFETY: it leads to an atomic, and only under the lock.
unsafe impl Send for Slot<Shared> {}

/// What comes of one's arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Others have yet to come.
    Waits,
    /// The others are there: they are to be woken.
    Completes,
    Broken,
}

/// The state of a [`Barrier`](super::Barrier).
pub(crate) struct State<H: Home> {
    /// The one that goes on.
    round: usize,
    /// For that round.
    n_waiting: usize,
    is_broken: bool,
    /// The last round that was broken. Those that were broken before have left the line.
    broken_round: usize,
    /// The round of the first in the line, once some of it were woken, and how many were.
    woken: (usize, usize),
    line: Line<H, Slot<H>>,
}

impl<H: Home> State<H> {
    pub(super) const fn new() -> Self {
        Self { round: 0, n_waiting: 0, is_broken: false, broken_round: GONE, woken: (0, 0), line: Line::new() }
    }

    pub(super) fn n_waiting(&self) -> usize {
        self.n_waiting
    }

    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    pub(super) fn line(&mut self) -> &mut Line<H, Slot<H>> {
        &mut self.line
    }

    /// One comes, with this slot; if it waits, it joins the line.
    pub(super) fn arrive(&mut self, parties: usize, slot: &H::Word) -> Arrival {
        if self.is_broken {
            return Arrival::Broken;
        }
        if self.n_waiting + 1 == parties {
            if self.broken_round == self.round {
                // That was another one, before the count began anew.
                self.broken_round = GONE;
            }
            self.next_round();
            return Arrival::Completes;
        }
        self.n_waiting += 1;
        // Relaxed, here and below: the lock is held.
        slot.store(WAITING | self.round, Ordering::Relaxed);
        Arrival::Waits
    }

    /// One that waits is dropped: it does not count any more, if its round goes on. Whether that is over, and the
    /// others of it have yet to be [woken](Self::wake_passed) before this one may leave the line: their indices are
    /// their places in it.
    pub(super) fn take_back(&mut self, slot: &H::Word) -> bool {
        let found = slot.load(Ordering::Relaxed);
        if found == WAITING | self.round {
            slot.store(GONE, Ordering::Relaxed);
            self.n_waiting -= 1;
        }
        is_waiting(found) && found != WAITING | self.round
    }

    /// The round that goes on is over, and nobody passes. Of the rounds before, nobody is in the line.
    pub(super) fn break_round(&mut self, is_broken: bool) {
        self.broken_round = self.round;
        self.is_broken = is_broken;
        self.next_round();
    }

    fn next_round(&mut self) {
        self.round = (self.round + 1) % ROUNDS;
        self.n_waiting = 0;
    }

    /// Takes those out of the line whose round is over, as far as there is room for wakers. Whether there may be more
    /// of them.
    pub(super) fn wake_passed(&mut self, wakers: &mut WakeList) -> bool {
        while wakers.has_room() {
            let Some(&Slot(slot)) = self.line.first() else { return false };
            // SAFETY: the slot is in the same pinned `Wait` as the node that is in the line, which exists as long as it
            // is there; and it is there until it is dismissed below. That is the last that is done to either.
            let slot = unsafe { slot.as_ref() };
            match slot.load(Ordering::Relaxed) {
                // It is about to leave the line, and if others are to be woken, they are behind it.
                GONE => {}
                waiting if waiting == WAITING | self.round => return false,
                waiting => slot.store(self.outcome_of(waiting & !WAITING), Ordering::Relaxed),
            }
            wakers.push(self.line.dismiss_first().expect("there is a first"));
        }
        true
    }

    /// What comes of the first in the line, whose round is over.
    fn outcome_of(&mut self, round: usize) -> usize {
        if round == self.broken_round {
            return BROKEN;
        }
        let (woken_round, n_woken) = self.woken;
        let index = if woken_round == round { n_woken } else { 0 };
        self.woken = (round, index + 1);
        index
    }
}

/// Whether this slot is of one that waits, or was not woken yet.
pub(super) fn is_waiting(slot: usize) -> bool {
    slot & WAITING != 0
}

/// What has come of one that was woken: its index, if it passed.
pub(super) fn outcome(slot: usize) -> Option<usize> {
    (slot != BROKEN).then_some(slot)
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_not_taken_for_one_that_was_broken_when_it_had_the_same_number() {
        let mut state = State::<Shared>::new();
        state.round = ROUNDS - 1;
        state.break_round(false);
        assert_eq!((state.round, state.outcome_of(ROUNDS - 1)), (0, BROKEN));
        // As many rounds later.
        state.round = ROUNDS - 1;
        assert_eq!(state.arrive(1, &Word::new(0)), Arrival::Completes);
        assert_eq!((state.round, state.outcome_of(ROUNDS - 1)), (0, 0));
    }
}
