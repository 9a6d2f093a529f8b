//! An item further on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

/// The future of [`StreamExt::nth`](crate::StreamExt::nth).
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Nth<'a, S: ?Sized> {
    pub(crate) stream: &'a mut S,
    pub(crate) n_left: usize,
}

impl<S: Stream + Unpin + ?Sized> Future for Nth<'_, S> {
    type Output = Option<S::Item>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let item = ready!(Pin::new(&mut *self.stream).poll_next(cx));
            if self.n_left == 0 || item.is_none() {
                return Poll::Ready(item);
            }
            self.n_left -= 1;
        }
    }
}
