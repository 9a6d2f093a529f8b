//! How many refer to a cell, and whether another thread has asked for a wake.
//!
//! Nearly all wakers are cloned and dropped on the worker's thread, so that thread counts for itself, without locked
//! operations (biased reference counting: Choi, Shull and Torrellas, PACT 2018). The word that all threads share has
//! what the others do:
//!
//! ```text
//!   bit 0: ASKED         the rest: CLAIMED, and references made less references dropped by other threads
//! ```
//!
//! `CLAIMED` is so large that the word is not zero while it is in there. When the worker's thread has no claim on the
//! cell any more, it [settles](Count::settle): it puts its own count in the place of `CLAIMED`. From then on all
//! threads use the word, and who brings it to zero frees the cell.
//!
//! Another thread that wakes the task sets `ASKED`; if it was not set, it sends the task to the loop's mailbox. The
//! loop clears it before it schedules the task, so a wake that comes later asks again.

use std::cell::Cell;

use aio_base::sync::atomic::{AtomicU32, Ordering};

const ASKED: u32 = 1;
const ONE: u32 = 2;
const CLAIMED: u32 = 1 << 30;
/// 2^29 wakers of one task were leaked; going on would free it while it is in use.
const LIMIT: u32 = 2 << 30;
const LOCAL_LIMIT: i32 = 1 << 28;
/// There is no count for the worker's thread any more.
const SETTLED: i32 = i32::MIN;

pub(in crate::task::cell) struct Count {
    shared: AtomicU32,
    /// References made less references dropped by the worker's thread, which alone touches this; [`SETTLED`]
    /// once it has settled.
    local: Cell<i32>,
}

impl Count {
    /// No reference, but the claims of the worker's thread.
    pub(in crate::task::cell) fn new() -> Self {
        Self { shared: AtomicU32::new(CLAIMED), local: Cell::new(0) }
    }

    /// One more. The caller has one, or is on the worker's thread while that has a claim. `here` says that this is the
    /// worker's thread.
    #[inline]
    pub(in crate::task::cell) fn acquire(&self, here: bool) {
        if here {
            let local = self.local.get();
            // One comparison for both: there is nothing between the two that it could be.
            if local.wrapping_sub(SETTLED + 1).cast_unsigned() <= LOCAL_LIMIT.wrapping_sub(SETTLED + 1).cast_unsigned()
            {
                self.local.set(local + 1);
                return;
            }
            if local != SETTLED {
                std::process::abort();
            }
        }
        // Relaxed: as in `Arc`, a reference is only made from another one.
        if self.shared.fetch_add(ONE, Ordering::Relaxed) > LIMIT {
            std::process::abort();
        }
    }

    /// One less. Whether it was the last. `here` says that this is the worker's thread.
    #[inline]
    #[must_use = "the last one frees the cell"]
    pub(super) fn release(&self, here: bool) -> bool {
        if here {
            let local = self.local.get();
            if local != SETTLED {
                self.local.set(local - 1);
                return false;
            }
        }
        if self.shared.fetch_sub(ONE, Ordering::Release) & !ASKED == ONE {
            // Pairs with the Release of the others: what they did with the cell comes before it is freed. (A fence
            // would do; sanitizers do not understand it.)
            self.shared.load(Ordering::Acquire);
            return true;
        }
        false
    }

    /// [`release`](Self::release) on the worker's thread while that has a claim, so that it is not the last.
    #[inline]
    pub(super) fn release_beside_claim(&self) {
        let local = self.local.get();
        debug_assert_ne!(local, SETTLED, "there is a claim");
        self.local.set(local - 1);
    }

    /// The worker's thread gives up its claims. Whether nobody refers to the cell.
    #[must_use = "the last one frees the cell"]
    pub(super) fn settle(&self) -> bool {
        let local = self.local.replace(SETTLED);
        debug_assert_ne!(local, SETTLED, "the claims on a cell are given up once");
        // Nobody has a reference, so nobody can make one: no locked operation is needed. Acquire pairs with the Release
        // of `release`.
        if local == 0 && self.shared.load(Ordering::Acquire) & !ASKED == CLAIMED {
            return true;
        }
        let change = (local as u32).wrapping_mul(ONE).wrapping_sub(CLAIMED);
        // Release and Acquire: as in `release`.
        self.shared.fetch_add(change, Ordering::AcqRel).wrapping_add(change) & !ASKED == 0
    }

    /// Asks for a wake. Whether the caller has to tell the loop; then there is one more, which goes with the mail.
    #[must_use = "the first to ask sends the task to the mailbox"]
    pub(super) fn ask(&self) -> bool {
        let mut word = self.shared.load(Ordering::Relaxed);
        loop {
            let is_first = word & ASKED == 0;
            let next = if is_first { (word | ASKED) + ONE } else { word };
            // AcqRel: Release pairs with `answer`, so that the poll sees what was written before the wake, also when
            // the bit was set already.
            match self.shared.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if next > LIMIT => std::process::abort(),
                Ok(_) => return is_first,
                Err(now) => word = now,
            }
        }
    }

    /// The loop has seen the request, and has the reference that came with it.
    pub(super) fn answer(&self) {
        // If that is the only one, as mostly, nobody can ask meanwhile, and no locked operation is needed. Acquire as
        // below.
        if self.local.get() == 1 && self.shared.load(Ordering::Acquire) == CLAIMED | ASKED {
            self.shared.store(CLAIMED, Ordering::Relaxed);
        } else {
            self.shared.fetch_and(!ASKED, Ordering::AcqRel);
        }
    }
}
