//! Waiting for the end of a task that one does not own.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc; // facade: shared data without a protocol
use std::sync::atomic::{AtomicU64, Ordering}; // facade: a counter that orders nothing
use std::task::{Context, Poll};

use aio_base::waits::{self, Note, Place};

use super::task_ref::TaskRef;
use super::watchers::Watcher;
use crate::current;
use crate::scope::{Origin, leave};

/// The future of [`TaskRef::ended`].
#[must_use = "futures do nothing unless awaited"]
pub struct Ended {
    task: TaskRef,
    /// Under which the task knows this future; zero before the first poll.
    key: u64,
}

impl Ended {
    pub(super) fn new(task: TaskRef) -> Self {
        Self { task, key: 0 }
    }

    fn unwatch(&self, key: u64) {
        waits::end_at(Place::number(key));
        if key == 0 || self.task.is_finished() {
            return;
        }
        self.task.unwatch(key);
    }
}

impl Future for Ended {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.task.is_finished() {
            waits::end_at(Place::number(self.key));
            return Poll::Ready(());
        }
        // A key for each poll: what an earlier poll on another thread asked for may still be on its way to the loop,
        // and must not take the place of this one.
        let former = std::mem::replace(&mut self.key, next_key());
        let waits = self.task.watch(Watcher::new(self.key, cx.waker().clone()));
        self.unwatch(former);
        if !waits {
            return Poll::Ready(());
        }
        waits::begin_at(Place::number(self.key), || Note::end_of([self.task.label()]));
        Poll::Pending
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.unwatch(self.key);
    }
}

/// Adds "until it has ended" to the cleanups of the current scope, if there is one. A task that drops its own handle
/// does not wait for itself.
pub(super) fn leave_until(task: TaskRef) {
    if !is_own(&task) && has_scope() {
        leave(Box::pin(task.ended()), Origin::Task(task));
    }
}

/// Adds "until all of these have ended" to the cleanups of the current scope, if there is one. For groups of tasks that
/// are dropped; a task among them that is the running one does not wait for itself.
pub fn outlast(tasks: impl IntoIterator<Item = TaskRef>) {
    if !has_scope() {
        return;
    }
    let tasks: Arc<[TaskRef]> = tasks.into_iter().filter(|task| !task.is_finished() && !is_own(task)).collect();
    if !tasks.is_empty() {
        let origin = Origin::Tasks(tasks.clone());
        let all_ended = async move {
            for task in &*tasks {
                task.ended().await;
            }
        };
        leave(Box::pin(all_ended), origin);
    }
}

fn is_own(task: &TaskRef) -> bool {
    current::with_task(|running| running.is_some_and(|running| running.meta().id == task.id()))
}

fn has_scope() -> bool {
    current::with_scope(|scope| scope.is_some())
}

fn next_key() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: only the number matters.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").field("task", &self.task).finish()
    }
}
