//! The items of a channel for those who do not await.

use std::iter::FusedIterator;

use aio_base::{Home, Shared};

use super::Receiver;

/// The items of a channel for a thread, as they come: made by [`Receiver::iter_blocking`].
#[derive(Debug)]
pub struct IterBlocking<'a, T> {
    receiver: &'a Receiver<T>,
}

/// The items of a channel for a thread, as they come, with the receiver: made by its [`IntoIterator`].
#[derive(Debug)]
pub struct IntoIterBlocking<T> {
    receiver: Receiver<T>,
}

/// The items that are in a channel now: made by [`Receiver::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, T, H: Home = Shared> {
    receiver: &'a Receiver<T, H>,
}

impl<'a, T> IterBlocking<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<T> IntoIterBlocking<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self { receiver }
    }
}

impl<'a, T, H: Home> TryIter<'a, T, H> {
    pub(super) fn new(receiver: &'a Receiver<T, H>) -> Self {
        Self { receiver }
    }
}

impl<T> Iterator for IterBlocking<'_, T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

impl<T> Iterator for IntoIterBlocking<T> {
    type Item = T;

    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking().ok()
    }
}

impl<T, H: Home> Iterator for TryIter<'_, T, H> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

/// A channel that is closed and empty stays so.
impl<T> FusedIterator for IterBlocking<'_, T> {}
impl<T> FusedIterator for IntoIterBlocking<T> {}
