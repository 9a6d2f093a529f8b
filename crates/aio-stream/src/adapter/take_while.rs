//! The items up to the first that will not do.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The stream of [`StreamExt::take_while`](crate::StreamExt::take_while).
    #[derive(Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct TakeWhile<S, F> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
        pub(crate) has_ended: bool,
    }
}

impl<S: Stream, F: FnMut(&S::Item) -> bool> Stream for TakeWhile<S, F> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        if *this.has_ended {
            return Poll::Ready(None);
        }
        let item = ready!(this.stream.poll_next(cx)).filter(this.f);
        *this.has_ended = item.is_none();
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended { (0, Some(0)) } else { (0, self.stream.size_hint().1) }
    }
}

debug_stream!(TakeWhile<S, F>, has_ended);
