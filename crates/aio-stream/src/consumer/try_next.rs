//! The next item, or what went wrong.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::TryStream;

/// The future of [`TryStreamExt::try_next`](crate::TryStreamExt::try_next).
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct TryNext<'a, S: ?Sized> {
    pub(crate) stream: &'a mut S,
}

impl<S: TryStream + Unpin + ?Sized> Future for TryNext<'_, S> {
    type Output = Result<Option<S::Ok>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.stream).try_poll_next(cx).map(Option::transpose)
    }
}
