//! Each item changed.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The stream of [`StreamExt::map`](crate::StreamExt::map).
    #[derive(Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Map<S, F> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
    }
}

impl<S: Stream, F: FnMut(S::Item) -> U, U> Stream for Map<S, F> {
    type Item = U;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        let this = self.project();
        this.stream.poll_next(cx).map(|item| item.map(this.f))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

debug_stream!(Map<S, F>);
