//! References to tasks that do not own them.

use std::fmt;
use std::panic::Location;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be

use super::{AnyRecord, CellRef, Ended, Meta, TaskId};
use crate::context::ContextSlot;
use crate::current;
use crate::event_loop::Core;
use crate::reason::Reason;

/// A reference to a task, for any thread: to see what it is, to cancel it, to wait for its end. It does not keep the
/// task going, and dropping it does nothing.
#[derive(Clone)]
pub struct TaskRef(pub(super) Inner);

#[derive(Clone)]
pub(super) enum Inner {
    Local(CellRef),
    Shared(Arc<dyn AnyRecord>),
}

/// The task that is running: what it has in either home.
pub(crate) trait Identity {
    fn meta(&self) -> &Meta;
    fn context(&self) -> &ContextSlot;
    fn task_ref(&self) -> TaskRef;
}

impl TaskRef {
    pub(crate) fn local(task: CellRef) -> Self {
        Self(Inner::Local(task))
    }

    pub(crate) fn shared(task: Arc<dyn AnyRecord>) -> Self {
        Self(Inner::Shared(task))
    }

    fn meta(&self) -> &Meta {
        match &self.0 {
            Inner::Local(task) => task.meta(),
            Inner::Shared(task) => task.meta(),
        }
    }

    /// Its number: no other task of this process has it.
    pub fn id(&self) -> TaskId {
        self.meta().id
    }

    /// The name that it was given, see [`Builder::name`](super::Builder::name).
    pub fn name(&self) -> Option<&str> {
        self.meta().name()
    }

    /// The line that spawned it.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.meta().spawned_at
    }

    /// Tells the task to stop; see [`Task::cancel`](super::Task::cancel). A cleanup that runs as a task of its own
    /// ([`local::defer`](crate::local::defer)) goes on: cleanups are not cancelled.
    pub fn cancel(&self) {
        self.cancel_with(Reason::Requested);
    }

    /// [`cancel`](Self::cancel), and says why. The reason of the first who cancels it counts.
    pub fn cancel_with(&self, reason: impl Into<Reason>) {
        match &self.0 {
            Inner::Local(task) => task.cancel(reason.into()),
            Inner::Shared(task) => task.cancel(reason.into()),
        }
    }

    /// Has it end at its next turn: its cleanups are dropped as its future is, and reported. On the thread of its loop.
    pub(crate) fn give_up(&self, core: &Core) {
        match &self.0 {
            Inner::Local(task) => task.give_up(core),
            Inner::Shared(task) => task.give_up(),
        }
    }

    /// Whether it has ended, with its cleanups.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Inner::Local(task) => task.is_finished(),
            Inner::Shared(task) => task.is_finished(),
        }
    }

    /// Waits until it has ended, with its cleanups, however that may be.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the task alone.
    pub fn ended(&self) -> Ended {
        Ended::new(self.clone())
    }
}

impl fmt::Display for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.meta(), f)
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRef").field("meta", self.meta()).field("finished", &self.is_finished()).finish()
    }
}

/// The running task, if this is called by one.
pub fn current_task() -> Option<TaskRef> {
    current::with_task(|task| task.map(Identity::task_ref))
}

/// The tasks of this thread's loop that have not ended, in the order of their spawns; none where there is no loop. The
/// main future of the loop is one of them.
pub fn all_tasks() -> Vec<TaskRef> {
    current::with_loop(crate::event_loop::Core::all_tasks).unwrap_or_default()
}
