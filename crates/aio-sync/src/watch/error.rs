//! Why a value was not sent, and why there will be no other.

use std::error::Error;
use std::fmt;

/// A value that was not sent, since there is no receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(T);

impl<T> SendError<T> {
    pub(super) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Without the value, which need not be `Debug`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendError { .. }")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("failed to send the value: nobody watches")
    }
}

impl<T> Error for SendError<T> {}

/// The value has been seen, and will never change: all senders are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(());

impl RecvError {
    pub(super) const NEW: Self = Self(());
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("failed to wait for another value: all senders are gone")
    }
}

impl Error for RecvError {}
