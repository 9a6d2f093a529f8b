//! References to tasks that do not own them.

use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;

use aio_base::footprint::touch_everything;
use aio_base::host::TaskLabel;

use super::cell::{Header, acquire, release};
use super::watchers::Watcher;
use super::{Ended, TaskId};
use crate::current;
use crate::reason::Reason;

/// A reference to a task, for any thread: to see what it is, to cancel it, to wait for its end. It does not keep the
/// task going, and dropping it does nothing.
pub struct TaskRef(NonNull<Header>);

// SAFETY: what a reference can reach is meant for all threads: the counts, the atomic state, what never changes. What
// needs the thread of the task is done there.
unsafe impl Send for TaskRef {}
// SAFETY: the same.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// One reference more.
    ///
    /// # Safety
    /// The caller keeps the cell alive meanwhile. The pointer came with the cell: one made from a reference to the
    /// header would lead no further than that.
    #[inline]
    pub(crate) unsafe fn new(header: NonNull<Header>) -> Self {
        // SAFETY: by the caller.
        acquire(unsafe { header.as_ref() });
        Self(header)
    }

    /// Takes over a count.
    ///
    /// # Safety
    /// The caller has a count, and gives it away.
    pub(super) unsafe fn from_raw(header: NonNull<Header>) -> Self {
        Self(header)
    }

    pub(crate) fn raw(&self) -> NonNull<Header> {
        self.0
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: this has a count.
        unsafe { self.0.as_ref() }
    }

    /// By what [footprints](aio_base::footprint) know it, as long as it exists.
    #[doc(hidden)]
    pub fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// Its number: no other task of this process has it.
    pub fn id(&self) -> TaskId {
        self.header().meta().id
    }

    /// The name that it was given, see [`Builder::name`](super::Builder::name).
    pub fn name(&self) -> Option<&str> {
        self.header().meta().name()
    }

    /// The line that spawned it.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.header().meta().spawned_at()
    }

    /// What it is called and where it comes from, for [`aio_base::waits`].
    pub fn label(&self) -> TaskLabel {
        self.header().meta().label()
    }

    /// Tells the task to stop; see [`Task::cancel`](super::Task::cancel). A cleanup that runs as a task of its own
    /// ([`local::defer`](crate::local::defer)) goes on: cleanups are not cancelled.
    pub fn cancel(&self) {
        self.cancel_with(Reason::Requested);
    }

    /// [`cancel`](Self::cancel), and says why. The reason of the first who cancels it counts.
    pub fn cancel_with(&self, reason: impl Into<Reason>) {
        if self.header().is_local() {
            self.cancel_local(reason.into());
        } else {
            self.cancel_shared(reason.into());
        }
    }

    /// Gives it a turn, though nothing has happened that it waits for. A future must expect that; a test may see
    /// whether it does. Nothing happens if it has a turn to come, or has ended.
    pub fn wake(&self) {
        if self.header().is_local() {
            self.wake_local();
        } else {
            self.wake_shared();
        }
    }

    /// Has it end at its next turn: its cleanups are dropped as its future is, and
    /// [reported](crate::EventLoop::on_failure). For whoever bounds how long it waits for them; a loop does so to what
    /// has not ended within its [grace period](crate::EventLoop::shutdown_grace).
    pub fn give_up(&self) {
        if self.header().is_local() {
            self.give_up_local();
        } else {
            self.give_up_shared();
        }
    }

    /// Whether it has ended, with its cleanups.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.header().is_finished()
    }

    /// Whether it was cancelled: it has ended since, or has yet to.
    pub fn is_cancelled(&self) -> bool {
        self.header().is_cancelled()
    }

    /// Waits until it has ended, with its cleanups, however that may be.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the task alone.
    pub fn ended(&self) -> Ended {
        Ended::new(self.clone())
    }

    /// Wakes the watcher when the task ends; whether it will.
    pub(super) fn watch(&self, watcher: Watcher) -> bool {
        if self.header().is_local() { self.watch_local(watcher) } else { self.watch_shared(watcher) }
    }

    pub(super) fn unwatch(&self, key: u64) {
        if self.header().is_local() {
            self.unwatch_local(key);
        } else {
            self.unwatch_shared(key);
        }
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: this has a count.
        unsafe { Self::new(self.0) }
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this has a count, and gives it up.
        unsafe { release(self.0) };
    }
}

impl fmt::Display for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.header().meta(), f)
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finished = self.is_finished();
        f.debug_struct("TaskRef").field("meta", self.header().meta()).field("finished", &finished).finish()
    }
}

/// The running task, if this is called by one.
pub fn current_task() -> Option<TaskRef> {
    // SAFETY: the task that runs is alive.
    current::task().map(|task| unsafe { TaskRef::new(task) })
}

/// The tasks of this thread's loop that have not ended, in the order of their spawns; none where there is no loop. The
/// main future of the loop is one of them. Of a loop with several workers these are the tasks that may cross threads,
/// and those that stay on this one; what different workers have spawned is not ordered.
pub fn all_tasks() -> Vec<TaskRef> {
    touch_everything();
    current::with_loop(crate::event_loop::Core::all_tasks).unwrap_or_default()
}
