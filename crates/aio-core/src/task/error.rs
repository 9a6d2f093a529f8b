//! Why a task has no output.

use std::any::Any;
use std::error::Error;
use std::fmt;

use aio_base::sync::Mutex;

use crate::failure::message;
use crate::reason::Reason;

/// Why a task has no output: it was cancelled, it has panicked, or its outcome went to the group that it belongs to.
pub struct JoinError(Cause);

enum Cause {
    Cancelled(Reason),
    /// In a lock only to be `Sync`, as errors should be; in a box, since every task has room for this.
    Panicked(Box<Mutex<Box<dyn Any + Send>>>),
    Handled,
}

impl JoinError {
    /// The task was cancelled, on request.
    pub fn cancelled() -> Self {
        Self::cancelled_by(Reason::Requested)
    }

    /// The task was cancelled, for this reason.
    pub fn cancelled_by(reason: Reason) -> Self {
        Self(Cause::Cancelled(reason))
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        Self(Cause::Panicked(Box::new(Mutex::new(payload))))
    }

    /// The failure went to whoever started the task with [`OnExit`](crate::OnExit).
    pub fn handled() -> Self {
        Self(Cause::Handled)
    }

    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0, Cause::Cancelled(_))
    }

    /// Why the task was cancelled, if it was.
    pub fn reason(&self) -> Option<&Reason> {
        match &self.0 {
            Cause::Cancelled(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether the task has panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.0, Cause::Panicked(_))
    }

    /// The payload of the panic, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Panics
    /// If the task has not panicked.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.try_into_panic().unwrap_or_else(|error| panic!("`into_panic` on a task that {error}"))
    }

    /// The payload of the panic.
    ///
    /// # Errors
    /// This error itself, if the task has not panicked.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Cause::Panicked(payload) => Ok(payload.into_inner()),
            _ => Err(self),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Cancelled(Reason::Requested) => f.write_str("was cancelled"),
            Cause::Cancelled(reason) => write!(f, "was cancelled: {reason}"),
            Cause::Panicked(payload) => write!(f, "panicked: {}", message(&**payload.lock())),
            Cause::Handled => f.write_str("failed, and its group has the error"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl Error for JoinError {}
