//! Between a job that is a [step](crate::steps) and the loop that waits for it: one of the two runs at a time.
//!
//! ```text
//!          ┌──1 wait──▶ WAITS
//!   RUNS ──┤◀──2 go───────┘
//!          └──3 end───▶ ENDED
//! ```
//! 1. [`Gate::wait`](host::Waiting::wait): the job waits to be woken, perhaps by a task. The loop goes on.
//! 2. [`Gate::go`]: the job was woken, and the test lets it go on.
//! 3. [`Gate::end`].
//!
//! If the test gives up on the job, or waits for it otherwise ([`Gate::open`]), the two run side by side from then on.

use std::mem;
use std::sync::Arc; // facade: loom knows no `Wake`
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aio_base::host::{self, WaitsFor};
use aio_base::sync::{Condvar, Mutex, MutexGuard};
use aio_core::{Outside, Paused};

use crate::entry::wake;

pub(crate) type GateRef = Arc<Gate>;

pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    phase: Phase,
    is_open: bool,
    /// Whether the job was woken since it last waited.
    is_woken: bool,
    /// Who lets the job go on when it was.
    helper: Option<Waker>,
    /// Held while the job runs: then the clock stands still. A job that waits may wait for a task that sleeps.
    outside: Option<Outside>,
    /// Of the same loop: who wakes the job may be on another thread.
    paused: Paused,
    /// For how long the clock stands still for a job that waits, too, if that may end by itself.
    patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Runs,
    Waits,
    Ended,
}

impl Gate {
    /// Of a job that is about to run, outside of this loop, which will have this patience with it.
    pub(crate) fn new(patience: Duration, outside: Outside) -> Arc<Self> {
        let state = State {
            phase: Phase::Runs,
            is_open: false,
            is_woken: false,
            helper: None,
            paused: outside.pausing(),
            outside: Some(outside),
            patience,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Lets the job go on, if it waits, and blocks until it waits (again) or has ended, or until `patience` is over.
    pub(crate) fn go(&self, patience: Duration) -> Phase {
        let mut state = self.state.lock();
        if state.phase == Phase::Waits {
            state.resume();
            self.changed.notify_all();
        }
        state.patience = patience;
        self.await_other_phase(state, Phase::Runs, patience).phase
    }

    fn await_other_phase<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        phase: Phase,
        patience: Duration,
    ) -> MutexGuard<'a, State> {
        let mut is_time_up = false;
        // (To wake for nothing begins the time anew, which is rare and harms nobody.)
        while state.phase == phase && !is_time_up {
            (state, is_time_up) = self.changed.wait_timeout(state, patience);
        }
        state
    }

    /// For how long the loop stands still.
    pub(crate) fn patience(&self) -> Duration {
        self.state.lock().patience
    }

    /// For a job that is a part of this one.
    pub(crate) fn outside(&self) -> Outside {
        self.state.lock().paused.resume()
    }

    /// Waits until the job may go on.
    pub(crate) fn poll_woken(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if state.is_woken || state.phase != Phase::Waits {
            return Poll::Ready(());
        }
        let former = state.helper.replace(waker);
        drop(state);
        drop(former);
        Poll::Pending
    }

    /// The job goes on from now on when it is woken, and nobody waits for it.
    pub(crate) fn open(&self) {
        let mut state = self.state.lock();
        state.is_open = true;
        if state.phase == Phase::Waits && state.is_woken {
            state.resume();
        }
        let helper = state.helper.take();
        drop(state);
        self.changed.notify_all();
        wake(helper);
    }

    /// The job has ended, and its awaiter was woken.
    pub(crate) fn end(&self) {
        // Gone before the loop goes on.
        let outside = self.state.lock().outside.take();
        drop(outside);
        self.state.lock().phase = Phase::Ended;
        self.changed.notify_all();
    }
}

impl State {
    fn resume(&mut self) {
        self.phase = Phase::Runs;
        self.is_woken = false;
        self.outside.get_or_insert_with(|| self.paused.resume());
    }
}

impl host::Waiting for Gate {
    fn waker(self: Arc<Self>) -> Waker {
        self.into()
    }

    fn wait(&self, what: WaitsFor) {
        let mut state = self.state.lock();
        if mem::take(&mut state.is_woken) {
            return;
        }
        state.phase = Phase::Waits;
        self.changed.notify_all();
        if what == WaitsFor::AFuture {
            // It may be the time of the world that it waits for, or that of the loop. The former goes first.
            let patience = state.patience;
            state = self.await_other_phase(state, Phase::Waits, patience);
        }
        if state.phase == Phase::Waits {
            // Under the lock: it is to be gone before the job is let go on.
            drop(state.outside.take());
        }
        while state.phase == Phase::Waits {
            state = self.changed.wait(state);
        }
    }
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.is_woken = true;
        let helper = state.helper.take();
        let goes_on = state.is_open && state.phase == Phase::Waits;
        if goes_on {
            state.resume();
        }
        drop(state);
        if goes_on {
            self.changed.notify_all();
        }
        wake(helper);
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
