//! Why a cell was not set.

use std::error::Error;
use std::fmt;

/// A value that was not put into a [`OnceCell`](crate::OnceCell), and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SetError<T> {
    value: T,
    refusal: Refusal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Set,
    Initializing,
}

impl<T> SetError<T> {
    pub(super) fn set(value: T) -> Self {
        Self { value, refusal: Refusal::Set }
    }

    pub(super) fn initializing(value: T) -> Self {
        Self { value, refusal: Refusal::Initializing }
    }

    /// Whether the cell has a value already.
    pub fn is_set(&self) -> bool {
        self.refusal == Refusal::Set
    }

    /// Whether somebody is making the value just now. (If that fails, the cell is still empty afterwards.)
    pub fn is_initializing(&self) -> bool {
        self.refusal == Refusal::Initializing
    }

    /// The value.
    pub fn into_value(self) -> T {
        self.value
    }
}

/// Without the value, which need not be `Debug`.
impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetError").field(&self.refusal).finish()
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.refusal {
            Refusal::Set => "failed to set the cell: it has a value already",
            Refusal::Initializing => "failed to set the cell: its value is being made",
        })
    }
}

impl<T> Error for SetError<T> {}
