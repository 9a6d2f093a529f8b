//! The items of streams, one stream after the other.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Fuse;
use crate::Map;

pin_project! {
    /// The stream of [`StreamExt::flatten`](crate::StreamExt::flatten).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Flatten<S, U> {
        #[pin]
        streams: Fuse<S>,
        #[pin]
        current: Option<U>,
    }
}

/// The stream of [`StreamExt::flat_map`](crate::StreamExt::flat_map).
pub type FlatMap<S, U, F> = Flatten<Map<S, F>, U>;

impl<S: Stream<Item = U>, U> Flatten<S, U> {
    pub(crate) fn new(streams: S) -> Self {
        Self { streams: Fuse::new(streams), current: None }
    }
}

impl<S: Stream<Item = U>, U: Stream> Stream for Flatten<S, U> {
    type Item = U::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<U::Item>> {
        let mut this = self.project();
        loop {
            if let Some(current) = this.current.as_mut().as_pin_mut() {
                if let item @ Some(_) = ready!(current.poll_next(cx)) {
                    return Poll::Ready(item);
                }
                this.current.set(None);
            }
            let Some(next) = ready!(this.streams.as_mut().poll_next(cx)) else { return Poll::Ready(None) };
            this.current.set(Some(next));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let current = self.current.as_ref().map_or((0, Some(0)), Stream::size_hint);
        match self.streams.size_hint() {
            (_, Some(0)) => current,
            _ => (current.0, None),
        }
    }
}
