//! Items with their numbers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::enumerate`](crate::StreamExt::enumerate).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Enumerate<S> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) n_given: usize,
    }
}

impl<S: Stream> Stream for Enumerate<S> {
    type Item = (usize, S::Item);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let Some(item) = ready!(this.stream.poll_next(cx)) else { return Poll::Ready(None) };
        let number = *this.n_given;
        *this.n_given += 1;
        Poll::Ready(Some((number, item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
