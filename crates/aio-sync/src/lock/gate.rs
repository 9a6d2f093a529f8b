//! Who may pass: the state of a lock, and the line of those who wait for it.

use aio_base::Home;
use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
#[cfg(not(aio_loom))]
use aio_base::{BriefLock, Shared};

use crate::wait_queue::{Line, wake};

/// Nobody has the lock, nobody waits. (That is what the byte beside a new line is.)
const UNLOCKED: u8 = 0;
/// Somebody has the lock, or has been handed it; nobody waits.
const LOCKED: u8 = 1;
/// Somebody has the lock, or has been handed it; others have come to wait, and may have given up since.
const CONTENDED: u8 = 2;

/// Whether one can pass, as a byte.
///
/// ```text
///               ──1 try_pass──▶            ──3 enter──▶
///      UNLOCKED                    LOCKED                CONTENDED ⟲ 4 hand_over
///         ▲     ◀────2 open────            ◀──4 hand_over──   │
///         └───────────────────5 hand_over─────────────────────┘
/// ```
/// 1. [`Gate::try_pass`], one compare-and-exchange; or [`Gate::enter`], when the lock was released just before.
/// 2. [`Gate::open`], one compare-and-exchange.
/// 3. [`Gate::enter`]: one has to wait.
/// 4. [`Gate::hand_over`] to the first in the line. The gate is CONTENDED again if others are in the line.
/// 5. [`Gate::hand_over`]: all have given up.
///
/// Edges 3 to 5 are made under the line's lock. The line is empty unless the gate is CONTENDED; so the lock does not
/// become free as long as somebody waits, and nobody overtakes.
pub(super) struct Gate<H: Home> {
    /// The state is the byte beside the line.
    pub(super) line: H::Exclusive<Line<H, ()>>,
}

impl<H: Home> Gate<H> {
    pub(super) fn new() -> Self {
        Self { line: Exclusive::new(Line::new()) }
    }

    pub(super) fn is_open(&self) -> bool {
        // Relaxed: it may have changed before the caller looks at the answer; who wants the value takes the lock.
        self.state().load(Ordering::Relaxed) == UNLOCKED
    }

    #[inline]
    fn state(&self) -> &H::Byte {
        self.line.byte()
    }

    #[inline]
    pub(super) fn try_pass(&self) -> bool {
        // Acquire pairs with the Releases of `open` and `hand_over`: what the last holder wrote is visible to this one.
        self.state().compare_exchange(UNLOCKED, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Under the line's lock: whether one can pass, otherwise one must wait.
    pub(super) fn enter(&self) -> bool {
        // Acquire as in `try_pass`.
        let is_free = self.state().swap(CONTENDED, Ordering::Acquire) == UNLOCKED;
        if is_free {
            // Nobody waits, and nobody else moves the gate now that it is taken. Relaxed: the next to see this is the
            // holder, at `open`.
            self.state().store(LOCKED, Ordering::Relaxed);
        }
        is_free
    }

    /// By the holder.
    #[inline]
    pub(super) fn open(&self) {
        // Release pairs with the Acquires of `try_pass` and `enter`.
        if self.state().compare_exchange(LOCKED, UNLOCKED, Ordering::Release, Ordering::Relaxed).is_err() {
            self.hand_over();
        }
    }

    #[cold]
    fn hand_over(&self) {
        let next = self.line.with(|line| {
            let next = line.wake_first();
            if line.is_empty() {
                // Nobody else moves the gate: it is CONTENDED, and the line is locked. Release as in `open`. (Who is
                // handed the lock sees what was written before by being woken.)
                self.state().store(if next.is_some() { LOCKED } else { UNLOCKED }, Ordering::Release);
            }
            next
        });
        wake(next);
    }
}

#[cfg(not(aio_loom))]
impl Gate<Shared> {
    pub(super) const fn const_new() -> Self {
        Self { line: BriefLock::new(Line::new()) }
    }
}
