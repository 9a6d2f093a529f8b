//! Whether one of the items will do.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The future of [`StreamExt::any`](crate::StreamExt::any).
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Any<S, F> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
    }
}

impl<S: Stream, F: FnMut(S::Item) -> bool> Future for Any<S, F> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let mut this = self.project();
        while let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) {
            if (this.f)(item) {
                return Poll::Ready(true);
            }
        }
        Poll::Ready(false)
    }
}

debug_stream!(Any<S, F>);
