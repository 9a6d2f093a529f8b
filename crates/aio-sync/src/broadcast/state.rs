//! What is kept, and for whom: all that happens under the lock.
//!
//! Messages are numbered; the ring holds the newest ones without a gap. Each lies in a place of its own, which stays
//! where it is, so that receivers can clone it when the lock is released:
//!
//! ```text
//!        ──1 put──▶          ──2 pin──▶
//!   FREE            KEPT     ◀─3 unpin─    KEPT, and being read
//!    ▲ ▲              │ 4                    │ 4
//!    │ └──────────────┘                      ▼
//!    └──────────────────────3 unpin─────── let go, and being read
//! ```
//! 1. [`State::send`] writes the message.
//! 2. [`State::read`] counts a reader, who clones the message without the lock.
//! 3. [`State::unpin`]: a reader is done. The last one takes out what was let go meanwhile.
//! 4. [`State::let_go`]: overwritten, or nobody has yet to get it. If nobody is reading it, it is taken out at once.
//!
//! A place is written while it is FREE and read out on the way back to it, both under the lock and with no reader: so
//! nobody writes to what somebody reads.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use aio_base::sync::UnsafeCell;
use aio_base::{Home, Shared};

use super::TryRecvError;
use crate::wait_queue::Line;

/// See the module.
pub(super) struct State<T, H: Home> {
    /// What is kept, the oldest first. Those that nobody has yet to get are at the front, and are taken away at once.
    ring: VecDeque<Kept>,
    capacity: usize,
    /// The number of the next message.
    next: u64,
    places: Vec<Place<T>>,
    free: Vec<usize>,
    pub(super) n_senders: usize,
    pub(super) n_receivers: usize,
    is_closed: bool,
    /// Who waits for a message, each with the number that the next one had when they came.
    pub(super) line: Line<H, u64>,
}

struct Kept {
    /// Which place. None any more, if it was let go.
    place: Option<usize>,
    /// How many receivers have yet to get it.
    n_due: usize,
}

struct Place<T> {
    message: NonNull<Message<T>>,
    n_readers: usize,
    /// Whether the ring refers to it.
    is_kept: bool,
}

/// Written and read as the module says. On the heap by itself, freed with the state.
type Message<T> = UnsafeCell<MaybeUninit<T>>;

/// A message that somebody gets.
pub(super) enum Got<T> {
    /// For nobody else.
    Last(T),
    /// To be cloned, and unpinned afterwards.
    Pinned(Pinned<T>),
}

/// A reader of a place.
pub(super) struct Pinned<T> {
    place: usize,
    pub(super) message: NonNull<Message<T>>,
}

/// What became of sending.
pub(super) struct Sent {
    pub(super) n_receivers: usize,
    /// The number of the message after it, if somebody waits.
    pub(super) wakes_before: Option<u64>,
}

// SAFETY: the pointers are to messages that the state owns, and lends to readers on any thread: `Send` for the first,
// `Sync` for the second. The line may be sent.
unsafe impl<T: Send + Sync> Send for State<T, Shared> {}

impl<T, H: Home> State<T, H> {
    /// With one sender and no receiver.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            ring: VecDeque::new(),
            capacity,
            next: 0,
            places: Vec::new(),
            free: Vec::new(),
            n_senders: 1,
            n_receivers: 0,
            is_closed: false,
            line: Line::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// From now on nobody joins the line.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    fn oldest(&self) -> u64 {
        self.next - self.ring.len() as u64
    }

    /// How many of those that are kept somebody has yet to get whose next one is `position`.
    pub(super) fn n_due(&self, position: u64) -> usize {
        usize::try_from(self.next - position).map_or(self.ring.len(), |due| due.min(self.ring.len()))
    }

    /// What somebody brings along who waits for the message `position`; `None` if there is something to get.
    pub(super) fn next_if_waits(&self, position: u64) -> Option<u64> {
        (position == self.next && !self.is_closed).then_some(self.next)
    }

    /// Edge 1. Also what had to make room, to be dropped without the lock.
    pub(super) fn send(&mut self, message: T) -> Result<(Sent, Option<T>), T> {
        if self.is_closed || self.n_receivers == 0 {
            return Err(message);
        }
        let oldest = if self.ring.len() == self.capacity { self.ring.pop_front() } else { None };
        let overwritten = oldest.and_then(|oldest| oldest.place).and_then(|place| self.let_go(place));
        let index = self.free.pop().unwrap_or_else(|| self.add_place());
        let place = &mut self.places[index];
        place.is_kept = true;
        // SAFETY: edge 1: it was free, so nobody reads it.
        unsafe { place.message.as_ref().with_mut(|there| (*there).write(message)) };
        self.ring.push_back(Kept { place: Some(index), n_due: self.n_receivers });
        self.next += 1;
        let wakes_before = (!self.line.is_empty()).then_some(self.next);
        Ok((Sent { n_receivers: self.n_receivers, wakes_before }, overwritten))
    }

    #[cold]
    fn add_place(&mut self) -> usize {
        let message = Box::new(UnsafeCell::new(MaybeUninit::uninit()));
        self.places.push(Place { message: NonNull::from(Box::leak(message)), n_readers: 0, is_kept: false });
        // It is empty; with room for all of them, to get messages allocates nothing.
        self.free.reserve(self.places.len());
        self.places.len() - 1
    }

    /// The message `position`, which is then behind whoever asks. If it pins it: [`unpin`](Self::unpin).
    pub(super) fn read(&mut self, position: &mut u64) -> Result<Got<T>, TryRecvError> {
        let oldest = self.oldest();
        if *position < oldest {
            return Err(TryRecvError::Lagged(oldest - std::mem::replace(position, oldest)));
        }
        match self.pass(position) {
            None if self.is_closed => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
            Some((_, Some(message))) => Ok(Got::Last(message)),
            Some((index, None)) => {
                let place = &mut self.places[index];
                place.n_readers += 1;
                Ok(Got::Pinned(Pinned { place: index, message: place.message }))
            }
        }
    }

    /// Some receiver goes that has `position` yet to get. Where the messages end that it would have.
    pub(super) fn remove_receiver(&mut self) -> u64 {
        self.n_receivers -= 1;
        self.next
    }

    /// One message before `end` less for a receiver that is gone: what there is to drop, if there is one.
    pub(super) fn skip(&mut self, position: &mut u64, end: u64) -> Option<Option<T>> {
        *position = (*position).max(self.oldest());
        if *position >= end {
            return None;
        }
        self.pass(position).map(|(_place, last)| last)
    }

    /// One less has yet to get the message `position`, which is not older than the oldest: its place, and if nobody
    /// else needs it, itself.
    fn pass(&mut self, position: &mut u64) -> Option<(usize, Option<T>)> {
        let index = usize::try_from(*position - self.oldest()).ok()?;
        let kept = self.ring.get_mut(index)?;
        *position += 1;
        kept.n_due -= 1;
        if kept.n_due > 0 {
            return kept.place.map(|place| (place, None));
        }
        let place = kept.place.take()?;
        // All older ones were let go before: whoever had yet to get one of them had yet to get this one.
        while self.ring.front().is_some_and(|oldest| oldest.place.is_none()) {
            self.ring.pop_front();
        }
        Some((place, self.let_go(place)))
    }

    /// Edge 4: what is to be dropped, or had.
    fn let_go(&mut self, index: usize) -> Option<T> {
        self.places[index].is_kept = false;
        self.take_out(index)
    }

    /// Edge 3.
    pub(super) fn unpin(&mut self, pinned: &Pinned<T>) -> Option<T> {
        self.places[pinned.place].n_readers -= 1;
        self.take_out(pinned.place)
    }

    /// What is neither kept nor read.
    fn take_out(&mut self, index: usize) -> Option<T> {
        let place = &self.places[index];
        if place.is_kept || place.n_readers > 0 {
            return None;
        }
        self.free.push(index);
        // SAFETY: it was put there by edge 1, and comes out by the last of edges 3 and 4, once: with no reader, nobody
        // else has a reference.
        Some(unsafe { place.message.as_ref().with_mut(|there| (*there).assume_init_read()) })
    }
}

/// There are no receivers any more, so nothing is kept: unless one was leaked, and then this is not dropped.
impl<T, H: Home> Drop for State<T, H> {
    fn drop(&mut self) {
        for place in &self.places {
            // SAFETY: it is of `add_place`; readers refer to the channel, so there are none.
            drop(unsafe { Box::from_raw(place.message.as_ptr()) });
        }
    }
}
