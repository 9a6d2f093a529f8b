//! Waiting for the end of a task that one does not own.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering}; // facade: a counter that orders nothing
use std::task::{Context, Poll, Waker};

use super::CellRef;
use super::task_ref::{Inner, TaskRef};
use crate::scope::leave;

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
}

impl Future for Ended {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.task.is_finished() {
            return Poll::Ready(());
        }
        if self.key == 0 {
            self.key = next_key();
        }
        let waits = match &self.task.0 {
            Inner::Local(task) => watch_local(task, self.key, cx.waker()),
            Inner::Shared(task) => task.watch(self.key, cx.waker()),
        };
        if waits { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.key == 0 || self.task.is_finished() {
            return;
        }
        match &self.task.0 {
            Inner::Shared(task) => task.unwatch(self.key),
            Inner::Local(task) => {
                let (id, key) = (self.task.id(), self.key);
                task.on_its_loop(move |core, _| core.watchers.remove(id, key));
            }
        }
    }
}

/// On another thread the loop is told to look, and wakes `waker` if the task has ended meanwhile.
fn watch_local(task: &CellRef, key: u64, waker: &Waker) -> bool {
    let waker = waker.clone();
    task.on_its_loop(move |core, task| {
        if task.is_finished() {
            waker.wake();
        } else {
            task.watch(core, key, waker);
        }
    });
    // A loop that has ended left no task behind that has not.
    !task.is_finished()
}

/// Adds "until it has ended" to the cleanups of the current scope.
pub(super) fn leave_until(task: TaskRef) {
    leave(Box::pin(task.ended()));
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
