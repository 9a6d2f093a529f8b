//! Items in portions that do not wait for long.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aio_timer::{Sleep, sleep};
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::AT_ONCE;
use crate::adapter::{Fuse, plus};

pin_project! {
    /// The stream of [`StreamExt::chunks_timeout`](crate::StreamExt::chunks_timeout).
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct ChunksTimeout<S: Stream> {
        #[pin]
        stream: Fuse<S>,
        items: Vec<S::Item>,
        // Since the first of them.
        #[pin]
        sleep: Option<Sleep>,
        size: usize,
        duration: Duration,
    }
}

impl<S: Stream> ChunksTimeout<S> {
    #[track_caller]
    pub(crate) fn new(stream: S, size: usize, duration: Duration) -> Self {
        assert!(size > 0, "a chunk of no items would never end");
        Self { stream: Fuse::new(stream), items: Vec::new(), sleep: None, size, duration }
    }
}

impl<S: Stream> Stream for ChunksTimeout<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut n_taken = 0;
        while n_taken < AT_ONCE
            && let Poll::Ready(item) = this.stream.as_mut().poll_next(cx)
        {
            n_taken += 1;
            let has_ended = item.is_none();
            this.items.extend(item);
            if has_ended || this.items.len() == *this.size {
                this.sleep.set(None);
                let items = mem::take(this.items);
                return Poll::Ready((!items.is_empty()).then_some(items));
            }
        }
        if this.items.is_empty() {
            return Poll::Pending;
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep(*this.duration)));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut()
            && sleep.poll(cx).is_pending()
        {
            if n_taken == AT_ONCE {
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        this.sleep.set(None);
        Poll::Ready(Some(mem::take(this.items)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = plus(self.stream.size_hint(), self.items.len());
        (lower.div_ceil(self.size), upper)
    }
}
