//! The one place where a duration meets an instant.

use std::time::{Duration, Instant};

/// A point in time by which something is to happen, or *never*. All arithmetic saturates: a deadline too far away for
/// the clock is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Not at any time.
    pub const NEVER: Self = Self(None);

    /// At `instant`.
    #[inline]
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// `duration` after `now`; never, if the clock does not reach that far.
    #[inline]
    pub fn after(now: Instant, duration: Duration) -> Self {
        Self(now.checked_add(duration))
    }

    /// The first of `start + period`, `start + 2 * period`, ... that lies after `now`.
    ///
    /// # Panics
    /// If `period` is zero.
    #[inline]
    pub fn next_step(start: Instant, period: Duration, now: Instant) -> Self {
        let Some(gone) = now.checked_duration_since(start) else { return Self::after(start, period) };
        // Less than a period, so that it fits.
        let gone = gone.as_nanos() % period.as_nanos();
        let gone = Duration::new((gone / 1_000_000_000) as u64, (gone % 1_000_000_000) as u32);
        Self::after(now, period - gone)
    }

    /// When, unless never.
    #[inline]
    pub const fn instant(self) -> Option<Instant> {
        self.0
    }

    /// Whether it lies at or before `now`.
    #[inline]
    pub fn is_past(self, now: Instant) -> bool {
        self.0.is_some_and(|at| at <= now)
    }

    /// The time left at `now`: zero if it is past, `None` if it is never.
    #[inline]
    pub fn remaining(self, now: Instant) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(now))
    }

    /// Nanoseconds from `epoch`: zero if it lies before, `u64::MAX` if never or more than 584 years away.
    #[inline]
    pub fn nanos_since(self, epoch: Instant) -> u64 {
        self.remaining(epoch).and_then(|left| u64::try_from(left.as_nanos()).ok()).unwrap_or(u64::MAX)
    }

    /// The earlier of two.
    #[must_use]
    #[inline]
    pub fn earliest(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Self(Some(a.min(b))),
            (a, b) => Self(a.or(b)),
        }
    }
}

impl From<Option<Instant>> for Deadline {
    fn from(instant: Option<Instant>) -> Self {
        Self(instant)
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_the_clock_is_never() {
        let now = Instant::now();
        assert_eq!(Deadline::after(now, Duration::MAX), Deadline::NEVER);
        assert_eq!(Deadline::NEVER.remaining(now), None);
        assert!(!Deadline::NEVER.is_past(now));
        assert_eq!(Deadline::NEVER.nanos_since(now), u64::MAX);
    }

    #[test]
    fn the_earlier_of_two_is_never_only_if_both_are() {
        let now = Instant::now();
        let soon = Deadline::at(now);
        let later = Deadline::after(now, Duration::from_secs(1));
        assert_eq!(soon.earliest(later), soon);
        assert_eq!(later.earliest(soon), soon);
        assert_eq!(Deadline::NEVER.earliest(later), later);
        assert_eq!(later.earliest(Deadline::NEVER), later);
        assert_eq!(Deadline::NEVER.earliest(Deadline::NEVER), Deadline::NEVER);
    }

    #[test]
    fn the_next_step_lies_after_now_and_on_the_grid() {
        let start = Instant::now();
        let period = Duration::from_nanos(1_500_000_007);
        for (now, expected) in [(0, 1), (1, 1), (1_500_000_006, 1), (1_500_000_007, 2), (4_500_000_020, 3)] {
            let next = Deadline::next_step(start, period, start + Duration::from_nanos(now));
            assert_eq!(next, Deadline::at(start + period * expected), "at {now}");
        }
        let before = start.checked_sub(Duration::from_nanos(1)).unwrap();
        assert_eq!(Deadline::next_step(start, period, before), Deadline::after(start, period));
        assert_eq!(Deadline::next_step(start, Duration::MAX, start), Deadline::NEVER);
    }

    #[test]
    fn a_deadline_before_the_epoch_counts_as_zero() {
        let epoch = Instant::now() + Duration::from_secs(5);
        assert_eq!(Deadline::after(epoch, Duration::ZERO).nanos_since(epoch), 0);
        assert_eq!(Deadline::at(epoch - Duration::from_secs(1)).nanos_since(epoch), 0);
        assert!(Deadline::at(epoch).is_past(epoch));
    }
}
