//! What the lock of a queue guards: the items, the room, and those who wait for either.
//!
//! Whoever is woken finds what it waited for: it has a claim to an item (see [`Store`]), or to room
//! ([`State::spoken_for`]), until it comes for it, or gives it up. So these hold whenever the lock is free:
//!
//! - Somebody waits for an item only if there is none (but those that others have a claim to).
//! - Somebody waits for room only if there is none: items, claimed or not, and reserved room fill the queue.
//! - In a closed queue nobody waits but for the end of the work.
//!
//! What returns a waker has taken somebody out of a line: it is to be called when the lock has been released. A
//! comparison of items may panic: then nothing has changed.

use std::task::Waker;

use aio_base::{Home, WakeList};

use super::error::{Lack, Refusal};
use super::order::{Order, Store};
use crate::wait_queue::Line;

pub(crate) struct State<T, H: Home, O: Order<T>> {
    store: O::Store,
    /// Room that is taken by others than the free items: by each that is claimed, for each putter that was woken and
    /// has not come, and for each permit.
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

impl<T, H: Home, O: Order<T>> State<T, H, O> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            store: O::Store::default(),
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
        self.store.len()
    }

    #[inline]
    fn taken(&self) -> usize {
        self.store.n_free() + self.spoken_for
    }

    pub(super) fn has_room(&self) -> bool {
        self.taken() < self.capacity
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.limit == 0
    }

    /// [`offer`](Self::offer) where neither memory nor foreign code is needed, as nearly always. Otherwise nothing is
    /// done, which is `None`.
    #[inline(always)]
    pub(super) fn push(&mut self, item: &mut Option<T>) -> Option<Option<Waker>> {
        if self.taken() >= self.limit {
            return None;
        }
        let getter = if self.getters.is_empty() {
            if !self.store.push_leaf(item) {
                return None;
            }
            None
        } else {
            if !self.store.push_claimed_leaf(item) {
                return None;
            }
            self.spoken_for += 1;
            self.first_getter()
        };
        self.unfinished += 1;
        Some(getter)
    }

    /// [`take`](Self::take) where no foreign code is needed, as nearly always. Otherwise nothing is done.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<(T, Option<Waker>)> {
        let item = self.store.pop_leaf()?;
        Some((item, if self.putters.is_empty() { None } else { self.give_room_apart() }))
    }

    /// [`take_claimed`](Self::take_claimed) where nobody waits for the room and no foreign code is needed. Otherwise
    /// nothing is done.
    #[inline]
    pub(super) fn pop_claimed(&mut self) -> Option<T> {
        if !self.putters.is_empty() {
            return None;
        }
        let item = self.store.pop_claimed_leaf()?;
        self.spoken_for -= 1;
        Some(item)
    }

    // Apart, since what calls them is compiled into what is polled.

    #[inline(never)]
    fn first_getter(&mut self) -> Option<Waker> {
        self.getters.wake_first()
    }

    #[inline(never)]
    fn give_room_apart(&mut self) -> Option<Waker> {
        self.give_room()
    }

    /// Why nothing can be put in by somebody who has no claim to room.
    #[inline]
    fn refusal(&self) -> Option<Refusal> {
        if self.taken() < self.limit {
            None
        } else if self.is_closed() {
            Some(Refusal::Closed)
        } else {
            Some(Refusal::Full)
        }
    }

    /// By somebody who has no claim. The item is there; it stays there if it is refused.
    #[inline]
    pub(super) fn offer(&mut self, item: &mut Option<T>) -> Result<Option<Waker>, Refusal> {
        match self.refusal() {
            None => Ok(self.accept(item)),
            Some(refusal) => Err(refusal),
        }
    }

    /// By somebody who has a claim to room: it is used up, unless a comparison panics.
    pub(super) fn offer_reserved(&mut self, item: &mut Option<T>) -> Result<Option<Waker>, Refusal> {
        // (If it is closed, nobody else waits for the room.)
        let accepted = if self.is_closed() { Err(Refusal::Closed) } else { Ok(self.accept(item)) };
        self.spoken_for -= 1;
        accepted
    }

    #[inline]
    fn accept(&mut self, item: &mut Option<T>) -> Option<Waker> {
        let getter = if self.getters.is_empty() {
            self.store.push(item);
            None
        } else {
            self.store.push_claimed(item);
            self.spoken_for += 1;
            self.getters.wake_first()
        };
        self.unfinished += 1;
        getter
    }

    /// By somebody who has no claim. The item is there; it stays there if it is refused. If there is no room, the next
    /// item makes room, unless somebody has a claim to every one.
    pub(super) fn offer_evicting(&mut self, item: &mut Option<T>) -> Result<(Option<T>, Option<Waker>), Refusal> {
        match self.refusal() {
            None => Ok((None, self.accept(item))),
            // (While there are free items, nobody waits for one.)
            Some(Refusal::Full) => match self.store.pop() {
                Some(evicted) => {
                    self.store.push(item);
                    Ok((Some(evicted), None))
                }
                None => Err(Refusal::Full),
            },
            Some(refusal) => Err(refusal),
        }
    }

    /// A claim to room for somebody who has none.
    pub(super) fn reserve(&mut self) -> Result<(), Refusal> {
        match self.refusal() {
            None => {
                self.spoken_for += 1;
                Ok(())
            }
            Some(refusal) => Err(refusal),
        }
    }

    /// Whether [`take`](Self::take) says that it is empty.
    #[inline]
    pub(super) fn has_none_yet(&self) -> bool {
        self.store.n_free() == 0 && !self.is_closed()
    }

    /// By somebody who has no claim.
    #[inline]
    pub(super) fn take(&mut self) -> Result<(T, Option<Waker>), Lack> {
        match self.store.pop() {
            Some(item) => Ok((item, self.give_room())),
            None if self.is_closed() => Err(Lack::Closed),
            None => Err(Lack::Empty),
        }
    }

    /// By a getter that has a claim: it is used up, unless a comparison panics.
    pub(super) fn take_claimed(&mut self) -> (T, Option<Waker>) {
        let item = self.store.pop_claimed().expect("one for each getter that was woken");
        self.spoken_for -= 1;
        (item, self.give_room())
    }

    /// By a getter that has a claim, and does not use it.
    pub(super) fn give_back_item(&mut self) -> Option<Waker> {
        let next = self.getters.wake_first();
        if next.is_none() {
            self.store.unclaim();
            self.spoken_for -= 1;
        }
        next
    }

    /// By somebody who has a claim to room, and does not use it.
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

    /// Nobody will deal with what nobody has a claim to.
    pub(super) fn remove_all(&mut self) -> (O::Store, Progress) {
        let items = self.store.remove_free();
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
