//! What the tests have in common.

use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, VirtualTime, now};
use aio_timer::Timers;

/// Runs it on a loop under virtual time, which leaves nothing behind.
#[track_caller]
pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(main))
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// To the millisecond: timers are no more precise.
pub(crate) fn elapsed_since(begin: Instant) -> Duration {
    ms(u64::try_from((now() - begin).as_millis()).unwrap())
}
