//! What a task is made of in each of the two homes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use aio_base::{Home, Local, Shared};

use super::cell::local::LocalHandle;
use super::cell::shared::SharedHandle;
use super::{JoinError, Meta, TaskRef};
use crate::event_loop::Worker;
use crate::failure::{self, Failure, FailureKind};
use crate::reason::Reason;

/// How a task ended.
pub(crate) type Outcome<T> = Result<T, JoinError>;

/// Where a task lives: [`Shared`] or [`Local`]. Sealed, as [`Home`] is.
pub trait TaskHome: Home {
    /// What a [`Task`](super::Task) holds.
    #[doc(hidden)]
    type Handle<T>: Handle<T>;
}

impl TaskHome for Shared {
    type Handle<T> = SharedHandle<T>;
}

impl TaskHome for Local {
    type Handle<T> = LocalHandle<T>;
}

/// What there is to report of an output that nobody takes.
pub(crate) type Report<T> = fn(&T, &mut dyn FnMut(FailureKind<'_>));

/// The one handle that may take the outcome of a task.
pub trait Handle<T> {
    fn meta(&self) -> &Meta;
    /// Ready once the task has ended. The outcome stays.
    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>>;
    /// Whether the outcome is there and `is_failure`.
    fn failed(&mut self, is_failure: fn(&Outcome<T>) -> bool) -> bool;
    fn cancel(&self, reason: Reason);
    fn is_finished(&self) -> bool;
    fn task_ref(&self) -> TaskRef;
    /// The owner is gone; the output is told to `report`, if there is one. Called last.
    fn release(&mut self, report: Option<Report<T>>);
}

/// Told how a task ended, on the task's thread, after its cleanups; decides what the task's handle gets.
///
/// This is how a group counts its children without a task of its own for each.
pub trait OnExit<T>: Sized {
    /// What the handle gets.
    type Output;

    /// The task has ended with `outcome`.
    ///
    /// # Errors
    /// What the awaiter of the task gets in place of an output.
    fn on_exit(self, outcome: Result<T, JoinError>) -> Result<Self::Output, JoinError>;

    /// [`on_exit`](Self::on_exit); a panic in there is how it ended for the handle. A task relies on it that no panic
    /// gets out, so nobody else can write this: it takes a value that nobody else can name.
    #[doc(hidden)]
    fn contained(self, outcome: Result<T, JoinError>, _: sealed::Here) -> Result<Self::Output, JoinError> {
        catch_unwind(AssertUnwindSafe(|| self.on_exit(outcome)))
            .unwrap_or_else(|payload| Err(JoinError::panicked(payload)))
    }
}

pub(super) mod sealed {
    #[allow(missing_debug_implementations, reason = "internal")]
    pub struct Here;
}

/// The outcome goes to the handle as it is.
#[derive(Debug)]
pub(crate) struct ToHandle;

impl<T> OnExit<T> for ToHandle {
    type Output = T;

    #[inline]
    fn on_exit(self, outcome: Outcome<T>) -> Outcome<T> {
        outcome
    }

    #[inline]
    fn contained(self, outcome: Outcome<T>, _: sealed::Here) -> Outcome<T> {
        outcome
    }
}

/// Drops an outcome that nobody will take. A panic that nobody knows of is reported, and so is of an output what
/// `report` finds in it.
pub(super) fn discard<T>(owner: &Worker, meta: &Meta, outcome: Option<Outcome<T>>, report: Option<Report<T>>) {
    let tell = |kind: FailureKind<'_>| failure::report(owner, &Failure::new(Some(meta), kind));
    match outcome.map(|outcome| outcome.map_err(JoinError::try_into_panic)) {
        Some(Err(Ok(payload))) => {
            tell(FailureKind::Panic { during: "panicked, and nobody was waiting for it", payload: &*payload });
            failure::contain(owner, meta, "panicked in dropping its panic", || drop(payload));
        }
        outcome => failure::contain(owner, meta, "panicked in dropping its output", || {
            if let (Some(Ok(output)), Some(report)) = (&outcome, report) {
                report(output, &mut |kind| tell(kind));
            }
            drop(outcome);
        }),
    }
}
