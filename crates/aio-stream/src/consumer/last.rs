//! The last item.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`StreamExt::last`](crate::StreamExt::last).
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Last<S: Stream> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) last: Option<S::Item>,
    }
}

impl<S: Stream> Future for Last<S> {
    type Output = Option<S::Item>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        while let item @ Some(_) = ready!(this.stream.as_mut().poll_next(cx)) {
            *this.last = item;
        }
        Poll::Ready(this.last.take())
    }
}
