//! What the caller has of a child.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Shared;
use aio_core::{JoinError, Reason, Task, TaskRef};

use super::GroupHome;
use super::progress::Progress;
use super::slot::Slot;

/// A child of a [`TaskGroup`](crate::TaskGroup): a future of its output. The group owns the child; dropping this does
/// nothing.
///
/// A child that failed or was cancelled has no output. While the group aborts, awaiting such a child waits: the body
/// and the siblings, who might await it, are being cancelled anyway. [`join`](Self::join) tells at once; so a cleanup,
/// which the group waits for, joins: awaiting such a child there would wait for ever. In a group that does not abort
/// when a child fails (see [`supervised`](crate::generic::TaskGroup::supervised)), join children that may fail.
///
/// # Cancel safety
/// Dropping it loses the output and nothing else. Awaiting it by reference can be repeated.
///
/// # Panics
/// Awaiting it panics if the child has no output and the group does not abort: it has finished, or the child alone was
/// cancelled. And if its output was taken already.
#[must_use = "to let the child go on without looking at its output, `detach` it"]
pub struct Child<T, H: GroupHome = Shared> {
    kind: ChildKind<T, H>,
    progress: H::Ref<Progress<H>>,
}

enum ChildKind<T, H: GroupHome> {
    Task(Task<T, H>),
    InPlace(H::Ref<Slot<T, H>>),
    /// It failed, or it was cancelled, perhaps before it began.
    Bereft {
        failed: bool,
    },
}

impl<T, H: GroupHome> Child<T, H> {
    pub(crate) fn task(progress: H::Ref<Progress<H>>, task: Task<T, H>) -> Self {
        Self { kind: ChildKind::Task(task), progress }
    }

    pub(crate) fn in_place(progress: H::Ref<Progress<H>>, slot: H::Ref<Slot<T, H>>) -> Self {
        Self { kind: ChildKind::InPlace(slot), progress }
    }

    /// One whose handle is dropped at once.
    pub(crate) fn unwatched(progress: H::Ref<Progress<H>>) -> Self {
        Self::refused(progress)
    }

    pub(crate) fn refused(progress: H::Ref<Progress<H>>) -> Self {
        Self { kind: ChildKind::Bereft { failed: false }, progress }
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        match &self.kind {
            ChildKind::Task(task) => task.is_finished(),
            ChildKind::InPlace(slot) => slot.is_filled(),
            ChildKind::Bereft { .. } => true,
        }
    }

    /// Lets the child go on without looking at its output; so does dropping this.
    pub fn detach(self) {}

    /// A reference to the child's task: to see what it is, or to cancel it alone. None, if the child is in place, did
    /// not begin, or has failed.
    pub fn task_ref(&self) -> Option<TaskRef> {
        match &self.kind {
            ChildKind::Task(task) => Some(task.task_ref()),
            _ => None,
        }
    }

    /// Waits for the end of the child, whatever it is.
    ///
    /// # Errors
    /// [`JoinError`]: the child was cancelled, or it failed and the group has the error or the panic.
    ///
    /// # Cancel safety
    /// Dropping the future loses the output, and leaves the child alone.
    pub async fn join(mut self) -> Result<T, JoinError> {
        std::future::poll_fn(|cx| self.poll_join(cx)).await
    }

    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        match &mut self.kind {
            ChildKind::Task(task) => task.poll_join(cx),
            ChildKind::InPlace(slot) => slot.poll(cx),
            ChildKind::Bereft { failed: true } => Poll::Ready(Err(JoinError::handled())),
            ChildKind::Bereft { failed: false } => Poll::Ready(Err(JoinError::cancelled_by(Reason::Aborted))),
        }
    }

    /// There is no output; whoever awaits it is told, unless the group aborts.
    fn poll_bereft(&mut self, error: JoinError, cx: &mut Context<'_>) -> Poll<T> {
        match error.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) if self.progress.await_end(cx.waker()) => {
                self.let_go(ChildKind::Bereft { failed: !error.is_cancelled() });
                Poll::Pending
            }
            Err(error) => panic!("a child was awaited that {error}; `join` gives this as a value"),
        }
    }

    /// Cancels the child, if it has a task.
    pub(super) fn cancel_task(&self) {
        if let ChildKind::Task(task) = &self.kind {
            task.cancel();
        }
    }

    /// Leaves the child to the group.
    fn let_go(&mut self, kind: ChildKind<T, H>) {
        if let ChildKind::Task(task) = std::mem::replace(&mut self.kind, kind) {
            task.detach();
        }
    }
}

impl<T, H: GroupHome> Future for Child<T, H> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_join(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(error) => self.poll_bereft(error, cx),
        }
    }
}

impl<T, H: GroupHome> Unpin for Child<T, H> {}

impl<T, H: GroupHome> Drop for Child<T, H> {
    fn drop(&mut self) {
        self.let_go(ChildKind::Bereft { failed: false });
    }
}

impl<T, H: GroupHome> fmt::Debug for Child<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("finished", &self.is_finished()).finish()
    }
}
