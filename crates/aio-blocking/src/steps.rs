//! For authors of test runtimes: when a job runs is a choice of the test.
//!
//! A blocking function runs in a thread, beside the loop. What both do meanwhile is in no order, and so a test that
//! uses [`to_thread`](crate::to_thread()) would not do the same twice. Where somebody [takes the steps](replace), a job
//! that is awaited on that thread is held back: it becomes a [`Step`], which a task of the loop [makes](Step::go) when
//! it has its turn. The job still runs in a thread of its pool, but the loop stands still meanwhile. So it is one more
//! step between those of tasks.
//!
//! A job that is awaited in the job of a step, outside of any loop, is a part of that step. Elsewhere nothing changes.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc; // facade: loom's cannot hold a trait object
use std::task::Poll;
use std::time::Duration;

use aio_base::host;
use aio_core::{Outside, TaskRef};

use crate::entry::{End, Job};
use crate::gate::{Gate, Phase};
use crate::pool::{Refused, Shared};

aio_base::thread_local! {
    static CURRENT: RefCell<Option<Rc<dyn Steps>>> = RefCell::new(None);
    /// Whether there are any: this costs next to nothing to look at.
    static IS_TAKEN: Cell<bool> = Cell::new(false);
}

/// What a job that nobody waits for may take where patience matters.
const UNWATCHED: Duration = Duration::from_millis(200);

/// Decides when the jobs run that are awaited on a thread.
pub trait Steps {
    /// A job was awaited on this thread. The answer is the task that will make the step; it is cancelled if the job is
    /// before it has begun. None, if the step was dropped, so that it is none.
    fn submit(self: Rc<Self>, step: Step) -> Option<TaskRef>;
}

/// Gives `steps` the jobs that are awaited on this thread from now on; returns who had them before.
pub fn replace(steps: Option<Rc<dyn Steps>>) -> Option<Rc<dyn Steps>> {
    IS_TAKEN.with(|is_taken| is_taken.set(steps.is_some()));
    CURRENT.with(|current| current.replace(steps))
}

#[inline]
pub(crate) fn current() -> Option<Rc<dyn Steps>> {
    if IS_TAKEN.with(Cell::get) { taken() } else { None }
}

#[cold]
fn taken() -> Option<Rc<dyn Steps>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// A job that waits until it is to run.
///
/// If it is dropped before it has begun, the job goes to its pool like any other; if the job waits, it goes on by
/// itself when it is woken.
#[must_use = "dropped, it is none, and the job runs whenever it likes"]
pub struct Step {
    pool: Shared,
    job: Job,
    /// Once it has begun.
    gate: Option<Arc<Gate>>,
    /// Until then, if it is a part of another step: of the loop of that one.
    outside: Option<Outside>,
    origin: Origin,
}

/// How far a step [went](Step::go).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Went {
    /// The job has ended, and whoever awaits it was woken. Or nothing was left to be done: it was cancelled, or its
    /// pool was shut down.
    ToTheEnd,
    /// The job waits, in a blocking call of `aio`, until it is [woken](Step::woken).
    ToAWait,
    /// The job runs on.
    OutOfPatience,
}

impl Step {
    pub(crate) fn new(pool: Shared, job: Job, origin: Origin) -> Result<Self, Refused> {
        pool.hold(job.clone())?;
        Ok(Self { pool, job, gate: None, outside: None, origin })
    }

    /// The line that made the job; known in builds with debug assertions.
    pub fn made_at(&self) -> Option<&'static Location<'static>> {
        self.origin.location()
    }

    /// Waits until a thread of the pool would be free for the job, if all were begun in the order in which they came;
    /// or until there is nothing to be done.
    pub async fn turn(&mut self) {
        poll_fn(|cx| {
            let mut waker = Some(cx.waker().clone());
            // A former waker is dropped here, without the lock.
            self.pool.with_held(|held| held.poll_turn(&self.job, &mut waker))
        })
        .await;
    }

    /// Lets the job begin, or go on, and blocks the thread, for `patience` at most.
    pub fn go(&mut self, patience: Duration) -> Went {
        if self.gate.is_none() {
            self.gate = self.begin(patience);
        }
        match self.gate.as_ref().map_or(Phase::Ended, |gate| gate.go(patience)) {
            Phase::Ended => Went::ToTheEnd,
            Phase::Waits => Went::ToAWait,
            Phase::Runs => Went::OutOfPatience,
        }
    }

    /// Waits until a job that [waits](Went::ToAWait) may go on.
    pub async fn woken(&mut self) {
        poll_fn(|cx| self.gate.as_ref().map_or(Poll::Ready(()), |gate| gate.poll_woken(cx))).await;
    }

    /// Gives the job to its pool. None, if there is nothing to be done.
    fn begin(&mut self, patience: Duration) -> Option<Arc<Gate>> {
        let gate = Gate::new(patience, self.outside.take().unwrap_or_else(aio_core::outside));
        let end = StepEnd { pool: self.pool.clone(), job: Some(self.job.clone()), gate: gate.clone() };
        self.pool.release(&self.job, gate.clone(), End::of_step(end)).then_some(gate)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take().or_else(|| self.begin(UNWATCHED)) {
            gate.open();
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_begun = self.gate.is_some();
        f.debug_struct("Step").field("made_at", &self.made_at()).field("has_begun", &has_begun).finish()
    }
}

/// A job that was cancelled is not held any more, and no task is to make a step of it.
#[cold]
pub(crate) fn withdraw(pool: &Shared, job: Job, task: Option<&TaskRef>) {
    pool.with_held(|held| held.withdraw(&job)).finish();
    if let Some(task) = task {
        task.cancel();
    }
}

/// Ends a step when it is dropped, with the job.
pub(crate) struct StepEnd {
    pool: Shared,
    job: Option<Job>,
    gate: Arc<Gate>,
}

impl StepEnd {
    /// Does `f`, whose waiting is the loop's affair, and whose own jobs are part of it.
    pub(crate) fn during<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore(Option<Rc<dyn Steps>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                replace(self.0.take());
            }
        }
        let _restore = Restore(replace(Some(Rc::new(Inner(self.gate.clone())))));
        host::wait_through(self.gate.clone(), f)
    }
}

/// Jobs that a step awaits.
struct Inner(Arc<Gate>);

impl Steps for Inner {
    fn submit(self: Rc<Self>, mut step: Step) -> Option<TaskRef> {
        // A loop in a job is nobody's affair.
        if aio_core::current_task().is_none() {
            step.outside = Some(self.0.outside());
            step.go(self.0.patience());
        }
        None
    }
}

impl Drop for StepEnd {
    fn drop(&mut self) {
        let job = mem::take(&mut self.job);
        if let Some(job) = &job {
            self.pool.with_held(|held| held.end(job)).finish();
        }
        // With what it may have in it: the loop is to find nothing of it.
        drop(job);
        self.gate.end();
    }
}

/// Where a job was made, in builds with debug assertions.
#[derive(Clone, Copy)]
pub(crate) struct Origin(#[cfg(debug_assertions)] &'static Location<'static>);

impl Origin {
    #[inline]
    #[track_caller]
    pub(crate) fn caller() -> Self {
        Self(
            #[cfg(debug_assertions)]
            Location::caller(),
        )
    }

    fn location(self) -> Option<&'static Location<'static>> {
        #[cfg(debug_assertions)]
        return Some(self.0);
        #[cfg(not(debug_assertions))]
        None
    }
}
