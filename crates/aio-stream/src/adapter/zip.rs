//! Pairs of the items of two streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::plus;

pin_project! {
    /// The stream of [`StreamExt::zip`](crate::StreamExt::zip).
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Zip<A: Stream, B: Stream> {
        #[pin]
        a: A,
        #[pin]
        b: B,
        // The one that came first.
        of_a: Option<A::Item>,
        of_b: Option<B::Item>,
        has_ended: bool,
    }
}

impl<A: Stream, B: Stream> Zip<A, B> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Self { a, b, of_a: None, of_b: None, has_ended: false }
    }
}

/// Asks for an item if there is none. Whether the stream has ended.
fn fill<S: Stream>(stream: Pin<&mut S>, item: &mut Option<S::Item>, cx: &mut Context<'_>) -> bool {
    if item.is_some() {
        return false;
    }
    match stream.poll_next(cx) {
        Poll::Ready(next) => {
            *item = next;
            item.is_none()
        }
        Poll::Pending => false,
    }
}

impl<A: Stream, B: Stream> Stream for Zip<A, B> {
    type Item = (A::Item, B::Item);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if *this.has_ended {
            return Poll::Ready(None);
        }
        if fill(this.a, this.of_a, cx) || fill(this.b, this.of_b, cx) {
            *this.has_ended = true;
            // Nobody will take the one without a partner.
            (*this.of_a, *this.of_b) = (None, None);
            return Poll::Ready(None);
        }
        match (this.of_a.take(), this.of_b.take()) {
            (Some(a), Some(b)) => Poll::Ready(Some((a, b))),
            (a, b) => {
                (*this.of_a, *this.of_b) = (a, b);
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended {
            return (0, Some(0));
        }
        let (a_lower, a_upper) = plus(self.a.size_hint(), usize::from(self.of_a.is_some()));
        let (b_lower, b_upper) = plus(self.b.size_hint(), usize::from(self.of_b.is_some()));
        let upper = match (a_upper, b_upper) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (a_lower.min(b_lower), upper)
    }
}
