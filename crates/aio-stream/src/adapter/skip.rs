//! All but the first items.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::skip`](crate::StreamExt::skip).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Skip<S> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) n_left: usize,
    }
}

impl<S: Stream> Stream for Skip<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        loop {
            let item = ready!(this.stream.as_mut().poll_next(cx));
            if *this.n_left == 0 || item.is_none() {
                return Poll::Ready(item);
            }
            *this.n_left -= 1;
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.stream.size_hint();
        (lower.saturating_sub(self.n_left), upper.map(|upper| upper.saturating_sub(self.n_left)))
    }
}
