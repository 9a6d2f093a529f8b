//! The last item before a silence.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aio_timer::{Sleep, sleep};
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::AT_ONCE;
use crate::adapter::{Fuse, plus};

pin_project! {
    /// The stream of [`StreamExt::debounce`](crate::StreamExt::debounce).
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Debounce<S: Stream> {
        #[pin]
        stream: Fuse<S>,
        last: Option<S::Item>,
        // Since the last item.
        #[pin]
        sleep: Option<Sleep>,
        silence: Duration,
    }
}

impl<S: Stream> Debounce<S> {
    pub(crate) fn new(stream: S, silence: Duration) -> Self {
        Self { stream: Fuse::new(stream), last: None, sleep: None, silence }
    }
}

impl<S: Stream> Stream for Debounce<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let mut n_passed = 0;
        while let Poll::Ready(item) = this.stream.as_mut().poll_next(cx) {
            if item.is_none() {
                // No other will come.
                this.sleep.set(None);
                return Poll::Ready(this.last.take());
            }
            *this.last = item;
            this.sleep.set(Some(sleep(*this.silence)));
            n_passed += 1;
            if n_passed == AT_ONCE {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let Some(sleep) = this.sleep.as_mut().as_pin_mut() else { return Poll::Pending };
        ready!(sleep.poll(cx));
        this.sleep.set(None);
        Poll::Ready(this.last.take())
    }

    /// Only the last of all is sure to come.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = plus(self.stream.size_hint(), usize::from(self.last.is_some()));
        (lower.min(1), upper)
    }
}
