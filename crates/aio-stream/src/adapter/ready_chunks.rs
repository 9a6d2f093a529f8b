//! Items in portions of those that are there.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Fuse;

pin_project! {
    /// The stream of [`StreamExt::ready_chunks`](crate::StreamExt::ready_chunks).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct ReadyChunks<S> {
        #[pin]
        stream: Fuse<S>,
        size: usize,
    }
}

impl<S> ReadyChunks<S> {
    #[track_caller]
    pub(crate) fn new(stream: S, size: usize) -> Self {
        assert!(size > 0, "a chunk of no items would never end");
        Self { stream: Fuse::new(stream), size }
    }
}

impl<S: Stream> Stream for ReadyChunks<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(first) = ready!(this.stream.as_mut().poll_next(cx)) else { return Poll::Ready(None) };
        let mut items = vec![first];
        // Nothing is kept between polls: what is here is given.
        while items.len() < *this.size
            && let Poll::Ready(Some(item)) = this.stream.as_mut().poll_next(cx)
        {
            items.push(item);
        }
        Poll::Ready(Some(items))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.stream.size_hint();
        (lower.div_ceil(self.size), upper)
    }
}
