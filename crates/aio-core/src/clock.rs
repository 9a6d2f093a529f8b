//! What time it is.

use std::time::Instant;

/// The current time of the loop of this thread, or of the system where there is no loop.
///
/// Everything in `aio` that needs the time asks here and nowhere else, so that a loop can bring a clock of its own.
pub fn now() -> Instant {
    Instant::now()
}
