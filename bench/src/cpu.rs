//! CPU time of a thread and of the process.

use std::time::Duration;

/// How much CPU has been used since it was made.
#[derive(Debug)]
pub(crate) struct CpuClock {
    clock: sys::Clock,
    started: Duration,
}

impl CpuClock {
    /// By this thread.
    pub(crate) fn of_thread() -> Self {
        Self::start(sys::THREAD)
    }

    /// By all threads.
    pub(crate) fn of_process() -> Self {
        Self::start(sys::PROCESS)
    }

    fn start(clock: sys::Clock) -> Self {
        Self { clock, started: sys::now(clock) }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        sys::now(self.clock) - self.started
    }
}

#[cfg(unix)]
mod sys {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) type Clock = ClockId;
    pub(super) const THREAD: Clock = ClockId::ThreadCPUTime;
    pub(super) const PROCESS: Clock = ClockId::ProcessCPUTime;

    pub(super) fn now(clock: Clock) -> Duration {
        clock_gettime(clock).try_into().expect("time does not run backwards")
    }
}

/// Where there is no such clock, the one on the wall: good enough for ratios on a machine that is idle.
#[cfg(not(unix))]
mod sys {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    pub(super) type Clock = ();
    pub(super) const THREAD: Clock = ();
    pub(super) const PROCESS: Clock = ();

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    pub(super) fn now((): Clock) -> Duration {
        START.elapsed()
    }
}
