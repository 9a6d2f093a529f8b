//! All items together.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`StreamExt::collect`](crate::StreamExt::collect).
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Collect<S, C> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) collection: C,
    }
}

impl<S: Stream, C: Default + Extend<S::Item>> Future for Collect<S, C> {
    type Output = C;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C> {
        let mut this = self.project();
        while let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) {
            this.collection.extend(Some(item));
        }
        Poll::Ready(mem::take(this.collection))
    }
}
