//! Failures nobody waits for.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc; // facade: shared data without a protocol

use aio_base::footprint::touch;

use crate::current;
use crate::event_loop::Worker;
use crate::task::{Header, Meta, TaskId};

/// A failure that nobody waits for, as the handler of a loop is told of it when it happens; see
/// [`EventLoop::on_failure`](crate::EventLoop::on_failure).
///
/// `Display` gives the line that is printed on stderr where there is no handler.
pub struct Failure<'a> {
    task: Option<&'a Meta>,
    kind: FailureKind<'a>,
}

/// What went wrong.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub enum FailureKind<'a> {
    /// A panic whose payload goes to nobody.
    Panic {
        /// What has panicked, as the end of a sentence that begins with the task.
        during: &'a str,
        /// The payload.
        payload: &'a (dyn Any + Send),
    },
    /// An `Err` that nobody waits for, of a task that was [detached](crate::Task::try_detach).
    Error(&'a dyn fmt::Display),
    /// What had not ended when a grace period was over, and was dropped; a line for each.
    Overran(&'a [String]),
}

/// Who is told of failures.
pub(crate) type Handler = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

impl<'a> Failure<'a> {
    pub(crate) fn new(task: Option<&'a Meta>, kind: FailureKind<'a>) -> Self {
        Self { task, kind }
    }

    /// The task that failed; `None` if it was none.
    pub fn task_id(&self) -> Option<TaskId> {
        self.task.map(|task| task.id)
    }

    /// The name of the task that failed, if it has one.
    pub fn task_name(&self) -> Option<&str> {
        self.task?.name()
    }

    /// The line that spawned the task that failed.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.task.map(Meta::spawned_at)
    }

    /// What went wrong.
    pub fn kind(&self) -> FailureKind<'a> {
        self.kind
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            Some(task) => write!(f, "{task} ")?,
            None => f.write_str("the event loop ")?,
        }
        match self.kind {
            FailureKind::Panic { during, payload } => write!(f, "{during}: {}", message(payload)),
            FailureKind::Error(error) => write!(f, "failed, and nobody was waiting for it: {error}"),
            FailureKind::Overran(what) => {
                f.write_str("did not end in time, and was given up")?;
                f.write_str(if what.is_empty() { "" } else { ":" })?;
                what.iter().try_for_each(|what| write!(f, "\n  {what}"))
            }
        }
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({self})")
    }
}

impl fmt::Debug for FailureKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic { during, payload } => {
                f.debug_struct("Panic").field("during", during).field("message", &message(*payload)).finish()
            }
            Self::Error(error) => write!(f, "Error({error})"),
            Self::Overran(what) => f.debug_tuple("Overran").field(what).finish(),
        }
    }
}

/// Tells the handler of the loop of this thread of what went wrong in the running task; where there is none, stderr.
/// For crates above this one: what they report must be lost otherwise.
pub fn report_failure(kind: FailureKind<'_>) {
    current::with_task(|task| {
        let failure = Failure::new(task.map(Header::meta), kind);
        let told = current::with_loop(|core| report(core.worker(), &failure));
        told.unwrap_or_else(|| report_to(None, &failure));
    });
}

/// Tells the handler of the loop; where there is none, stderr.
#[cold]
pub(crate) fn report(owner: &Worker, failure: &Failure<'_>) {
    touch(owner.scheduler());
    report_to(owner.scheduler().on_failure(), failure);
}

fn report_to(handler: Option<&Handler>, failure: &Failure<'_>) {
    match handler.map(|handler| catch_unwind(AssertUnwindSafe(|| handler(failure)))) {
        Some(Ok(())) => {}
        None => print(failure),
        Some(Err(payload)) => {
            print(failure);
            print(&format_args!("the failure handler panicked: {}", message(&*payload)));
            // Its destructor may panic as well.
            std::mem::forget(payload);
        }
    }
}

fn print(line: &dyn fmt::Display) {
    // `eprintln` panics where nobody reads stderr any more.
    let _ = catch_unwind(AssertUnwindSafe(|| eprintln!("aio: {line}")));
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "(a panic without a message)"
    }
}

/// Runs `f`, foreign code whose panic has nowhere to go, and reports the panic if there is one.
pub(crate) fn contain(owner: &Worker, task: &Meta, during: &str, f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        report(owner, &Failure::new(Some(task), FailureKind::Panic { during, payload: &*payload }));
        // A payload's destructor may panic as well.
        std::mem::forget(payload);
    }
}
