//! Items in portions.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Fuse, plus, portions};

pin_project! {
    /// The stream of [`StreamExt::chunks`](crate::StreamExt::chunks).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Chunks<S: Stream> {
        #[pin]
        stream: Fuse<S>,
        items: Vec<S::Item>,
        size: usize,
    }
}

impl<S: Stream> Chunks<S> {
    #[track_caller]
    pub(crate) fn new(stream: S, size: usize) -> Self {
        assert!(size > 0, "a chunk of no items would never end");
        Self { stream: Fuse::new(stream), items: Vec::new(), size }
    }
}

impl<S: Stream> Stream for Chunks<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.stream.as_mut().poll_next(cx)) {
                Some(item) => this.items.push(item),
                None if this.items.is_empty() => return Poll::Ready(None),
                None => return Poll::Ready(Some(mem::take(this.items))),
            }
            if this.items.len() == *this.size {
                return Poll::Ready(Some(mem::take(this.items)));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        portions(plus(self.stream.size_hint(), self.items.len()), self.size)
    }
}
