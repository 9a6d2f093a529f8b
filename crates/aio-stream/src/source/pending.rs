//! A stream without items and without an end.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// A stream that never gives anything, nor ends.
pub const fn pending<T>() -> Pending<T> {
    Pending(PhantomData)
}

/// The stream of [`pending`].
#[must_use = "a stream does nothing unless it is iterated over"]
pub struct Pending<T>(PhantomData<fn() -> T>);

impl<T> Stream for Pending<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Pending
    }
}

impl<T> Clone for Pending<T> {
    fn clone(&self) -> Self {
        pending()
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Pending")
    }
}
