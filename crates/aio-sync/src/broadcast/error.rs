//! Why a message was not sent, and why there was none.

use std::error::Error;
use std::fmt;

/// A message that was not sent: there is no receiver, or the channel is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(T);

impl<T> SendError<T> {
    pub(super) fn new(message: T) -> Self {
        Self(message)
    }

    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Without the message, which need not be `Debug`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SendError { .. }")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("failed to send the message: nobody will receive it")
    }
}

impl<T> Error for SendError<T> {}

/// The receiver was too slow, and has missed this many messages. It goes on with the oldest one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to keep up: {} messages were missed", self.0)
    }
}

impl Error for Lagged {}

/// Why there was no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvError {
    /// The receiver was too slow, and has missed this many messages. It goes on with the oldest one that is kept.
    Lagged(u64),
    /// All were received, and there will be no more: the channel was closed, or all senders are gone.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lagged(missed) => Lagged(*missed).fmt(f),
            Self::Closed => f.pad("failed to receive a message: the channel is closed"),
        }
    }
}

impl Error for RecvError {}

/// Why there was no message just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// All were received; there may be more.
    Empty,
    /// The receiver was too slow, and has missed this many messages. It goes on with the oldest one that is kept.
    Lagged(u64),
    /// All were received, and there will be no more: the channel was closed, or all senders are gone.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.pad("failed to receive a message: there is none yet"),
            Self::Lagged(missed) => Lagged(*missed).fmt(f),
            Self::Closed => RecvError::Closed.fmt(f),
        }
    }
}

impl Error for TryRecvError {}
