//! The items from the first that will do.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The stream of [`StreamExt::skip_while`](crate::StreamExt::skip_while).
    #[derive(Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct SkipWhile<S, F> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
        pub(crate) has_begun: bool,
    }
}

impl<S: Stream, F: FnMut(&S::Item) -> bool> Stream for SkipWhile<S, F> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            match ready!(this.stream.as_mut().poll_next(cx)) {
                Some(item) if !*this.has_begun && (this.f)(&item) => {}
                item => {
                    *this.has_begun |= item.is_some();
                    return Poll::Ready(item);
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.stream.size_hint();
        (if self.has_begun { lower } else { 0 }, upper)
    }
}

debug_stream!(SkipWhile<S, F>, has_begun);
