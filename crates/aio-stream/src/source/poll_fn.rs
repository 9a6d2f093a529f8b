//! A stream of a function that is polled.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// A stream that is polled by calling `f`.
///
/// # Examples
/// ```
/// use std::task::Poll;
/// use aio_stream::{StreamExt, poll_fn};
///
/// # futures_lite::future::block_on(async {
/// let mut left = vec![3, 2, 1];
/// let numbers = poll_fn(move |_cx| Poll::Ready(left.pop()));
/// assert_eq!(numbers.collect::<Vec<_>>().await, [1, 2, 3]);
/// # });
/// ```
pub fn poll_fn<T, F: FnMut(&mut Context<'_>) -> Poll<Option<T>>>(f: F) -> PollFn<F> {
    PollFn { f }
}

/// The stream of [`poll_fn`].
#[derive(Clone)]
#[must_use = "a stream does nothing unless it is iterated over"]
pub struct PollFn<F> {
    f: F,
}

/// The function is never pinned.
impl<F> Unpin for PollFn<F> {}

impl<T, F: FnMut(&mut Context<'_>) -> Poll<Option<T>>> Stream for PollFn<F> {
    type Item = T;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        (self.f)(cx)
    }
}

impl<F> fmt::Debug for PollFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("PollFn { .. }")
    }
}
