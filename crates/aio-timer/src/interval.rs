//! Moments at equal distances.

use std::future::pending;
use std::time::{Duration, Instant};

use aio_base::Deadline;

use crate::sleep_until;

/// How late a tick may be and still count as one that was not missed: what a timer may be late by, and some more.
const TOLERANCE: Duration = Duration::from_millis(5);

/// A tick now, and then one each `period`.
///
/// The ticks do not drift: they are at `start + n * period`, however long the work between them takes, unless
/// [`MissedTicks`] says otherwise.
///
/// # Panics
/// If `period` is zero.
///
/// # Examples
/// ```
/// use aio_timer::interval;
/// use std::time::Duration;
///
/// aio_core::block_on(async {
///     let mut interval = interval(Duration::from_millis(10));
///     let first = interval.tick().await;
///     let second = interval.tick().await;
///     assert_eq!(second - first, Duration::from_millis(10));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(aio_core::now(), period)
}

/// A tick at `start`, a moment of [`aio_core::now`], and then one each `period`. See [`interval()`].
///
/// # Panics
/// If `period` is zero.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "the period of an interval must not be zero");
    Interval { next: Deadline::at(start), period, missed_ticks: MissedTicks::default() }
}

/// What [`interval()`] and [`interval_at`] return.
#[derive(Debug)]
pub struct Interval {
    next: Deadline,
    period: Duration,
    missed_ticks: MissedTicks,
}

/// What becomes of ticks for which nobody waited in time, because the work of an earlier tick took longer than a
/// period. With a period of 50 ms, and 120 ms of work after the second tick:
///
/// ```text
///   due      0     50    100   150   200   250   300
///   Burst    |      |work----------|||      |     |      three at once, then as due
///   Delay    |      |work----------|     |     |         a period from where it was late
///   Skip     |      |work----------|  |     |     |      where the next one would have been due
/// ```
///
/// A tick that is not more than five milliseconds late was not missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissedTicks {
    /// They come at once, one after the other, until all have come: there are as many ticks as periods.
    #[default]
    Burst,
    /// The late tick is a new beginning: the next comes a period after it.
    Delay,
    /// They are left out: the next comes when a tick is due anyway.
    Skip,
}

impl Interval {
    /// Says what becomes of missed ticks; the default is [`MissedTicks::Burst`].
    #[must_use]
    pub fn missed_ticks(mut self, missed_ticks: MissedTicks) -> Self {
        self.missed_ticks = missed_ticks;
        self
    }

    /// The time from one tick to the next.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Begins anew: the next tick comes a period from now.
    pub fn reset(&mut self) {
        self.next = Deadline::after(aio_core::now(), self.period);
    }

    /// Waits for the next tick, and returns the moment at which it was due. After a tick that no clock can reach there
    /// is no other.
    ///
    /// A tick that is overdue gives other tasks a turn nevertheless.
    ///
    /// # Cancel safety
    /// Dropping the future loses no tick: the next call waits for the same one.
    pub async fn tick(&mut self) -> Instant {
        let Some(due) = self.next.instant() else { return pending().await };
        sleep_until(due).await;
        let now = aio_core::now();
        self.next = match self.missed_ticks {
            MissedTicks::Delay if is_missed(due, now) => Deadline::after(now, self.period),
            MissedTicks::Skip if is_missed(due, now) => Deadline::next_step(due, self.period, now),
            _ => Deadline::after(due, self.period),
        };
        due
    }
}

fn is_missed(due: Instant, now: Instant) -> bool {
    Deadline::after(due, TOLERANCE).is_past(now)
}
