//! The next item.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// The future of [`StreamExt::next`](crate::StreamExt::next).
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Next<'a, S: ?Sized> {
    pub(crate) stream: &'a mut S,
}

impl<S: Stream + Unpin + ?Sized> Future for Next<'_, S> {
    type Output = Option<S::Item>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.stream).poll_next(cx)
    }
}
