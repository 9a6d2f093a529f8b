//! Which workers sleep, and which look for work.
//!
//! A worker is *running*, *searching* or *sleeping*. All begin as sleepers: to wake a worker whose thread does not
//! exist yet is to start the thread.
//!
//! ```text
//!               ──1 start_searching──▶
//!     RUNNING                            SEARCHING
//!       ▲  │    ◀──2 stop_searching──     │   ▲
//!     5 │  │ 3                          3 │   │ 4, 6
//!       │  ▼                              ▼   │
//!      SLEEPING ◀─────────────────────────┘   │
//!          └──────────────────────────────────┘
//! ```
//! 1. [`Sleepers::start_searching`]: a worker has no work of its own, and looks into the injector and the rings of the
//!    others; at most half of those awake do so at a time, or one.
//! 2. [`Sleepers::stop_searching`]: it has found something. If it was the last that searched and there is more, it
//!    wakes another one: workers wake one after the other, as long as that finds work, and not all at once.
//! 3. [`Sleepers::fall_asleep`] announces that the worker sleeps, *then* looks once more at everything.
//! 4. If there is something, `fall_asleep` takes the worker back out, to search for it. Otherwise the worker may park.
//! 5. [`Sleepers::wake_up`]: its park was ended by something else (mail, a deadline), and it takes itself out.
//! 6. [`Sleepers::notify`], after work was made available, takes one out to be unparked, unless somebody searches
//!    already. The worker counts as searching from then on, not only when its thread runs, so that the next
//!    notification does not wake a second one. If its park is ended by something else at the same time, `wake_up` tells
//!    it.
//!
//! # No work is left while workers sleep
//!
//! Who makes work available calls [`Sleepers::notify`] afterwards, which looks at the counts of searching and sleeping
//! workers. Whoever leaves *searching* as the last one, or goes to sleep, changes the counts and looks for work
//! afterwards. On both sides a `SeqCst` fence is between the two, so of the two looks at least one sees what
//! the other side has done:
//!
//! - The notifier sees that nobody searches: it wakes a sleeper. If it sees none, all workers run, and each of them
//!   looks after it has announced its sleep, which the notifier has not seen.
//! - The notifier sees that somebody searches, and leaves it at that. The last of the searchers stops later than what
//!   the notifier has seen, therefore looks, and sees the work: it goes on searching (4) or wakes another one (2).
//!
//! Work that was taken and not put down yet is seen by nobody. A searcher that has taken it puts it into its own ring
//! before it stops searching; another searcher that stops later sees it there, since changes of the counts are ordered
//! (`AcqRel`). Who moves work without searching notifies afterwards.

use std::fmt;

use aio_base::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};
use aio_base::sync::{Mutex, MutexGuard};

/// See the module.
pub(super) struct Sleepers {
    counts: AtomicUsize,
    /// Who sleeps, the last at the end: its caches are the warmest. Always as many as are counted.
    asleep: Mutex<Vec<usize>>,
    workers: Box<[Worker]>,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    Running,
    Searching,
    Sleeping,
}

/// Its state, on a cache line of its own, since the worker looks at it often. While awake, the worker alone changes it;
/// while it sleeps, who takes it out of the sleepers does, under their lock.
#[repr(align(64))]
struct Worker(AtomicU8);

/// How many workers search and how many sleep, in halves of one word, so that a notification looks at both at once.
#[derive(Debug, Clone, Copy)]
struct Counts(usize);

const HALF: u32 = usize::BITS / 2;
const ONE_SEARCHING: usize = 1;
const ONE_SLEEPING: usize = 1 << HALF;

impl Sleepers {
    /// `workers` sleepers, of which the first is the first to be notified.
    ///
    /// # Panics
    /// If there is no worker, or more than can be counted.
    pub(super) fn new(workers: usize) -> Self {
        assert!((1..ONE_SLEEPING).contains(&workers), "{workers} workers");
        Self {
            counts: AtomicUsize::new(workers * ONE_SLEEPING),
            asleep: Mutex::new((0..workers).rev().collect()),
            workers: (0..workers).map(|_| Worker(AtomicU8::new(State::Sleeping as u8))).collect(),
        }
    }

    /// To be called by a worker that has nothing to do. If it may not search, enough others do: it goes to sleep.
    #[must_use]
    pub(super) fn start_searching(&self, worker: usize) -> bool {
        match self.state(worker) {
            State::Searching => return true,
            State::Running => {}
            State::Sleeping => unreachable!("worker {worker} sleeps"),
        }
        let admit = |counts| {
            let counts = Counts(counts);
            let awake = self.workers.len() - counts.sleeping();
            let may = counts.searching() == 0 || 2 * (counts.searching() + 1) <= awake;
            may.then_some(counts.0 + ONE_SEARCHING)
        };
        // Relaxed: it is the end of the search that others go by.
        let may = self.counts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_ok();
        if may {
            self.set_state(worker, State::Searching);
        }
        may
    }

    /// To be called by a worker that has found something, after it has put all but what it runs next into its ring.
    /// Does nothing if it did not search. Returns a worker to be unparked, which counts as searching.
    ///
    /// `has_work` says whether anything is in the injector or in a ring; it is asked if no other worker searches. (If
    /// the thread of a worker that was to be woken cannot be started, this may be called in its place: it does not
    /// sleep any more then, and is not notified again.)
    #[must_use = "the worker returned waits to be unparked"]
    pub(super) fn stop_searching(&self, worker: usize, has_work: impl FnOnce() -> bool) -> Option<usize> {
        if self.state(worker) != State::Searching {
            return None;
        }
        self.set_state(worker, State::Running);
        // AcqRel: what this worker has put into its ring is seen by those who stop later, and the other way round.
        let before = Counts(self.counts.fetch_sub(ONE_SEARCHING, Ordering::AcqRel));
        debug_assert!(before.searching() > 0, "worker {worker} was not counted: {before:?}");
        if before.searching() > 1 {
            return None;
        }
        // SeqCst: between the count above and the look below. Pairs with that of `notify`.
        fence(Ordering::SeqCst);
        if has_work() { self.take_one() } else { None }
    }

    /// To be called by a worker that has found nothing, before it parks. It may park if this returns `true`; otherwise
    /// it counts as searching, since `has_work` said (or a notifier, meanwhile) that there is something.
    ///
    /// `has_work` says whether anything is in the injector or in a ring, its own included. It is asked after the worker
    /// was announced as sleeping.
    #[must_use]
    pub(super) fn fall_asleep(&self, worker: usize, has_work: impl FnOnce() -> bool) -> bool {
        let change = match self.state(worker) {
            State::Running => ONE_SLEEPING,
            State::Searching => ONE_SLEEPING - ONE_SEARCHING,
            State::Sleeping => unreachable!("worker {worker} sleeps already"),
        };
        let mut asleep = self.asleep.lock();
        asleep.push(worker);
        self.set_state(worker, State::Sleeping);
        // AcqRel: as in `stop_searching`.
        let before = Counts(self.counts.fetch_add(change, Ordering::AcqRel));
        debug_assert!(change == ONE_SLEEPING || before.searching() > 0, "worker {worker} was not counted: {before:?}");
        drop(asleep);
        // SeqCst: between the count above and the look below. Pairs with that of `notify`: without it, the worker could
        // miss the work, and the notifier the sleeper.
        fence(Ordering::SeqCst);
        if !has_work() {
            return true;
        }
        if let Some(_asleep) = self.remove(worker) {
            self.set_state(worker, State::Searching);
            self.counts.fetch_sub(ONE_SLEEPING - ONE_SEARCHING, Ordering::AcqRel);
        }
        false
    }

    /// To be called by a worker whose park has ended, and by one whose thread has just started. Returns whether it
    /// counts as searching: then it was notified.
    #[must_use]
    pub(super) fn wake_up(&self, worker: usize) -> bool {
        if self.state(worker) == State::Sleeping
            && let Some(_asleep) = self.remove(worker)
        {
            self.set_state(worker, State::Running);
            self.counts.fetch_sub(ONE_SLEEPING, Ordering::AcqRel);
        }
        self.state(worker) == State::Searching
    }

    /// To be called after work was made available to all workers. Returns a worker to be unparked, which counts as
    /// searching; none, if all are awake, or if one searches already.
    #[must_use = "the worker returned waits to be unparked"]
    pub(super) fn notify(&self) -> Option<usize> {
        // SeqCst: between the work, which was made available before, and the counts. Pairs with those of `fall_asleep`
        // and `stop_searching`.
        fence(Ordering::SeqCst);
        self.take_one()
    }

    /// The same without a fence, for a worker that has pushed something into its own ring: it may miss a worker that is
    /// about to sleep, or to stop searching. That is made good by a [`notify`](Self::notify) at the end of its turn.
    #[inline]
    #[must_use = "the worker returned waits to be unparked"]
    pub(super) fn notify_soon(&self) -> Option<usize> {
        self.take_one()
    }

    #[inline]
    fn take_one(&self) -> Option<usize> {
        // Relaxed: the caller has a fence before this, or need not see everything.
        if Counts(self.counts.load(Ordering::Relaxed)).asks_for_one() { self.take_last() } else { None }
    }

    /// Takes a sleeper out to search, if there is still one, and still nobody who searches.
    #[cold]
    fn take_last(&self) -> Option<usize> {
        let mut asleep = self.asleep.lock();
        let claim = |counts| Counts(counts).asks_for_one().then(|| counts - ONE_SLEEPING + ONE_SEARCHING);
        // AcqRel: the work that is notified of is seen by those who stop searching later. Relaxed: who searches now
        // will stop later than that.
        self.counts.fetch_update(Ordering::AcqRel, Ordering::Relaxed, claim).ok()?;
        let worker = asleep.pop()?;
        self.set_state(worker, State::Searching);
        Some(worker)
    }

    /// Takes `worker` out of the sleepers. The caller changes its state and the count before it gives up the lock. None
    /// if a notifier was faster; the state is changed then.
    fn remove(&self, worker: usize) -> Option<MutexGuard<'_, Vec<usize>>> {
        let mut asleep = self.asleep.lock();
        let position = asleep.iter().position(|&other| other == worker)?;
        asleep.remove(position);
        Some(asleep)
    }

    /// What each worker did a moment ago; for reports.
    pub(super) fn states(&self) -> Vec<State> {
        (0..self.workers.len()).map(|worker| self.state(worker)).collect()
    }

    fn state(&self, worker: usize) -> State {
        // Acquire pairs with the Release of a notifier, and carries the work that it notifies of.
        match self.workers[worker].0.load(Ordering::Acquire) {
            state if state == State::Running as u8 => State::Running,
            state if state == State::Searching as u8 => State::Searching,
            _ => State::Sleeping,
        }
    }

    fn set_state(&self, worker: usize, state: State) {
        // Release: see `state`.
        self.workers[worker].0.store(state as u8, Ordering::Release);
    }
}

impl Counts {
    fn searching(self) -> usize {
        self.0 & (ONE_SLEEPING - 1)
    }

    fn sleeping(self) -> usize {
        self.0 >> HALF
    }

    fn asks_for_one(self) -> bool {
        self.searching() == 0 && self.sleeping() > 0
    }
}

impl fmt::Debug for Sleepers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sleepers").field(&self.states()).finish()
    }
}

#[cfg(test)]
mod tests;
