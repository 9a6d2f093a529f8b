//! What the tests of timers share.

use std::time::Duration;

use aio_core::{EventLoop, ThreadPark};
use aio_timer::Timers;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// Runs `main` on a loop with timers.
pub(crate) fn run<F: Future>(main: F) -> F::Output {
    EventLoop::new(Timers::new(ThreadPark::new())).run(main)
}
