//! Work that goes on by itself.

mod builder;
mod cell;
mod ended;
mod error;
mod home;
mod meta;
mod origin;
mod ready;
mod reasons;
mod step;
mod task_ref;
mod watchers;
mod yield_now;

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Shared;
use aio_base::waits::{self, Note, Place};

use crate::failure::FailureKind;
use crate::reason::{Reason, cancel_reason};

pub use builder::{Builder, local_spawn, spawn};
pub(crate) use builder::{spawn_cleanup, spawn_main, spawn_on};
pub(crate) use cell::shared::acquire_running;
pub(crate) use cell::{Header, in_block, run as run_cell};
pub use ended::{Ended, outlast};
pub use error::JoinError;
pub(crate) use home::{Handle, Outcome, ToHandle};
pub use home::{OnExit, TaskHome};
pub use meta::TaskId;
pub(crate) use meta::{IdBlock, Meta};
pub use ready::{Ready, ready};
pub(crate) use reasons::Reasons;
pub(crate) use step::step;
pub use task_ref::{TaskRef, all_tasks, current_task};
pub(crate) use watchers::Watchers;
pub use yield_now::{YieldNow, yield_now};

/// A task: work that goes on by itself, in turns with the other tasks of its loop.
///
/// It is made by [`spawn`] or [`local::spawn`](crate::local::spawn) and belongs to whoever has this value:
///
/// - **Awaiting** it gives its output. A panic in the task goes on in the awaiter. [`join`](Self::join) gives either as
///   a value.
/// - **Dropping** it cancels it. The scope in which it is dropped does not end before the task has.
/// - [`detach`](Self::detach) lets it go on without an owner, until the loop ends.
///
/// Awaiting by reference (`(&mut task).await`) never cancels.
///
/// Tasks that own each other in a circle (each has the other's `Task` in its future) wait for each other's ends when
/// they are cancelled, and never end. Own downwards; for the way back there is [`TaskRef`].
///
/// # Cancel safety
/// Dropping a borrowed `&mut Task` future loses nothing.
///
/// # Panics
/// Awaiting a task panics if the task panicked, with its payload; if the task was cancelled, with a message that names
/// it; and if its output was taken already.
#[must_use = "dropping a task cancels it: keep it, await it, or `detach` it"]
pub struct Task<T, H: TaskHome = Shared> {
    handle: H::Handle<T>,
    _output: PhantomData<T>,
}

impl<T, H: TaskHome> Task<T, H> {
    pub(crate) fn new(handle: H::Handle<T>) -> Self {
        Self { handle, _output: PhantomData }
    }

    /// Its number: no other task of this process has it.
    pub fn id(&self) -> TaskId {
        self.handle.meta().id
    }

    /// The name that it was given, see [`Builder::name`].
    pub fn name(&self) -> Option<&str> {
        self.handle.meta().name()
    }

    /// The line that spawned it.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.handle.meta().spawned_at()
    }

    /// Tells the task to stop. At its next turn its future is dropped, and it ends when its cleanups have. If it is
    /// finished already, nothing happens.
    pub fn cancel(&self) {
        self.cancel_with(Reason::Requested);
    }

    /// [`cancel`](Self::cancel), and says why. The reason of the first who cancels it counts.
    pub fn cancel_with(&self, reason: impl Into<Reason>) {
        self.handle.cancel(reason.into());
    }

    /// Whether it has ended, with its cleanups.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Lets the task go on without an owner. The loop still ends it when it ends itself. Should it panic, that is
    /// reported when it happens, see [`EventLoop::on_failure`](crate::EventLoop::on_failure). Its output is dropped;
    /// for a task that may fail there is [`try_detach`](Task::try_detach).
    pub fn detach(self) {
        self.let_go(None);
    }

    fn let_go(self, report: Option<home::Report<T>>) {
        self.note_wait(false);
        ManuallyDrop::new(self).handle.release(report);
    }

    /// Waits for the end of the task, whatever it is.
    ///
    /// # Errors
    /// [`JoinError`], if the task was cancelled or has panicked.
    ///
    /// # Cancel safety
    /// The task is owned by the returned future: dropping that cancels it.
    pub async fn join(mut self) -> Result<T, JoinError> {
        std::future::poll_fn(|cx| self.poll_join(cx)).await
    }

    /// [`join`](Self::join) for futures written by hand.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    ///
    /// # Panics
    /// If the outcome was taken before.
    #[inline]
    pub fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let poll = self.handle.poll_outcome(cx);
        self.note_wait(poll.is_pending());
        poll
    }

    /// Ready once the task has ended, with its cleanups, however that may be. Unlike [`poll_join`](Self::poll_join) it
    /// leaves the outcome where it is.
    pub fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let poll = self.handle.poll_finished(cx);
        self.note_wait(poll.is_pending());
        poll
    }

    /// For the table of who waits for what.
    #[inline]
    fn note_wait(&self, waits: bool) {
        if !waits::HOLDERS || !waits::is_tracked() {
            return;
        }
        let place = Place::of(self.handle.meta());
        if waits {
            waits::poll_at(place, || Note::end_of([self.handle.meta().label()]));
        } else {
            waits::end_at(place);
        }
    }

    /// Whether it has ended and its outcome, which stays where it is, `is_failure`. For `wait`.
    #[doc(hidden)]
    pub fn failed(&mut self, is_failure: fn(&Result<T, JoinError>) -> bool) -> bool {
        self.handle.failed(is_failure)
    }

    /// A handle that does not own the task.
    pub fn task_ref(&self) -> TaskRef {
        self.handle.task_ref()
    }
}

impl<T, E: fmt::Display, H: TaskHome> Task<Result<T, E>, H> {
    /// [`detach`](Task::detach) for a task that may fail: an `Err` is reported like a panic, when it happens.
    ///
    /// ```
    /// use aio_core::{EventLoop, ThreadPark, spawn, yield_now};
    /// use std::sync::{Arc, Mutex};
    ///
    /// let failures = Arc::new(Mutex::new(Vec::new()));
    /// let log = failures.clone();
    /// let event_loop = EventLoop::new(ThreadPark::new());
    /// event_loop.on_failure(move |failure| log.lock().unwrap().push(failure.to_string())).run(async {
    ///     spawn(async { "x".parse::<u8>() }).try_detach();
    ///     yield_now().await;
    /// });
    /// let failure = &failures.lock().unwrap()[0];
    /// assert!(failure.ends_with("nobody was waiting for it: invalid digit found in string"), "{failure}");
    /// ```
    pub fn try_detach(self) {
        self.let_go(Some(|output, report| {
            if let Err(error) = output {
                report(FailureKind::Error(error));
            }
        }));
    }
}

impl<T, H: TaskHome> Future for Task<T, H> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        #[cold]
        fn fail(error: JoinError, meta: &Meta) -> ! {
            match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("{meta} {error}; `join` gives this as a value"),
            }
        }
        match ready!(self.poll_join(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(error) => fail(error, self.handle.meta()),
        }
    }
}

impl<T, H: TaskHome> Unpin for Task<T, H> {}

impl<T, H: TaskHome> Drop for Task<T, H> {
    #[inline]
    fn drop(&mut self) {
        #[cold]
        fn cancel<T>(handle: &impl Handle<T>) {
            // If it is dropped because its owner is being cancelled, it is for the same reason.
            handle.cancel(cancel_reason().unwrap_or(Reason::Dropped));
            ended::leave_until(handle.task_ref());
        }
        self.note_wait(false);
        if !self.handle.is_finished() {
            cancel(&self.handle);
        }
        self.handle.release(None);
    }
}

impl<T, H: TaskHome> fmt::Debug for Task<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("meta", self.handle.meta()).field("finished", &self.is_finished()).finish()
    }
}
