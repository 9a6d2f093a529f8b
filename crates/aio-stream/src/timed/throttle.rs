//! Items with a distance.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aio_base::Deadline;
use aio_timer::{Sleep, sleep, sleep_until};
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::adapter::Fuse;

pin_project! {
    /// The stream of [`StreamExt::throttle`](crate::StreamExt::throttle).
    #[derive(Debug)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Throttle<S> {
        #[pin]
        stream: Fuse<S>,
        // Since the last item.
        #[pin]
        sleep: Option<Sleep>,
        distance: Duration,
    }
}

impl<S> Throttle<S> {
    pub(crate) fn new(stream: S, distance: Duration) -> Self {
        Self { stream: Fuse::new(stream), sleep: None, distance }
    }
}

impl<S: Stream> Stream for Throttle<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.poll(cx));
            this.sleep.set(None);
        }
        let item = ready!(this.stream.poll_next(cx));
        if item.is_some() && !this.distance.is_zero() {
            // From now on, not from when the next item is asked for. One that no clock reaches lasts for ever as well.
            let next = Deadline::after(aio_core::now(), *this.distance).instant();
            this.sleep.set(Some(next.map_or(sleep(Duration::MAX), sleep_until)));
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
