//! What time it is.

use std::cell::Cell;
use std::time::Instant;

aio_base::thread_local! {
    /// The time of this thread's loop, if that has a clock of its own.
    static OWN: Cell<Option<Instant>> = Cell::new(None);
}

/// The current time of the loop of this thread, or of the system where there is no loop.
///
/// A loop has the system's time unless it stands over [`VirtualTime`](crate::VirtualTime). Everything in `aio` that
/// needs the time asks here and nowhere else.
#[inline]
pub fn now() -> Instant {
    match OWN.try_with(Cell::get) {
        Ok(Some(now)) => now,
        // A thread that is ending has no loop.
        _ => of_the_system(),
    }
}

/// The time of the system.
#[inline]
pub(crate) fn of_the_system() -> Instant {
    Instant::now()
}

/// Sets the clock of this thread; with `None` it is the system's. Returns what it was before.
pub(crate) fn set(now: Option<Instant>) -> Option<Instant> {
    OWN.with(|own| own.replace(now))
}
