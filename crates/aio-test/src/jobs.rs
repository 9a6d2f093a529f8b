//! Blocking functions as steps of the schedule.
//!
//! What a job (`to_thread`, `Pool::run`, and all that is built on them: files, lookups of names) does in its thread is
//! in no order with what tasks do meanwhile, so a test would not do the same twice. While [`Jobs`] are
//! [entered](Jobs::enter), a job that is awaited on this thread is a step like that of a task: the schedule says when
//! it has its turn, it runs in a thread of its pool from beginning to end while the loop stands still, and what it has
//! woken is ready when it is over.
//!
//! A job that waits in a blocking call of `aio` (`lock_blocking`, `recv_blocking`, `block_on`) ends its step there, and
//! has another one when it was woken. The clock goes on meanwhile; in `block_on` only after [some real
//! time](Jobs::patience), since what is waited for there may have clocks and threads of its own.
//!
//! A job that waits for a task by other means, such as a channel of `std`, would keep the loop for ever: after the same
//! real time both go on side by side, and [`overruns`](Jobs::overruns) tells of it. From there on the order is not
//! repeatable. The clock still stands still until the job is done.
//!
//! Jobs of one pool begin in an order that its threads could begin them in: with one thread, one after the other as
//! they came. A job that another job awaits is a part of that one's step.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use aio_base::footprint;
use aio_blocking::steps::{self, Step, Steps, Went};
use aio_core::{Builder, TaskRef, current_task, local};
use aio_timer::sleep;

/// How blocking functions are run in a test; see the [module](self). A clone is the same.
///
/// ```
/// use aio_blocking::to_thread;
/// use aio_core::{EventLoop, ThreadPark, VirtualTime};
/// use aio_test::jobs::Jobs;
///
/// let jobs = Jobs::new();
/// let entered = jobs.enter();
/// let sum = EventLoop::new(VirtualTime::new(ThreadPark::new())).run(to_thread(|| 1 + 2));
/// drop(entered);
/// assert_eq!(sum, 3);
/// assert!(jobs.overruns().is_empty());
/// ```
#[derive(Clone)]
pub struct Jobs(Rc<Inner>);

struct Inner {
    patience: Cell<Duration>,
    delay: RefCell<Option<Box<dyn FnMut() -> Duration>>>,
    overruns: RefCell<Vec<Overrun>>,
}

impl Jobs {
    /// Jobs that begin when they have their turn, and may take a second of real time.
    pub fn new() -> Self {
        let patience = Cell::new(Duration::from_secs(1));
        Self(Rc::new(Inner { patience, delay: RefCell::default(), overruns: RefCell::default() }))
    }

    /// How long the loop stands still for a job, in real time. One that takes longer goes on beside it.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        self.0.patience.set(patience);
        self
    }

    /// Slow jobs: each keeps its thread of the pool for so long before it runs, by the clock of the loop (which needs
    /// timers). Called on the thread of the loop, when a thread would be free for the job.
    #[must_use]
    pub fn delay(self, delay: impl FnMut() -> Duration + 'static) -> Self {
        self.0.delay.replace(Some(Box::new(delay)));
        self
    }

    /// Makes steps of the jobs that are awaited on this thread, until the guard is dropped.
    pub fn enter(&self) -> Entered {
        Entered { former: steps::replace(Some(self.0.clone())) }
    }

    /// The jobs that went on beside the loop: what a test did after the first of them cannot be repeated.
    pub fn overruns(&self) -> Vec<Overrun> {
        self.0.overruns.borrow().clone()
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("patience", &self.0.patience).field("overruns", &self.0.overruns).finish()
    }
}

/// Puts back how jobs were run before, when it is dropped. For nested ones, in the reverse order.
#[must_use = "jobs are steps as long as it exists"]
pub struct Entered {
    former: Option<Rc<dyn Steps>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        steps::replace(self.former.take());
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}

/// A job that was not done when the loop went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrun {
    made_at: &'static Location<'static>,
    patience: Duration,
}

impl Overrun {
    /// The line that made the job; in builds without debug assertions, that which spawned the task that awaits it.
    pub fn made_at(&self) -> &'static Location<'static> {
        self.made_at
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the blocking job of {} took longer than {:?}, or waits for a task: from there on the order is not \
             repeatable",
            self.made_at, self.patience
        )
    }
}

impl Steps for Inner {
    fn submit(self: Rc<Self>, step: Step) -> Option<TaskRef> {
        // Without a task there is no loop, or it has ended.
        let task = current_task()?;
        let made_at = step.made_at().unwrap_or_else(|| task.spawned_at());
        let helper = Helper { jobs: self, step: Some(step), made_at, is_cleanup: false };
        let task = Builder::new().name("to_thread").spawned_at(made_at).spawn_local(helper.run());
        let reference = task.task_ref();
        task.detach();
        Some(reference)
    }
}

/// What runs one job.
struct Helper {
    jobs: Rc<Inner>,
    /// Until it is done.
    step: Option<Step>,
    made_at: &'static Location<'static>,
    is_cleanup: bool,
}

impl Helper {
    async fn run(mut self) {
        if let Some(step) = &mut self.step {
            step.turn().await;
        }
        if let Some(delay) = self.jobs.draw_delay() {
            sleep(delay).await;
        }
        self.go_on().await;
    }

    async fn go_on(mut self) {
        while self.go() == Went::ToAWait {
            if let Some(step) = &mut self.step {
                step.woken().await;
            }
        }
        self.step = None;
    }

    fn go(&mut self) -> Went {
        // It runs in a thread, where nobody looks.
        footprint::touch_everything();
        let patience = self.jobs.patience.get();
        let went = self.step.as_mut().map_or(Went::ToTheEnd, |step| step.go(patience));
        if went == Went::OutOfPatience {
            self.jobs.overruns.borrow_mut().push(Overrun { made_at: self.made_at, patience });
        }
        went
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // The end of the loop cancels all tasks, but a cleanup may await the job. (If the job was cancelled, nothing is
        // left to be done.)
        if self.go() == Went::ToAWait && !self.is_cleanup && current_task().is_some() {
            // What it waits for may be done by the end of the loop.
            let step = self.step.take();
            let rest = Self { jobs: self.jobs.clone(), step, made_at: self.made_at, is_cleanup: true };
            drop(local::defer(rest, Self::go_on));
        }
    }
}

impl Inner {
    fn draw_delay(&self) -> Option<Duration> {
        // Taken out for the call: it is the test's, and may do anything.
        let mut draw = self.delay.take()?;
        let delay = draw();
        self.delay.replace(Some(draw));
        Some(delay).filter(|delay| !delay.is_zero())
    }
}
