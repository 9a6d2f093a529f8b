//! A future for each item.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::plus;
use crate::debug::debug_stream;

pin_project! {
    /// The stream of [`StreamExt::then`](crate::StreamExt::then).
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Then<S, F, Fut> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
        #[pin]
        pub(crate) running: Option<Fut>,
    }
}

impl<S: Stream, F: FnMut(S::Item) -> Fut, Fut: Future> Stream for Then<S, F, Fut> {
    type Item = Fut::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if this.running.is_none() {
            let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) else { return Poll::Ready(None) };
            this.running.set(Some((this.f)(item)));
        }
        let Some(running) = this.running.as_mut().as_pin_mut() else { return Poll::Pending };
        let output = ready!(running.poll(cx));
        this.running.set(None);
        Poll::Ready(Some(output))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        plus(self.stream.size_hint(), usize::from(self.running.is_some()))
    }
}

debug_stream!(Then<S, F, Fut>);
