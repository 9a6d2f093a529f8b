//! Two streams as their items come.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Fuse, sum};

pin_project! {
    /// The stream of [`StreamExt::merge`](crate::StreamExt::merge).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Merge<A, B> {
        #[pin]
        a: Fuse<A>,
        #[pin]
        b: Fuse<B>,
        // Whose turn it is.
        b_is_next: bool,
    }
}

impl<A, B> Merge<A, B> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Self { a: Fuse::new(a), b: Fuse::new(b), b_is_next: false }
    }
}

/// The next item of the one whose turn it is, or else of the other.
fn next_of<T>(
    first: Pin<&mut impl Stream<Item = T>>,
    second: Pin<&mut impl Stream<Item = T>>,
    cx: &mut Context<'_>,
) -> Poll<Option<T>> {
    match first.poll_next(cx) {
        Poll::Ready(None) => second.poll_next(cx),
        Poll::Ready(item) => Poll::Ready(item),
        Poll::Pending => match second.poll_next(cx) {
            Poll::Ready(None) => Poll::Pending,
            polled => polled,
        },
    }
}

impl<A: Stream, B: Stream<Item = A::Item>> Stream for Merge<A, B> {
    type Item = A::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let this = self.project();
        let b_first = *this.b_is_next;
        // Whoever was asked second has its turn first the next time, whether it has had an item or not: nobody waits
        // for longer than one item of the other.
        *this.b_is_next = !b_first;
        if b_first { next_of(this.b, this.a, cx) } else { next_of(this.a, this.b, cx) }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        sum(self.a.size_hint(), self.b.size_hint())
    }
}
