//! Why a message was not sent, and why there was none.

use std::error::Error;
use std::fmt;

/// A message that was not sent, since its receiver is closed or gone.
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

/// There is no message and never will be: the sender was dropped without sending one, or the receiver was
/// [closed](super::Receiver::close) before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(());

impl RecvError {
    pub(super) const NEW: Self = Self(());
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("failed to receive the message: nobody will send it")
    }
}

impl Error for RecvError {}

/// Why there is no message just now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TryRecvError(Lack);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Empty,
    Closed,
}

impl TryRecvError {
    pub(super) const EMPTY: Self = Self(Lack::Empty);
    pub(super) const CLOSED: Self = Self(Lack::Closed);

    /// Whether there may be one later.
    pub fn is_empty(&self) -> bool {
        self.0 == Lack::Empty
    }

    /// Whether there never will be one: the sender is gone, the receiver was closed, or the message was received.
    pub fn is_closed(&self) -> bool {
        self.0 == Lack::Closed
    }
}

impl fmt::Debug for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryRecvError").field(&self.0).finish()
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.0 {
            Lack::Empty => "failed to receive the message: it was not sent yet",
            Lack::Closed => "failed to receive the message: nobody will send it",
        })
    }
}

impl Error for TryRecvError {}
