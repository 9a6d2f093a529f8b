//! Items in portions of those that are there.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Fuse, plus};

pin_project! {
    /// The stream of [`StreamExt::ready_chunks`](crate::StreamExt::ready_chunks).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct ReadyChunks<S: Stream> {
        #[pin]
        stream: Fuse<S>,
        // Within a poll; and what is left of one in which the stream has panicked.
        items: Vec<S::Item>,
        size: usize,
    }
}

impl<S: Stream> ReadyChunks<S> {
    #[track_caller]
    pub(crate) fn new(stream: S, size: usize) -> Self {
        assert!(size > 0, "a chunk of no items would never end");
        Self { stream: Fuse::new(stream), items: Vec::new(), size }
    }
}

impl<S: Stream> Stream for ReadyChunks<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        while this.items.len() < *this.size {
            match this.stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => this.items.push(item),
                Poll::Pending if this.items.is_empty() => return Poll::Pending,
                _ => break,
            }
        }
        let items = mem::take(this.items);
        Poll::Ready((!items.is_empty()).then_some(items))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = plus(self.stream.size_hint(), self.items.len());
        (lower.div_ceil(self.size), upper)
    }
}
