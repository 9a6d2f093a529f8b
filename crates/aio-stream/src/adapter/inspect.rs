//! A look at each item.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The stream of [`StreamExt::inspect`](crate::StreamExt::inspect).
    #[derive(Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Inspect<S, F> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
    }
}

impl<S: Stream, F: FnMut(&S::Item)> Stream for Inspect<S, F> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let item = ready!(this.stream.poll_next(cx));
        Poll::Ready(item.inspect(this.f))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

debug_stream!(Inspect<S, F>);
