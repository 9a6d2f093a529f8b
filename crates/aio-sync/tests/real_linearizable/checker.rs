//! Whether a history has an explanation: an order of its operations, none before one that had ended when it began, in
//! which each of them, one after the other, has the outcome that it had.
//!
//! What waits stretches over time. A getter that was woken and has not come has a claim to an item, and a putter to
//! room, so others may find the queue empty or full when it is not quite: as many items or places may be claimed as
//! there are getters or putters on their way at that moment. First in, first out, who takes an item at once takes it
//! from behind those that are claimed; and which of the getters on their way takes the first of those is open: it may
//! have come later than the claim, and if one of them gives up, the item is there again.

use std::collections::HashSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Discipline {
    Fifo,
    Lifo,
    Smallest,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) discipline: Discipline,
    pub(crate) capacity: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Put(u32),
    TryPut(u32),
    Get,
    TryGet,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Got(u32),
    /// There was no room, or no item.
    NotNow,
    Closed,
    Cancelled,
}

/// An operation, from its invocation to its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) call: Call,
    pub(crate) outcome: Outcome,
}

impl Operation {
    fn overlaps(&self, other: &Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// By what a priority queue orders items: there are equal ones.
pub(crate) fn rank(item: u32) -> u32 {
    item % 3
}

/// The queue between two operations. In order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct State {
    items: Vec<u32>,
    is_closed: bool,
}

pub(crate) fn is_linearizable(spec: Spec, history: &[Operation]) -> bool {
    assert!(history.len() <= 64, "a bit for each");
    Search { spec, history, dead_ends: HashSet::new() }.goes_on(0, &State::default())
}

struct Search<'a> {
    spec: Spec,
    history: &'a [Operation],
    /// What was done and where that led, when it led no further.
    dead_ends: HashSet<(u64, State)>,
}

impl Search<'_> {
    /// Whether those that are not `done` can follow.
    fn goes_on(&mut self, done: u64, state: &State) -> bool {
        let is_left = |i: &usize| done & (1 << i) == 0;
        let left: Vec<_> = (0..self.history.len()).filter(is_left).collect();
        let Some(first_end) = left.iter().map(|&i| self.history[i].to).min() else { return true };
        if self.dead_ends.contains(&(done, state.clone())) {
            return false;
        }
        for i in left {
            if self.history[i].from < first_end
                && let Some(next) = self.after(done, state, i)
                && self.goes_on(done | (1 << i), &next)
            {
                return true;
            }
        }
        self.dead_ends.insert((done, state.clone()));
        false
    }

    /// The state after operation `i`, if it can have had its outcome here.
    fn after(&self, done: u64, state: &State, i: usize) -> Option<State> {
        let Operation { call, outcome, .. } = self.history[i];
        let mut next = state.clone();
        let is_possible = match (call, outcome) {
            (Call::Close, _) => {
                next.is_closed = true;
                true
            }
            // It did not happen.
            (_, Outcome::Cancelled) => true,
            (Call::Put(item) | Call::TryPut(item), Outcome::Done) => {
                next.items.push(item);
                !state.is_closed && state.items.len() < self.spec.capacity
            }
            (Call::Put(_) | Call::TryPut(_), Outcome::Closed) => state.is_closed,
            (Call::TryPut(_), Outcome::NotNow) => {
                !state.is_closed && state.items.len() + self.claimed_room(done, i) >= self.spec.capacity
            }
            (Call::Get | Call::TryGet, Outcome::Got(item)) => {
                let place = state.items.iter().position(|&other| other == item)?;
                next.items.remove(place);
                self.may_take(done, state, place, i)
            }
            (Call::Get | Call::TryGet, Outcome::Closed) => {
                state.is_closed && state.items.len() <= self.claimed_items(done, i)
            }
            (Call::TryGet, Outcome::NotNow) => !state.is_closed && state.items.len() <= self.claimed_items(done, i),
            _ => false,
        };
        is_possible.then_some(next)
    }

    fn may_take(&self, done: u64, state: &State, place: usize, i: usize) -> bool {
        let items = &state.items;
        match self.spec.discipline {
            // Behind those that others have a claim to.
            Discipline::Fifo => place <= self.claimed_items(done, i),
            Discipline::Lifo => place + 1 == items.len(),
            Discipline::Smallest => Some(place) == (0..items.len()).min_by_key(|&place| rank(items[place])),
        }
    }

    /// How many getters on their way at the same time as operation `i` may have a claim to one of the items.
    fn claimed_items(&self, done: u64, i: usize) -> usize {
        self.count(i, |place, other| {
            other.call == Call::Get && (done & (1 << place) == 0 || other.outcome == Outcome::Cancelled)
        })
    }

    /// How much room others that are on their way at the same time as operation `i` may have a claim to: putters, and
    /// getters that were handed their item.
    fn claimed_room(&self, done: u64, i: usize) -> usize {
        self.count(i, |place, other| match other.call {
            Call::Put(_) => done & (1 << place) == 0 || other.outcome == Outcome::Cancelled,
            Call::Get => done & (1 << place) != 0 && matches!(other.outcome, Outcome::Got(_)),
            _ => false,
        })
    }

    /// How many overlap with operation `i`.
    fn count(&self, i: usize, is_one: impl Fn(usize, &Operation) -> bool) -> usize {
        let others = self.history.iter().enumerate().filter(|(place, _)| *place != i);
        others.filter(|(place, other)| other.overlaps(&self.history[i]) && is_one(*place, other)).count()
    }
}

mod tests {
    use super::Call::{Close, Get, Put, TryGet, TryPut};
    use super::Outcome::{Cancelled, Closed, Done, Got, NotNow};
    use super::*;

    fn check(discipline: Discipline, history: &[(usize, usize, Call, Outcome)]) -> bool {
        let operation = |&(from, to, call, outcome): &_| Operation { from, to, call, outcome };
        let history: Vec<_> = history.iter().map(operation).collect();
        is_linearizable(Spec { discipline, capacity: 2 }, &history)
    }

    fn fifo(history: &[(usize, usize, Call, Outcome)]) -> bool {
        check(Discipline::Fifo, history)
    }

    /// One after the other.
    fn in_turn(discipline: Discipline, steps: &[(Call, Outcome)]) -> bool {
        let history: Vec<_> = (0..).step_by(2).zip(steps).map(|(at, &(call, out))| (at, at + 1, call, out)).collect();
        check(discipline, &history)
    }

    #[test]
    fn what_one_thread_sees_is_what_a_queue_does() {
        let puts = [(Put(3), Done), (TryPut(1), Done), (TryPut(2), NotNow)];
        let gets = |first, second| [(Get, Got(first)), (TryGet, Got(second)), (TryGet, NotNow)];
        for (discipline, right, wrong) in [
            (Discipline::Fifo, (3, 1), (1, 3)),
            (Discipline::Lifo, (1, 3), (3, 1)),
            (Discipline::Smallest, (3, 1), (1, 3)),
        ] {
            assert!(in_turn(discipline, &[puts, gets(right.0, right.1)].concat()));
            assert!(!in_turn(discipline, &[puts, gets(wrong.0, wrong.1)].concat()));
        }
        // Of equal ones the first.
        assert!(in_turn(Discipline::Smallest, &[(Put(4), Done), (Put(1), Done), (Get, Got(4)), (Get, Got(1))]));
        assert!(!in_turn(Discipline::Smallest, &[(Put(4), Done), (Put(1), Done), (Get, Got(1)), (Get, Got(4))]));
    }

    #[test]
    fn a_lost_item_a_double_one_and_one_from_nowhere_are_wrong() {
        let fifo = |steps: &[_]| in_turn(Discipline::Fifo, steps);
        assert!(!fifo(&[(Put(1), Done), (TryGet, NotNow)]));
        assert!(!fifo(&[(Put(1), Done), (Get, Got(1)), (Get, Got(1))]));
        assert!(!fifo(&[(Get, Got(1))]));
        assert!(!fifo(&[(Put(1), Cancelled), (Get, Got(1))]));
        assert!(!fifo(&[(Put(1), Done), (Get, Cancelled), (TryGet, NotNow)]));
    }

    #[test]
    fn a_queue_that_is_full_or_closed_too_early_or_too_late_is_wrong() {
        let fifo = |steps: &[_]| in_turn(Discipline::Fifo, steps);
        assert!(!fifo(&[(Put(1), Done), (TryPut(2), NotNow)]));
        assert!(!fifo(&[(Put(1), Done), (Put(2), Done), (Put(3), Done)]));
        assert!(fifo(&[(Put(1), Done), (Close, Done), (Put(2), Closed), (Get, Got(1)), (TryGet, Closed)]));
        assert!(!fifo(&[(Put(1), Closed), (Close, Done)]));
        assert!(!fifo(&[(Close, Done), (Put(1), Done)]));
        assert!(!fifo(&[(Put(1), Done), (Close, Done), (Get, Closed)]));
        assert!(!fifo(&[(Close, Done), (TryGet, NotNow)]));
    }

    #[test]
    fn what_overlaps_may_have_come_in_any_order() {
        assert!(fifo(&[(0, 3, Put(1), Done), (1, 2, Put(2), Done), (4, 5, Get, Got(2)), (6, 7, Get, Got(1))]));
        assert!(!fifo(&[(0, 1, Put(1), Done), (2, 3, Put(2), Done), (4, 5, Get, Got(2)), (6, 7, Get, Got(1))]));
        assert!(fifo(&[(0, 3, Get, Got(1)), (1, 2, Put(1), Done)]));
        assert!(!fifo(&[(0, 1, Get, Got(1)), (2, 3, Put(1), Done)]));
        // A getter that waits has a claim to the item.
        assert!(fifo(&[(0, 5, Get, Got(1)), (1, 2, Put(1), Done), (3, 4, TryGet, NotNow)]));
        assert!(fifo(&[(0, 5, Get, Cancelled), (1, 2, Put(1), Done), (3, 4, TryGet, NotNow), (6, 7, Get, Got(1))]));
        // It is passed by, and may be taken by one who came later.
        assert!(fifo(&[
            (0, 11, Get, Got(3)),
            (1, 2, Put(1), Done),
            (3, 4, Put(2), Done),
            (5, 6, TryGet, Got(2)),
            (7, 10, Get, Got(1)),
            (8, 9, Put(3), Done)
        ]));
        // But to one only.
        assert!(!fifo(&[(0, 7, Get, Got(1)), (1, 2, Put(1), Done), (3, 4, Put(2), Done), (5, 6, TryGet, NotNow)]));
    }
}
