//! Each item with those before it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::plus;

pin_project! {
    /// The stream of [`StreamExt::windows`](crate::StreamExt::windows).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Windows<S: Stream> {
        #[pin]
        stream: S,
        // Of the next window, but for the last.
        items: VecDeque<S::Item>,
        size: usize,
    }
}

impl<S: Stream> Windows<S> {
    #[track_caller]
    pub(crate) fn new(stream: S, size: usize) -> Self {
        assert!(size > 0, "a window of no items shows nothing");
        Self { stream, items: VecDeque::new(), size }
    }
}

impl<S: Stream<Item: Clone>> Stream for Windows<S> {
    type Item = Vec<S::Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) else { return Poll::Ready(None) };
            this.items.push_back(item);
            if this.items.len() == *this.size {
                let window = this.items.iter().cloned().collect();
                this.items.pop_front();
                return Poll::Ready(Some(window));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = plus(self.stream.size_hint(), self.items.len());
        let windows = |items: usize| items.saturating_sub(self.size - 1);
        (windows(lower), upper.map(windows))
    }
}
