//! Why something was cancelled.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc; // facade: shared text without a protocol

use crate::current;

/// Why a task or a scope was cancelled: told to its cleanups ([`cancel_reason`]), to whoever waits for it
/// ([`JoinError::reason`](crate::JoinError::reason)), and in reports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Somebody asked for it and did not say why.
    Requested,
    /// Its owner dropped it.
    Dropped,
    /// A sibling in its group failed, or its group was told to end.
    Aborted,
    /// It took too long.
    TimedOut,
    /// Another one in its race was first.
    Outrun,
    /// The loop ends.
    Shutdown,
    /// The user interrupted the program, with Ctrl-C.
    Interrupted,
    /// What whoever cancelled it said.
    Other(Text),
}

/// What was said of a reason; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(
    // Two steps to the text, and one word here: a reason has a place in every task.
    Arc<Box<str>>,
);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl Reason {
    /// A number for each, to be kept where room is scarce; what `Other` says is not in it.
    pub(crate) const fn code(&self) -> u32 {
        match self {
            Self::Requested => 0,
            Self::Dropped => 1,
            Self::Aborted => 2,
            Self::TimedOut => 3,
            Self::Outrun => 4,
            Self::Shutdown => 5,
            Self::Interrupted => 6,
            Self::Other(_) => Self::OTHER,
        }
    }

    /// The code of [`Reason::Other`], the largest.
    pub(crate) const OTHER: u32 = 7;

    /// Undoes [`code`](Self::code); `other` has what `Other` says.
    pub(crate) fn from_code(code: u32, other: impl FnOnce() -> Option<Text>) -> Self {
        match code {
            1 => Self::Dropped,
            2 => Self::Aborted,
            3 => Self::TimedOut,
            4 => Self::Outrun,
            5 => Self::Shutdown,
            6 => Self::Interrupted,
            Self::OTHER => other().map_or(Self::Requested, Self::Other),
            _ => Self::Requested,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "on request",
            Self::Dropped => "its owner dropped it",
            Self::Aborted => "its group ends early",
            Self::TimedOut => "the time was over",
            Self::Outrun => "another one was first",
            Self::Shutdown => "the event loop ends",
            Self::Interrupted => "the program was interrupted",
            Self::Other(text) => text,
        })
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self::Other(text.into())
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self::Other(text.into())
    }
}

/// Why what is going on here is being cancelled: for destructors of what was cut, and for its cleanups. `None` if they
/// run because the work is done.
///
/// ```
/// use aio_core::{Reason, cancel_reason, defer, spawn, yield_now};
///
/// aio_core::run(async {
///     let task = spawn(async {
///         let _guard = defer((), async |()| assert_eq!(cancel_reason(), Some(Reason::from("no longer needed"))));
///         std::future::pending::<()>().await;
///     });
///     yield_now().await;
///     task.cancel_with("no longer needed");
///     let error = task.join().await.unwrap_err();
///     assert_eq!(error.to_string(), "was cancelled: no longer needed");
/// });
/// ```
pub fn cancel_reason() -> Option<Reason> {
    current::with_reason(|reason| reason.cloned())
}

/// Runs `f`, which drops something, so that what is dropped knows why.
pub fn cutting<R>(reason: &Reason, f: impl FnOnce() -> R) -> R {
    current::enter_reason(reason, f)
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reason_comes_back_from_its_code() {
        let text = Text::from("text");
        let all = [
            Reason::Requested,
            Reason::Dropped,
            Reason::Aborted,
            Reason::TimedOut,
            Reason::Outrun,
            Reason::Shutdown,
            Reason::Interrupted,
            Reason::Other(text.clone()),
        ];
        for reason in all {
            assert_eq!(Reason::from_code(reason.code(), || Some(text.clone())), reason);
        }
    }
}
