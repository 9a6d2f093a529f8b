//! How much time has passed, exactly.

use std::fmt;
use std::time::{Duration, Instant};

use aio_core::now;

/// Measures by the clock of the loop: in a test with virtual time it is exact, and [`assert_elapsed!`] says so.
///
/// [`assert_elapsed!`]: crate::assert_elapsed
///
/// ```
/// # use aio_core::{EventLoop, ThreadPark, VirtualTime};
/// # use aio_timer::Timers;
/// use aio_test::{Stopwatch, assert_elapsed};
/// use aio_timer::sleep;
/// use std::time::Duration;
///
/// # EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
/// let watch = Stopwatch::start();
/// sleep(Duration::from_secs(3600)).await;
/// sleep(Duration::from_millis(1)).await;
/// assert_elapsed!(watch, Duration::from_millis(3_600_001));
/// # });
/// ```
#[derive(Clone, Copy)]
pub struct Stopwatch {
    started_at: Instant,
}

impl Stopwatch {
    /// A watch that starts now.
    pub fn start() -> Self {
        Self { started_at: now() }
    }

    /// The time since it was started.
    pub fn elapsed(&self) -> Duration {
        now() - self.started_at
    }

    /// The time since it was started; it starts anew.
    pub fn lap(&mut self) -> Duration {
        let now = now();
        now - std::mem::replace(&mut self.started_at, now)
    }
}

impl fmt::Debug for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stopwatch").field(&self.elapsed()).finish()
    }
}
