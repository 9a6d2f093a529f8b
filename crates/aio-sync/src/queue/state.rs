//! What the lock of a queue guards: the items, the room, and those who wait for either.
//!
//! Whoever is woken finds what it waited for: an item or room is set aside for it ([`State::handed`],
//! [`State::spoken_for`]) until it comes for it, or gives it back. So these hold whenever the lock is free:
//!
//! - Somebody waits for an item only if there is none (but those handed to others).
//! - Somebody waits for room only if there is none: items, also those handed over, and reserved room fill the queue.
//! - Items that were handed over are older than all others.
//! - In a closed queue nobody waits but for the end of the work.
//!
//! What returns a waker has taken somebody out of a line: it is to be called when the lock has been released.

use std::collections::VecDeque;
use std::task::Waker;

use aio_base::{Home, WakeList};

use super::error::{GetError, PutError};
use crate::wait_queue::Line;

pub(super) struct State<T, H: Home> {
    /// In order of arrival; nobody's yet.
    items: VecDeque<T>,
    /// One for each getter that was woken and has not come. Whoever of them comes first gets the first, so that items
    /// keep their order when one is given back.
    handed: VecDeque<T>,
    /// Room that is taken by others than `items`: by each of `handed`, and for each putter that was woken and has not
    /// come.
    spoken_for: usize,
    capacity: usize,
    /// Below what there is room: the capacity, or nothing in a closed queue.
    limit: usize,
    /// How many items have been put in that have not been dealt with.
    unfinished: usize,
    /// How often everything has been done.
    rounds: usize,
    pub(super) getters: Line<H, ()>,
    pub(super) putters: Line<H, ()>,
    /// Each with how many rounds there had been when it came.
    pub(super) joiners: Line<H, usize>,
}

/// What the end of some work has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More than there was to do.
    TooMuch,
    SomeLeft,
    /// Everything is done, this is the how manieth time.
    AllDone(usize),
}

impl<T, H: Home> State<T, H> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            handed: VecDeque::new(),
            spoken_for: 0,
            capacity,
            limit: capacity,
            unfinished: 0,
            rounds: 0,
            getters: Line::new(),
            putters: Line::new(),
            joiners: Line::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len() + self.handed.len()
    }

    fn taken(&self) -> usize {
        self.items.len() + self.spoken_for
    }

    pub(super) fn has_room(&self) -> bool {
        self.taken() < self.capacity
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn is_closed(&self) -> bool {
        self.limit == 0
    }

    /// [`offer`](Self::offer) where an item is put in and that is all, as nearly always: nobody is to be woken, and no
    /// memory is needed. Otherwise nothing is done.
    #[inline]
    pub(super) fn push(&mut self, item: &mut Option<T>) -> bool {
        if self.taken() < self.limit
            && self.getters.is_empty()
            && self.items.len() < self.items.capacity()
            && let Some(item) = item.take()
        {
            self.unfinished += 1;
            self.items.push_back(item);
            return true;
        }
        false
    }

    /// [`take`](Self::take) where an item is taken out and that is all, as nearly always. Otherwise nothing is done.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.putters.is_empty() { self.items.pop_front() } else { None }
    }

    /// By somebody to whom nothing was given.
    #[inline]
    pub(super) fn offer(&mut self, item: T) -> Result<Option<Waker>, PutError<T>> {
        if self.is_closed() {
            Err(PutError::closed(item))
        } else if self.has_room() {
            Ok(self.accept(item))
        } else {
            Err(PutError::full(item))
        }
    }

    /// By a putter to whom room was given.
    pub(super) fn offer_reserved(&mut self, item: T) -> Result<Option<Waker>, PutError<T>> {
        self.spoken_for -= 1;
        // (If it is closed, nobody else waits for the room.)
        if self.is_closed() { Err(PutError::closed(item)) } else { Ok(self.accept(item)) }
    }

    #[inline]
    fn accept(&mut self, item: T) -> Option<Waker> {
        self.unfinished += 1;
        if self.getters.is_empty() {
            self.items.push_back(item);
            return None;
        }
        self.handed.push_back(item);
        self.spoken_for += 1;
        self.getters.wake_first()
    }

    /// By somebody to whom nothing was given.
    #[inline]
    pub(super) fn take(&mut self) -> Result<(T, Option<Waker>), GetError> {
        match self.items.pop_front() {
            Some(item) => Ok((item, self.give_room())),
            None if self.is_closed() => Err(GetError::CLOSED),
            None => Err(GetError::EMPTY),
        }
    }

    /// By a getter to whom an item was given.
    pub(super) fn take_handed(&mut self) -> (T, Option<Waker>) {
        let item = self.handed.pop_front().expect("one for each getter that was woken");
        self.spoken_for -= 1;
        (item, self.give_room())
    }

    /// By a getter to whom an item was given, and who does not take it.
    pub(super) fn give_back_item(&mut self) -> Option<Waker> {
        let next = self.getters.wake_first();
        if next.is_none() {
            let last_handed = self.handed.pop_back().expect("one for each getter that was woken");
            self.spoken_for -= 1;
            self.items.push_front(last_handed);
        }
        next
    }

    /// By a putter to whom room was given, and who does not use it.
    pub(super) fn give_back_room(&mut self) -> Option<Waker> {
        self.spoken_for -= 1;
        self.give_room()
    }

    /// There is room for one more.
    #[inline]
    fn give_room(&mut self) -> Option<Waker> {
        let next = self.putters.wake_first();
        self.spoken_for += usize::from(next.is_some());
        next
    }

    /// Takes those who wait out of their lines, as many as there is room for. Whether there may be more.
    pub(super) fn close(&mut self, wakers: &mut WakeList) -> bool {
        self.limit = 0;
        self.getters.dismiss_batch(wakers, |()| true) || self.putters.dismiss_batch(wakers, |()| true)
    }

    /// Nobody will deal with what was not handed over.
    pub(super) fn remove_all(&mut self) -> (VecDeque<T>, Progress) {
        let items = std::mem::take(&mut self.items);
        // (Somebody may have called `task_done` for them too early.)
        let progress = self.finish(items.len().min(self.unfinished));
        (items, progress)
    }

    pub(super) fn finish(&mut self, n: usize) -> Progress {
        let Some(left) = self.unfinished.checked_sub(n) else { return Progress::TooMuch };
        self.unfinished = left;
        if left > 0 {
            return Progress::SomeLeft;
        }
        self.rounds = self.rounds.wrapping_add(1);
        Progress::AllDone(self.rounds)
    }

    /// What a joiner brings along; `None` if there is nothing to wait for.
    pub(super) fn rounds_before_joining(&self) -> Option<usize> {
        (self.unfinished > 0).then_some(self.rounds)
    }

    /// Takes those who came before the end of `round` out of the line, as many as there is room for. Whether there may
    /// be more.
    pub(super) fn dismiss_joiners(&mut self, round: usize, wakers: &mut WakeList) -> bool {
        // In order of arrival; the sign of the difference is right even when the count has wrapped.
        self.joiners.dismiss_batch(wakers, |&rounds_before| round.wrapping_sub(rounds_before).cast_signed() > 0)
    }
}
