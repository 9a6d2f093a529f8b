//! Who may pass: the state of a read-write lock, and the lines of those who wait for it.

use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
#[cfg(not(aio_loom))]
use aio_base::{BriefLock, Shared, sync::atomic::AtomicUsize};
use aio_base::{Home, WakeList};

use crate::wait_queue::{Line, wake_batches};

/// A writer has the lock, or has been handed it.
const WRITTEN: usize = 1 << (usize::BITS - 1);
/// Some have come to wait, and may have given up since.
const CONTENDED: usize = 1 << (usize::BITS - 2);
/// Somebody reads who may become the writer: one at a time.
const UPGRADABLE: usize = 1 << (usize::BITS - 3);
/// The rest counts the other readers.
pub(super) const MAX_READERS: usize = UPGRADABLE - 1;

/// What somebody wants to pass for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    UpgradableRead,
    Write,
    /// By the one who has the upgradable access, and keeps it besides.
    Upgrade,
}

impl Access {
    /// The state with this one in, if it may pass. Nobody may while others wait, but the one who upgrades.
    #[inline]
    fn admit(self, state: usize) -> Option<usize> {
        match self {
            Self::Read => (state & !UPGRADABLE < MAX_READERS).then_some(state + 1),
            Self::UpgradableRead => (state < UPGRADABLE).then_some(state | UPGRADABLE),
            Self::Write => (state == 0).then_some(WRITTEN),
            Self::Upgrade => (state & !CONTENDED == UPGRADABLE).then_some(state | WRITTEN),
        }
    }

    /// The same for the first in the line.
    fn admit_first(self, state: usize) -> Option<usize> {
        self.admit(state & !CONTENDED).map(|next| next | CONTENDED)
    }
}

/// Whether one can pass, as a word: the number of readers, and three flags.
///
/// ```text
///                    ──1 try_pass──▶                    ──3 enter──▶
///      nobody, n readers,   ...      one more, a writer             the same, CONTENDED ⟲ 4 let_in
///                    ◀──2 release──                     ◀──5 let_in──
/// ```
/// 1. [`Gate::try_pass`], by compare-and-exchange.
/// 2. [`Gate::release_read`] and the others: one subtraction. If the gate is CONTENDED and the next may be able to pass
///    now, [`Gate::let_in`] follows.
/// 3. [`Gate::enter`]: one has to wait.
/// 4. [`Gate::let_in`]: the first in the line passes, and those behind it, as far as that goes.
/// 5. [`Gate::let_in`]: nobody is left in the line.
///
/// Edges 3 to 5 are made under the lock of the lines; these are empty unless the gate is CONTENDED, and then nobody
/// passes but by edge 4 (and the one who upgrades, for whom all others wait anyway): so nobody overtakes.
///
/// Whoever changes what the first in the line waits for calls [`Gate::let_in`] afterwards. It lets in whoever may pass
/// by the state as it is then, so it does not matter how many call it, or what has happened in between.
///
/// All changes are read-modify-writes. Hence who acquires one sees what those did who released before it, through
/// whatever changes of others that lie between them.
pub(super) struct Gate<H: Home> {
    state: H::Word,
    waiting: H::Exclusive<Waiting<H>>,
}

pub(super) struct Waiting<H: Home> {
    pub(super) line: Line<H, Access>,
    /// Whoever upgrades goes before all others, who cannot pass before it is done. There is one at most.
    pub(super) upgrader: Line<H, ()>,
}

impl<H: Home> Waiting<H> {
    const fn new() -> Self {
        Self { line: Line::new(), upgrader: Line::new() }
    }
}

impl<H: Home> Gate<H> {
    pub(super) fn new() -> Self {
        Self { state: Word::new(0), waiting: Exclusive::new(Waiting::new()) }
    }

    #[inline]
    pub(super) fn waiting(&self) -> &H::Exclusive<Waiting<H>> {
        &self.waiting
    }

    #[inline]
    pub(super) fn try_pass(&self, access: Access) -> bool {
        // The likely state; where it is not always the same, a look. Relaxed: the exchange below has the last word.
        let mut state = match access {
            Access::Read | Access::UpgradableRead => self.state.load(Ordering::Relaxed),
            Access::Write => 0,
            Access::Upgrade => UPGRADABLE,
        };
        while let Some(next) = access.admit(state) {
            // Acquire pairs with the Releases of those who leave: a reader sees what the last writer wrote, and a
            // writer comes after what readers have read.
            match self.state.compare_exchange(state, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Under the lock: whether one can pass, otherwise one must wait.
    pub(super) fn enter(&self, access: Access) -> bool {
        while !self.try_pass(access) {
            // Relaxed: the exchange below has the last word.
            let state = self.state.load(Ordering::Relaxed);
            // Relaxed: the one who waits sees nothing by this.
            let must_wait = state & CONTENDED != 0
                || access.admit(state).is_none()
                    && self
                        .state
                        .compare_exchange(state, state | CONTENDED, Ordering::Relaxed, Ordering::Relaxed)
                        .is_ok();
            if must_wait {
                return false;
            }
        }
        true
    }

    /// By a reader.
    #[inline]
    pub(super) fn release_read(&self) {
        // Release pairs with the Acquires of `try_pass` and `let_in`, as in all of these.
        let before = self.state.fetch_sub(1, Ordering::Release);
        // The first in the line may wait for the last reader to go.
        if before & !UPGRADABLE == CONTENDED | 1 {
            self.let_in();
        }
    }

    /// By the writer.
    #[inline]
    pub(super) fn release_write(&self) {
        if self.state.fetch_sub(WRITTEN, Ordering::Release) != WRITTEN {
            self.let_in();
        }
    }

    /// By the one who has the upgradable access.
    #[inline]
    pub(super) fn release_upgradable(&self) {
        if self.state.fetch_sub(UPGRADABLE, Ordering::Release) & CONTENDED != 0 {
            self.let_in();
        }
    }

    /// By the writer, who becomes a reader.
    pub(super) fn downgrade_write(&self) {
        if self.state.fetch_sub(WRITTEN - 1, Ordering::Release) != WRITTEN {
            self.let_in();
        }
    }

    /// By the writer, who becomes the one who has the upgradable access.
    pub(super) fn downgrade_write_to_upgradable(&self) {
        if self.state.fetch_sub(WRITTEN - UPGRADABLE, Ordering::Release) != WRITTEN {
            self.let_in();
        }
    }

    /// By the one who has the upgradable access, and becomes a reader.
    pub(super) fn downgrade_upgradable(&self) {
        if self.state.fetch_sub(UPGRADABLE - 1, Ordering::Release) & CONTENDED != 0 {
            self.let_in();
        }
    }

    /// By the one who has upgraded: it is the writer, and no more.
    pub(super) fn finish_upgrade(&self) {
        // Relaxed: nobody passes by this.
        self.state.fetch_sub(UPGRADABLE, Ordering::Relaxed);
    }

    /// One of those who wait has gone, whom others may have waited for.
    #[cold]
    pub(super) fn let_in(&self) {
        wake_batches(|wakers| self.waiting.with(|waiting| self.let_in_some(waiting, wakers)));
    }

    /// Under the lock: as many as there is room for. Whether there may be more.
    fn let_in_some(&self, waiting: &mut Waiting<H>, wakers: &mut WakeList) -> bool {
        while wakers.has_room() {
            let waker = if !waiting.upgrader.is_empty() {
                self.admit_first(Access::Upgrade).then(|| waiting.upgrader.wake_first())
            } else if let Some(access) = waiting.line.first() {
                self.admit_first(*access).then(|| waiting.line.wake_first())
            } else {
                // Relaxed: a read-modify-write passes on what was released before.
                self.state.fetch_and(!CONTENDED, Ordering::Relaxed);
                None
            };
            match waker.flatten() {
                Some(waker) => wakers.push(waker),
                None => return false,
            }
        }
        true
    }

    fn admit_first(&self, access: Access) -> bool {
        // Relaxed: the exchange below has the last word.
        let mut state = self.state.load(Ordering::Relaxed);
        while let Some(next) = access.admit_first(state) {
            // Acquire as in `try_pass`; the one who waits sees the same by being woken.
            match self.state.compare_exchange(state, next, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }
}

#[cfg(not(aio_loom))]
impl Gate<Shared> {
    pub(super) const fn const_new() -> Self {
        Self { state: AtomicUsize::new(0), waiting: BriefLock::new(Waiting::new()) }
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_more_readers_are_let_in_than_can_be_counted() {
        for others in [0, UPGRADABLE] {
            assert_eq!(Access::Read.admit(others | (MAX_READERS - 1)), Some(others | MAX_READERS));
            assert_eq!(Access::Read.admit(others | MAX_READERS), None);
            assert_eq!(Access::Read.admit_first(CONTENDED | others | MAX_READERS), None);
        }
    }

    #[test]
    fn nobody_passes_who_waits_for_others() {
        for state in [WRITTEN, CONTENDED, WRITTEN | CONTENDED, WRITTEN | UPGRADABLE, CONTENDED | UPGRADABLE | 1] {
            for access in [Access::Read, Access::UpgradableRead, Access::Write, Access::Upgrade] {
                assert_eq!(access.admit(state), None, "{access:?} {state:x}");
            }
        }
    }
}
