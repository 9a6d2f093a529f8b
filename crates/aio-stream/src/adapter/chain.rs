//! One stream after the other.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::sum;

pin_project! {
    /// The stream of [`StreamExt::chain`](crate::StreamExt::chain).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Chain<A, B> {
        #[pin]
        a: A,
        #[pin]
        b: B,
        part: Part,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    A,
    B,
    End,
}

impl<A, B> Chain<A, B> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Self { a, b, part: Part::A }
    }
}

impl<A: Stream, B: Stream<Item = A::Item>> Stream for Chain<A, B> {
    type Item = A::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<A::Item>> {
        let this = self.project();
        if *this.part == Part::A {
            match ready!(this.a.poll_next(cx)) {
                None => *this.part = Part::B,
                item => return Poll::Ready(item),
            }
        }
        if *this.part == Part::End {
            return Poll::Ready(None);
        }
        let item = ready!(this.b.poll_next(cx));
        if item.is_none() {
            *this.part = Part::End;
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.part {
            Part::A => sum(self.a.size_hint(), self.b.size_hint()),
            Part::B => self.b.size_hint(),
            Part::End => (0, Some(0)),
        }
    }
}
