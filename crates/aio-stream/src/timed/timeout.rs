//! Not waiting longer than that for an item.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aio_timer::{Elapsed, Sleep, sleep};
use futures_core::Stream;
use pin_project_lite::pin_project;

pin_project! {
    /// The stream of [`StreamExt::timeout`](crate::StreamExt::timeout).
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Timeout<S> {
        #[pin]
        stream: S,
        // While an item is waited for.
        #[pin]
        sleep: Option<Sleep>,
        duration: Duration,
        has_ended: bool,
    }
}

impl<S> Timeout<S> {
    pub(crate) fn new(stream: S, duration: Duration) -> Self {
        Self { stream, sleep: None, duration, has_ended: false }
    }
}

impl<S: Stream> Stream for Timeout<S> {
    type Item = Result<S::Item, Elapsed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if *this.has_ended {
            return Poll::Ready(None);
        }
        // Before the clock is looked at: an item that is there is never thrown away.
        if let Poll::Ready(item) = this.stream.poll_next(cx) {
            this.sleep.set(None);
            *this.has_ended = item.is_none();
            return Poll::Ready(item.map(Ok));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep(*this.duration)));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        this.sleep.set(None);
        Poll::Ready(Some(Err(Elapsed)))
    }

    /// There may be any number of errors between the items.
    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended { (0, Some(0)) } else { (self.stream.size_hint().0, None) }
    }
}
