//! The first items.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::take`](crate::StreamExt::take).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Take<S> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) n_left: usize,
    }
}

impl<S: Stream> Stream for Take<S> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if *this.n_left == 0 {
            return Poll::Ready(None);
        }
        let item = ready!(this.stream.poll_next(cx));
        *this.n_left = if item.is_some() { *this.n_left - 1 } else { 0 };
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The stream may have ended, and must not be asked any more.
        if self.n_left == 0 {
            return (0, Some(0));
        }
        let (lower, upper) = self.stream.size_hint();
        (lower.min(self.n_left), Some(upper.map_or(self.n_left, |upper| upper.min(self.n_left))))
    }
}
