//! Who sees that a worker does not come to its drivers, because a task keeps its thread for long: a thread that looks
//! after all workers of a loop, and delivers what is due in their place. What that wakes, if it may cross threads, runs
//! at the other workers.
//!
//! It is started when a worker of several parks for the first time, when the second one begins, or after the first run
//! of a loop that may have others. It looks every ten milliseconds, as Go's `sysmon` does, and rests while all workers
//! have been parked for some looks in a row; the first to be unparked, or to begin, ends its rest.

use std::time::Duration;

use aio_base::live::{Kind, Live};
use aio_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use aio_base::sync::{Condvar, Mutex};
use aio_base::thread::{self, JoinHandle};

use super::worker::Worker;

/// How long a worker may stay away from its drivers before somebody else does their part; twice that at most.
const INTERVAL: Duration = Duration::from_millis(10);
/// How many looks in a row find all workers parked before the thread rests.
const LOOKS_BEFORE_REST: usize = 10;

/// What a worker tells of itself: how often it has come to its drivers, and whether it is there. It alone writes.
pub(super) struct Visits(AtomicUsize);

const IS_PARKED: usize = 1;
const ONE_VISIT: usize = 2;

impl Visits {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// The worker comes to its drivers, and goes on.
    #[inline]
    pub(super) fn note(&self) {
        // Relaxed: a look that does not see it yet delivers what the worker delivers as well.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(ONE_VISIT), Ordering::Relaxed);
    }

    fn begin_park(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) | IS_PARKED, Ordering::Relaxed);
    }

    fn end_park(&self) {
        self.0.store((self.0.load(Ordering::Relaxed) & !IS_PARKED).wrapping_add(ONE_VISIT), Ordering::Relaxed);
    }

    fn look(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Lookout {
    /// Nobody looks until somebody is unparked.
    rests: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// There is no thread yet.
    Unused,
    Running(JoinHandle<()>, Live),
    /// None is needed any more, or there is none to be had.
    Closed,
}

impl Lookout {
    pub(super) fn new() -> Self {
        Self { rests: AtomicBool::new(false), state: Mutex::new(State::Unused), changed: Condvar::new() }
    }

    /// Starts the thread, which calls `main`, if it never ran. If there is none to be had, nobody looks: that does not
    /// keep the workers from doing their parts.
    #[cold]
    pub(super) fn start(&self, main: impl FnOnce() + Send + 'static) {
        let mut state = self.state.lock();
        if matches!(*state, State::Unused) {
            *state = match thread::spawn("aio-lookout", main) {
                Ok(thread) => State::Running(thread, Live::new(Kind::Thread)),
                Err(_) => State::Closed,
            };
        }
    }

    /// Ends the thread, and waits for that.
    pub(super) fn close(&self) {
        let state = std::mem::replace(&mut *self.state.lock(), State::Closed);
        self.changed.notify_one();
        if let State::Running(thread, _live) = state {
            // It does not panic: what it calls contains the panics of wakers.
            drop(thread.join());
        }
    }

    /// The worker parks, by `park`.
    pub(super) fn while_parked<R>(&self, visits: &Visits, park: impl FnOnce() -> R) -> R {
        visits.begin_park();
        let result = park();
        visits.end_park();
        self.note_awake();
        result
    }

    /// A worker is not parked any more, or has begun.
    #[inline]
    pub(super) fn note_awake(&self) {
        // SeqCst: between the end of the park and the look at who rests. Pairs with that of `rest`: either it sees that
        // somebody is awake, or this sees that it rests.
        fence(Ordering::SeqCst);
        if self.rests.load(Ordering::Relaxed) {
            self.end_rest();
        }
    }

    #[cold]
    fn end_rest(&self) {
        if self.rests.swap(false, Ordering::Relaxed) {
            // Under the lock: whoever is about to rest looks before that, or hears of it.
            let _state = self.state.lock();
            self.changed.notify_one();
        }
    }

    /// What the thread does.
    pub(super) fn look_after(&self, workers: &[Worker]) {
        let mut seen: Vec<usize> = workers.iter().map(|worker| worker.visits.look()).collect();
        let mut quiet = 0;
        while self.wait() {
            let mut all_parked = true;
            for (worker, seen) in workers.iter().zip(&mut seen) {
                let visits = worker.visits.look();
                let is_parked = visits & IS_PARKED != 0;
                if !is_parked && visits == *seen {
                    worker.stand_in_for();
                }
                all_parked &= is_parked || !worker.has_begun();
                *seen = visits;
            }
            quiet = if all_parked { quiet + 1 } else { 0 };
            if quiet >= LOOKS_BEFORE_REST {
                self.rest(|| workers.iter().all(|worker| worker.visits.look() & IS_PARKED != 0 || !worker.has_begun()));
                quiet = 0;
            }
        }
    }

    /// Lets the interval pass. False at the end.
    fn wait(&self) -> bool {
        let state = self.state.lock();
        if matches!(*state, State::Closed) {
            return false;
        }
        let (state, _) = self.changed.wait_timeout(state, INTERVAL);
        !matches!(*state, State::Closed)
    }

    /// Waits until a worker is unparked, or for the end; not if one is awake.
    fn rest(&self, all_parked: impl FnOnce() -> bool) {
        let mut state = self.state.lock();
        self.rests.store(true, Ordering::Relaxed);
        // SeqCst: see `note_awake`.
        fence(Ordering::SeqCst);
        if !all_parked() {
            self.rests.store(false, Ordering::Relaxed);
            return;
        }
        while self.rests.load(Ordering::Relaxed) && !matches!(*state, State::Closed) {
            state = self.changed.wait(state);
        }
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
