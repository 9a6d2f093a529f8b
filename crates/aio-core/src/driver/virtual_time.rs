//! Time that passes only when nothing else can happen.

use std::fmt;
use std::task::Waker;
use std::time::Instant;

use aio_base::Deadline;

use super::Driver;
use crate::{all_tasks, clock};

/// A [`Driver`] that gives the loop a clock of its own, for tests: instead of waiting for a deadline it moves the clock
/// there. It belongs below the layer that knows the deadlines.
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
/// # Deadlocks
/// A loop that is idle without a deadline is at a deadlock: nothing will ever happen. All its tasks are reported on
/// stderr then and cancelled, so that [`run`](crate::EventLoop::run) panics; if cleanups are stuck as well, the process
/// is aborted. [`on_deadlock`](Self::on_deadlock) does something else.
///
/// # When not to use it
/// It knows nothing of what goes on outside of the loop. A program that waits for another thread (`to_thread`), a
/// socket or a process must not be run over it: the clock would run ahead, or a deadlock be found where there is none.
pub struct VirtualTime<D> {
    inner: D,
    now: Instant,
    on_deadlock: Box<dyn FnMut() + Send>,
    /// For each `enter` that was not left yet, the clock of the thread before.
    former: Vec<Option<Instant>>,
}

impl<D: Driver> VirtualTime<D> {
    /// A clock over `inner`. It begins at the current time.
    pub fn new(inner: D) -> Self {
        let mut was_reported = false;
        let on_deadlock = Box::new(move || report(&mut was_reported));
        Self { inner, now: crate::now(), on_deadlock, former: Vec::new() }
    }

    /// Calls `handler` at a deadlock, on the thread of the loop. It may look at the tasks ([`all_tasks`]) and has to
    /// get one of them going: cancel it, or wake what it waits for. If it does not, it is called again.
    #[must_use]
    pub fn on_deadlock(mut self, handler: impl FnMut() + Send + 'static) -> Self {
        self.on_deadlock = Box::new(handler);
        self
    }
}

/// Cancels all tasks; a second time their cleanups are stuck, and the loop cannot go on.
fn report(was_reported: &mut bool) {
    let tasks = all_tasks();
    eprintln!("aio: deadlock: no task can run and no timer is set; these tasks wait, and are cancelled:");
    for task in &tasks {
        eprintln!("  {task}");
    }
    assert!(!*was_reported, "the cleanups of the loop's tasks wait for ever");
    *was_reported = true;
    for task in &tasks {
        task.cancel();
    }
}

impl<D: Driver> Driver for VirtualTime<D> {
    fn enter(&mut self) {
        self.former.push(clock::set(Some(self.now)));
        self.inner.enter();
    }

    fn leave(&mut self) {
        self.inner.leave();
        if let Some(former) = self.former.pop() {
            clock::set(former);
        }
    }

    fn turn(&mut self) {
        self.inner.turn();
    }

    fn park(&mut self, deadline: Deadline) {
        let Some(at) = deadline.instant() else { return (self.on_deadlock)() };
        if at > self.now {
            self.now = at;
            clock::set(Some(at));
        }
    }

    fn unparker(&self) -> Waker {
        self.inner.unparker()
    }
}

impl<D: fmt::Debug> fmt::Debug for VirtualTime<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualTime").field("inner", &self.inner).field("now", &self.now).finish_non_exhaustive()
    }
}
