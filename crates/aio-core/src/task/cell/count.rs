//! The word of a cell that all threads share: how many refer to it, and whether one has asked for a wake.
//!
//! ```text
//!   bit 0: ASKED         the rest: the count
//! ```
//!
//! Another thread that wakes the task sets `ASKED`; if it was not set, it sends the task to the loop's inbox. The loop
//! clears it before it schedules the task, so a wake that comes later asks again.

use aio_base::sync::atomic::{AtomicU32, Ordering, fence};

const ASKED: u32 = 1;
const ONE: u32 = 2;
const LIMIT: u32 = u32::MAX / 2;

pub(super) struct Count(AtomicU32);

impl Count {
    /// One, for the loop's thread.
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(ONE))
    }

    /// One more. The caller has one, or is on the loop's thread while that has one.
    pub(super) fn acquire(&self) {
        // Relaxed: as in `Arc`, a reference is only made from another one.
        if self.0.fetch_add(ONE, Ordering::Relaxed) > LIMIT {
            // 2^30 wakers of one task were leaked; going on would free it while it is in use.
            std::process::abort();
        }
    }

    /// One less. Whether it was the last.
    #[must_use = "the last one frees the cell"]
    pub(super) fn release(&self) -> bool {
        // Alone: nobody else can make another one, so no locked operation is needed. Acquire pairs with the Release
        // below: what the others did with the cell comes before it is freed.
        if self.0.load(Ordering::Acquire) & !ASKED == ONE {
            return true;
        }
        if self.0.fetch_sub(ONE, Ordering::Release) & !ASKED == ONE {
            // Pairs with the Release of the others' `fetch_sub`.
            fence(Ordering::Acquire);
            return true;
        }
        false
    }

    /// Asks for a wake. Whether the caller has to tell the loop.
    #[must_use = "the first to ask sends the task to the inbox"]
    pub(super) fn ask(&self) -> bool {
        // AcqRel: Release pairs with `answer`, so that the poll sees what was written before the wake, also when the bit
        // was set already.
        self.0.fetch_or(ASKED, Ordering::AcqRel) & ASKED == 0
    }

    /// The loop has seen the request.
    pub(super) fn answer(&self) {
        self.0.fetch_and(!ASKED, Ordering::AcqRel);
    }
}
