//! What the lock of a limiter guards: how many tokens there are, who has them, who waits.

use aio_base::{Home, WakeList};

use super::AcquireError;
use crate::wait_queue::Line;

/// The state of a [`CapacityLimiter`](super::CapacityLimiter).
///
/// Whenever the lock is free, the first in the line asks for more than is available, unless somebody is on the way to
/// [hand out](Self::hand_out) what it asks for. The line is empty if the limiter is closed, unless somebody is on the
/// way to [empty it](Self::close).
pub(crate) struct State<H: Home> {
    pub(super) total: usize,
    /// By permits, and by those in the line who were woken with them. May be more than `total`, never more than
    /// `MAX_TOTAL`.
    pub(super) borrowed: usize,
    most_borrowed: usize,
    waiting: usize,
    pub(super) is_closed: bool,
    /// Each with how many it asks for.
    pub(super) line: Line<H, usize>,
}

impl<H: Home> State<H> {
    pub(super) const fn new(total: usize) -> Self {
        Self { total, borrowed: 0, most_borrowed: 0, waiting: 0, is_closed: false, line: Line::new() }
    }

    /// Borrows `n`, if nobody waits and so many are available.
    pub(super) fn borrow(&mut self, n: usize) -> Result<(), AcquireError> {
        if self.is_closed {
            return Err(AcquireError::CLOSED);
        }
        if !self.line.is_empty() || !self.has(n) {
            return Err(AcquireError::EXHAUSTED);
        }
        self.take(n);
        Ok(())
    }

    fn has(&self, n: usize) -> bool {
        n <= self.total.saturating_sub(self.borrowed)
    }

    fn take(&mut self, n: usize) {
        self.borrowed += n;
        self.most_borrowed = self.most_borrowed.max(self.borrowed);
    }

    /// Hands the first in the line what they ask for, as far as it goes and there is room for wakers. Whether there may
    /// be more to hand out.
    pub(super) fn hand_out(&mut self, wakers: &mut WakeList) -> bool {
        while wakers.has_room() {
            let Some(n) = self.line.first().copied().filter(|n| !self.is_closed && self.has(*n)) else { return false };
            self.take(n);
            self.leaves();
            wakers.push(self.line.wake_first().expect("there is a first"));
        }
        true
    }

    /// Sends those who wait away, as far as there is room for wakers. Whether there may be more of them.
    pub(super) fn close(&mut self, wakers: &mut WakeList) -> bool {
        self.is_closed = true;
        while wakers.has_room() {
            let Some(waker) = self.line.dismiss_first() else { return false };
            self.leaves();
            wakers.push(waker);
        }
        true
    }

    /// One is about to join the line.
    pub(super) fn joins(&mut self) {
        self.waiting += 1;
    }

    /// One leaves the line.
    pub(super) fn leaves(&mut self) {
        self.waiting -= 1;
    }

    pub(super) fn statistics(&self) -> LimiterStatistics {
        let Self { total, borrowed, most_borrowed, waiting, .. } = *self;
        LimiterStatistics { total, borrowed, most_borrowed, waiting }
    }
}

/// What there is to know about a [`CapacityLimiter`](super::CapacityLimiter) at some moment: made by
/// [`CapacityLimiter::statistics`](super::CapacityLimiter::statistics).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimiterStatistics {
    /// How many tokens there are in all.
    pub total: usize,
    /// How many of them are borrowed, those included that were just handed to somebody who waited. More than the total
    /// if that has been made smaller.
    pub borrowed: usize,
    /// The most that have ever been borrowed at once.
    pub most_borrowed: usize,
    /// How many wait, each for one or more tokens.
    pub waiting: usize,
}
