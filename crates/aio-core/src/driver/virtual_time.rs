//! Time that passes only when nothing else can happen.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::Waker;
use std::time::{Duration, Instant};

use aio_base::Deadline;

use super::deadlock::deadlock_report;
use super::outside::{self, Count};
use super::{Driver, Schedule};
use crate::{TaskId, TaskRef, all_tasks, clock, current};

/// A [`Driver`] that gives the loop a clock of its own, for tests: instead of waiting for a deadline it moves the clock
/// there. It belongs below the layer that knows the deadlines, and above the one that knows of sockets.
///
/// The clock stands still as long as a task can run, so a program over it is deterministic, and a sleep of hours takes
/// no time. It is told by [`now`](crate::now) on the thread of the loop.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, VirtualTime, now, yield_now};
///
/// EventLoop::new(VirtualTime::new(ThreadPark::new())).run(async {
///     let begin = now();
///     yield_now().await;
///     assert_eq!(now(), begin);
/// });
/// ```
///
/// With `aio_timer::Timers` above it, an hour is over as soon as nothing can run before.
///
/// # What goes on outside
/// While a blocking function runs (`to_thread`), or whatever else says that it is [`outside`](crate::outside()), the
/// clock stands still and the loop waits for it. A task that waits for a socket is given [some real
/// time](Self::patience) before the clock moves on: a server that waits for connections need not get one.
///
/// # Deadlocks
/// A loop that is idle without a deadline, and with nothing outside, is at a deadlock: nothing will ever happen. All
/// its tasks are [reported](deadlock_report) on stderr then and cancelled, so that [`run`](crate::EventLoop::run)
/// panics; if cleanups are stuck as well, they are [given up](crate::TaskRef::give_up).
/// [`on_deadlock`](Self::on_deadlock) does something else. The report says who waits for what, and who has it, while
/// that is [tracked](aio_base::waits::track).
///
/// # When not to use it
/// A program that waits for another thread that does not say so must not be run over it: the clock would run ahead, or
/// a deadlock be found where there is none.
pub struct VirtualTime<D> {
    inner: D,
    now: Instant,
    outside: Arc<Count>,
    patience: Duration,
    on_deadlock: Box<dyn FnMut() + Send>,
    /// For each `enter` that was not left yet, what was there before.
    former: Vec<(Option<Instant>, Option<Arc<Count>>)>,
}

impl<D: Driver> VirtualTime<D> {
    /// A clock over `inner`. It begins at the current time.
    pub fn new(inner: D) -> Self {
        let mut told = HashSet::new();
        Self {
            now: crate::now(),
            outside: Count::new(inner.unparker()),
            patience: Duration::from_millis(20),
            on_deadlock: Box::new(move || report(&mut told)),
            former: Vec::new(),
            inner,
        }
    }

    /// Calls `handler` at a deadlock, on the thread of the loop. It may look at the tasks ([`all_tasks`]) and has to
    /// get one of them going: cancel it, or wake what it waits for. If it does not, it is called again.
    #[must_use]
    pub fn on_deadlock(mut self, handler: impl FnMut() + Send + 'static) -> Self {
        self.on_deadlock = Box::new(handler);
        self
    }

    /// For how long to wait, in real time, for sockets and the like before the clock moves on. The default is 20 ms.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The time of this clock.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Moves the clock on, if `to` lies ahead: as if what runs here took so long. What is due then is delivered when
    /// the layers above next look.
    pub fn advance_to(&mut self, to: Instant) {
        if to > self.now {
            self.now = to;
            // Before a loop is entered, the clock of the thread is another one.
            if !self.former.is_empty() {
                clock::set(Some(to));
            }
        }
    }

    /// Waits for what may come from outside, in real time; whether anything did, or may have.
    fn await_outside(&mut self, is_last_hope: bool) -> bool {
        if !self.outside.is_zero() || (is_last_hope && self.inner.waits_for_events()) {
            self.inner.park(Deadline::NEVER);
            return true;
        }
        if !self.inner.waits_for_events() {
            return false;
        }
        let n_arrived = || current::with_loop(|core| core.n_arrived()).unwrap_or_default();
        let (begin, before) = (clock::of_the_system(), n_arrived());
        self.inner.park(Deadline::after(self.now, self.patience));
        // On a machine under load, what came in time may be seen late.
        n_arrived() != before || clock::of_the_system() - begin < self.patience
    }
}

/// Cancels all tasks. If there are only such as were `told` to end before, their cleanups are stuck.
fn report(told: &mut HashSet<TaskId>) {
    let tasks = all_tasks();
    let are_stuck = tasks.iter().all(|task| told.contains(&task.id()));
    let fate = if are_stuck { "given up" } else { "cancelled" };
    let number = |task: &TaskRef| tasks.iter().position(|other| other.id() == task.id()).map_or(0, |place| place + 1);
    eprint!("aio: {}", deadlock_report(&tasks, &number, &|_| None));
    eprintln!("aio: these tasks are {fate}");
    for task in &tasks {
        if are_stuck {
            task.give_up();
        } else {
            task.cancel();
        }
    }
    *told = tasks.iter().map(TaskRef::id).collect();
}

impl<D: Driver> Driver for VirtualTime<D> {
    fn enter(&mut self) {
        self.former.push((clock::set(Some(self.now)), outside::replace(Some(self.outside.clone()))));
        self.inner.enter();
    }

    fn leave(&mut self) {
        self.inner.leave();
        if let Some((clock, outside)) = self.former.pop() {
            clock::set(clock);
            outside::replace(outside);
        }
    }

    fn turn(&mut self) {
        self.inner.turn();
    }

    fn park(&mut self, deadline: Deadline) {
        let at = deadline.instant();
        if at.is_some_and(|at| at <= self.now) {
            // What is due needs no time to pass, and so it waits for nobody.
            return self.inner.park(deadline);
        }
        if self.await_outside(at.is_none()) {
            return;
        }
        match at {
            Some(at) => self.advance_to(at),
            None => (self.on_deadlock)(),
        }
    }

    fn unparker(&self) -> Waker {
        self.inner.unparker()
    }

    fn waits_for_events(&self) -> bool {
        self.inner.waits_for_events()
    }

    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        self.inner.schedule()
    }
}

impl<D: fmt::Debug> fmt::Debug for VirtualTime<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualTime").field("inner", &self.inner).field("now", &self.now).finish_non_exhaustive()
    }
}
