//! Why an item was not sent, and why there was none.

use std::error::Error;
use std::fmt;

use crate::queue::{GetError, PutError, Refusal};

/// An item that was not sent, and why.
pub struct SendError<T>(PutError<T>);

impl<T> SendError<T> {
    pub(super) fn new(item: T, refusal: Refusal) -> Self {
        Self(PutError::new(item, refusal))
    }

    /// Whether there was no room. Only the forms that do not wait say so.
    pub fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// Whether the channel was closed, or all its receivers are gone.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// The item. (Of `SendError<()>`, which is that of a reservation, there is none.)
    pub fn into_item(self) -> T {
        self.0.into_item()
    }
}

impl<T> From<PutError<T>> for SendError<T> {
    fn from(error: PutError<T>) -> Self {
        Self(error)
    }
}

/// Without the item, which need not be `Debug`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "SendError(Full)" } else { "SendError(Closed)" })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() {
            "failed to send into the channel: it is full"
        } else {
            "failed to send into the channel: it is closed"
        })
    }
}

impl<T> Error for SendError<T> {}

/// Why a channel had no item to give.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecvError(GetError);

impl RecvError {
    /// Whether there was none, but may be later. Only the forms that do not wait say so.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there was none, and never will be: the channel was closed, or all its senders are gone.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl From<GetError> for RecvError {
    fn from(error: GetError) -> Self {
        Self(error)
    }
}

impl fmt::Debug for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "RecvError(Empty)" } else { "RecvError(Closed)" })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "failed to receive from the channel: it is empty"
        } else {
            "failed to receive from the channel: it is empty and closed"
        })
    }
}

impl Error for RecvError {}
