//! `async-channel`'s names. Its errors are values to match on, and its receiver is a stream: hence two types of their
//! own, which dereference to ours for all that has the same name.

mod receiver;
mod sender;

use aio_sync::channel;

pub use receiver::Receiver;
pub use sender::Sender;

/// The traits of methods: none.
pub mod names {}

/// [`channel::bounded`]
///
/// # Panics
/// If `capacity` is zero.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    ends(channel::bounded(capacity))
}

/// [`channel::unbounded`]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    ends(channel::unbounded())
}

fn ends<T>((sender, receiver): (channel::Sender<T>, channel::Receiver<T>)) -> (Sender<T>, Receiver<T>) {
    (Sender::new(sender), Receiver::new(receiver))
}

/// [`channel::SendError`] of the forms that wait.
#[derive(Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// [`channel::SendError`] of those that do not.
#[derive(Debug, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// `is_full`
    Full(T),
    /// `is_closed`
    Closed(T),
}

/// [`channel::RecvError`] of the forms that wait.
#[derive(Debug, PartialEq, Eq)]
pub struct RecvError;

/// [`channel::RecvError`] of those that do not.
#[derive(Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// `is_empty`
    Empty,
    /// `is_closed`
    Closed,
}

impl<T> From<channel::SendError<T>> for SendError<T> {
    fn from(error: channel::SendError<T>) -> Self {
        assert!(error.is_closed(), "who waits finds no full channel");
        Self(error.into_item())
    }
}

impl<T> From<channel::SendError<T>> for TrySendError<T> {
    fn from(error: channel::SendError<T>) -> Self {
        if error.is_full() { Self::Full(error.into_item()) } else { Self::Closed(error.into_item()) }
    }
}

impl From<channel::RecvError> for RecvError {
    fn from(error: channel::RecvError) -> Self {
        assert!(error.is_closed(), "who waits finds no empty channel");
        Self
    }
}

impl From<channel::RecvError> for TryRecvError {
    fn from(error: channel::RecvError) -> Self {
        if error.is_empty() { Self::Empty } else { Self::Closed }
    }
}
