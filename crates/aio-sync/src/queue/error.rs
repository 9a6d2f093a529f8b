//! Why an item was not taken, and why there was none.

use std::error::Error;
use std::fmt;

/// An item that was not put into a [`Queue`](crate::Queue), and why.
pub struct PutError<T> {
    item: T,
    refusal: Refusal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

impl<T> PutError<T> {
    pub(crate) fn new(item: T, refusal: Refusal) -> Self {
        Self { item, refusal }
    }

    /// Of an item that was offered and left where it was.
    pub(super) fn left(item: Option<T>, refusal: Refusal) -> Self {
        Self::new(item.expect("what is refused is left"), refusal)
    }

    /// Whether there was no room. Only the forms that do not wait say so.
    pub fn is_full(&self) -> bool {
        self.refusal == Refusal::Full
    }

    /// Whether the queue was [closed](crate::generic::Queue::close).
    pub fn is_closed(&self) -> bool {
        self.refusal == Refusal::Closed
    }

    /// The item.
    pub fn into_item(self) -> T {
        self.item
    }
}

/// Without the item, which need not be `Debug`.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PutError").field(&self.refusal).finish()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.refusal {
            Refusal::Full => "failed to put an item into the queue: it is full",
            Refusal::Closed => "failed to put an item into the queue: it is closed",
        })
    }
}

impl<T> Error for PutError<T> {}

/// Why a [`Queue`](crate::Queue) had no item to give.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GetError(Lack);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    Empty,
    Closed,
}

impl GetError {
    pub(crate) fn new(lack: Lack) -> Self {
        Self(lack)
    }

    /// Whether there was none, but may be later. Only the forms that do not wait say so.
    pub fn is_empty(&self) -> bool {
        self.0 == Lack::Empty
    }

    /// Whether there was none, and never will be: the queue was [closed](crate::generic::Queue::close).
    pub fn is_closed(&self) -> bool {
        self.0 == Lack::Closed
    }
}

impl fmt::Debug for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GetError").field(&self.0).finish()
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Lack::Empty => "failed to get an item from the queue: it is empty",
            Lack::Closed => "failed to get an item from the queue: it is empty and closed",
        })
    }
}

impl Error for GetError {}
