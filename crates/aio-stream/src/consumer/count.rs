//! How many items there are.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`StreamExt::count`](crate::StreamExt::count).
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Count<S> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) n: usize,
    }
}

impl<S: Stream> Future for Count<S> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let mut this = self.project();
        while ready!(this.stream.as_mut().poll_next(cx)).is_some() {
            *this.n += 1;
        }
        Poll::Ready(*this.n)
    }
}
