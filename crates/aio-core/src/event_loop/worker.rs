//! A worker's part for all threads.

use std::sync::OnceLock; // facade: set once, by the worker itself
use std::task::Waker;

use aio_base::sync::Arc;
#[cfg(aio_loom)]
use aio_base::sync::atomic::AtomicBool;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use super::lookout::Visits;
use super::mailbox::{Mail, Mailbox};
use super::scheduler::Scheduler;
use super::slab::Account;
use super::steal_queue::{self, StealQueue};
use crate::driver::StandIn;
use crate::task::Header;

/// Tasks that may cross threads and have their turn to come at a worker.
pub(super) type Ring = StealQueue<Header, RING>;

/// How many of them it has room for. (Few in models, where each place costs.)
pub(super) const RING: usize = if cfg!(aio_loom) { 4 } else { steal_queue::CAPACITY };

/// It lives in its [`Scheduler`], as long as that.
pub(crate) struct Worker {
    scheduler: *const Scheduler,
    pub(super) mailbox: Mailbox,
    /// Of the thread, once it runs.
    unparker: Once<Waker>,
    /// Where the tasks are that this worker has spawned.
    account: Once<Arc<Account>>,
    /// Tasks that may cross threads and have their turn to come here. Where there is one worker, its own queue has
    /// them.
    pub(super) ring: Option<Box<Ring>>,
    pub(super) tally: Tally,
    pub(super) visits: Visits,
    /// Delivers what its drivers have to, see `Lookout`; if there is anything.
    stand_in: OnceLock<StandIn>,
}

// SAFETY: the pointer is to what this is a part of, which may be used by all threads.
unsafe impl Send for Worker {}
// SAFETY: as above.
unsafe impl Sync for Worker {}

/// Something that is set once. The model checker does not see into a `OnceLock`, so it has a flag to look at.
struct Once<T> {
    value: OnceLock<T>,
    #[cfg(aio_loom)]
    is_set: AtomicBool,
}

impl<T> Once<T> {
    fn new() -> Self {
        Self {
            value: OnceLock::new(),
            #[cfg(aio_loom)]
            is_set: AtomicBool::new(false),
        }
    }

    fn set(&self, value: T) {
        drop(self.value.set(value));
        // As `OnceLock` does it.
        #[cfg(aio_loom)]
        self.is_set.store(true, Ordering::Release);
    }

    fn get(&self) -> Option<&T> {
        #[cfg(aio_loom)]
        if !self.is_set.load(Ordering::Acquire) {
            return None;
        }
        self.value.get()
    }
}

/// How many tasks were spawned here, and how many have ended here, wherever they were spawned. One thread writes it.
pub(super) struct Tally {
    spawned: AtomicUsize,
    ended: AtomicUsize,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { spawned: AtomicUsize::new(0), ended: AtomicUsize::new(0) }
    }

    #[inline]
    pub(super) fn note_spawn(&self) {
        // Not a locked operation: one thread writes. Release: who sees an end sees all spawns before it.
        self.spawned.store(self.spawned.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    #[inline]
    pub(super) fn note_end(&self) {
        self.ended.store(self.ended.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    pub(super) fn spawned(&self) -> usize {
        self.spawned.load(Ordering::Acquire)
    }

    pub(super) fn ended(&self) -> usize {
        self.ended.load(Ordering::Acquire)
    }
}

impl Worker {
    pub(super) fn new(scheduler: *const Scheduler, is_single: bool) -> Self {
        Self {
            scheduler,
            mailbox: Mailbox::new(),
            unparker: Once::new(),
            account: Once::new(),
            ring: (!is_single).then(|| Box::new(Ring::new())),
            tally: Tally::new(),
            visits: Visits::new(),
            stand_in: OnceLock::new(),
        }
    }

    #[inline]
    pub(crate) fn scheduler(&self) -> &Scheduler {
        // SAFETY: this is a part of it.
        unsafe { &*self.scheduler }
    }

    /// The thread runs. It looks into its mailbox afterwards: who has put something there before had nobody to unpark.
    pub(super) fn begin(&self, unparker: Waker, stand_in: Option<StandIn>, account: Arc<Account>) {
        if let Some(stand_in) = stand_in.filter(|it| !it.has_nothing_to_do()) {
            let _ = self.stand_in.set(stand_in);
        }
        self.account.set(account);
        self.unparker.set(unparker);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.unparker.get().is_some()
    }

    /// Whether there is anything that another thread can do in place of its drivers.
    pub(super) fn can_be_stood_in_for(&self) -> bool {
        self.stand_in.get().is_some()
    }

    /// Delivers what its drivers have to.
    pub(super) fn stand_in_for(&self) {
        if let Some(stand_in) = self.stand_in.get() {
            stand_in.deliver();
        }
    }

    /// Where its tasks are; nowhere before it runs.
    pub(super) fn account(&self) -> Option<&Arc<Account>> {
        self.account.get()
    }

    /// Puts something into the mailbox and ends the worker's park.
    ///
    /// # Errors
    /// The mail itself, after the end of the worker.
    pub(crate) fn send(&self, mail: Mail) -> Result<(), Mail> {
        if self.mailbox.put(mail)? {
            self.unpark();
        }
        Ok(())
    }

    pub(super) fn unpark(&self) {
        if let Some(unparker) = self.unparker.get() {
            unparker.wake_by_ref();
        }
    }
}
