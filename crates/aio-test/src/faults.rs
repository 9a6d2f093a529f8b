//! What may go wrong in a run without anything being wrong.

use std::time::Duration;

/// What a correct program has to expect, and seldom meets: each is drawn from the seed of the run.
///
/// Under [`Test::faults`](crate::Test::faults). Times are virtual. With those that let time pass, asserted times are
/// lower bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "give it to a test"]
pub struct Faults {
    /// One in how many steps; zero stands for never.
    pub(crate) spurious: u32,
    pub(crate) delayed: u32,
    pub(crate) longest_delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) slow: u32,
    pub(crate) longest_step: Duration,
    /// From, and to.
    pub(crate) job: (Duration, Duration),
}

impl Faults {
    /// None.
    pub const fn none() -> Self {
        Self {
            spurious: 0,
            delayed: 0,
            longest_delay: Duration::ZERO,
            jitter: Duration::ZERO,
            slow: 0,
            longest_step: Duration::ZERO,
            job: (Duration::ZERO, Duration::ZERO),
        }
    }

    /// All of them, now and then, and short: spurious wakes and delayed ones (up to 10 ms), timers up to 5 ms late,
    /// steps that take up to 10 ms, blocking functions that take up to 20 ms.
    pub const fn all() -> Self {
        let ms = Duration::from_millis;
        let faults = Self::none().spurious_wakes(10).delayed_wakes(20, ms(10)).timer_jitter(ms(5));
        faults.slow_steps(20, ms(10)).slow_jobs(ms(0), ms(20))
    }

    /// Before one in `n` steps, a task that waits is polled although nothing has happened.
    ///
    /// # Panics
    /// If `n` is zero.
    pub const fn spurious_wakes(mut self, n: u32) -> Self {
        assert!(n > 0, "one in none is no share");
        self.spurious = n;
        self
    }

    /// One in `n` wakes takes up to `longest` to get through, as one from a thread that was interrupted.
    ///
    /// # Panics
    /// If `n` is zero.
    pub const fn delayed_wakes(mut self, n: u32, longest: Duration) -> Self {
        assert!(n > 0, "one in none is no share");
        self.delayed = n;
        self.longest_delay = longest;
        self
    }

    /// Timers fire up to `latest` after their deadline.
    pub const fn timer_jitter(mut self, latest: Duration) -> Self {
        self.jitter = latest;
        self
    }

    /// One in `n` steps takes up to `longest`, so that timers may be due before tasks have run that were ready.
    ///
    /// # Panics
    /// If `n` is zero.
    pub const fn slow_steps(mut self, n: u32, longest: Duration) -> Self {
        assert!(n > 0, "one in none is no share");
        self.slow = n;
        self.longest_step = longest;
        self
    }

    /// Blocking functions (`to_thread`) take from `shortest` to `longest`.
    pub const fn slow_jobs(mut self, shortest: Duration, longest: Duration) -> Self {
        self.job = (shortest, longest);
        self
    }
}
