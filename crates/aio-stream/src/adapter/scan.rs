//! Items changed by what came before.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The stream of [`StreamExt::scan`](crate::StreamExt::scan).
    #[derive(Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Scan<S, A, F> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) state: A,
        pub(crate) f: F,
        pub(crate) has_ended: bool,
    }
}

impl<S: Stream, A, F: FnMut(&mut A, S::Item) -> Option<U>, U> Stream for Scan<S, A, F> {
    type Item = U;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U>> {
        let this = self.project();
        if *this.has_ended {
            return Poll::Ready(None);
        }
        let item = ready!(this.stream.poll_next(cx)).and_then(|item| (this.f)(this.state, item));
        *this.has_ended = item.is_none();
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended { (0, Some(0)) } else { (0, self.stream.size_hint().1) }
    }
}

debug_stream!(Scan<S, A, F>, has_ended);
