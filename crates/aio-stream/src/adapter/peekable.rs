//! Looking at the next item before it is taken.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Fuse, plus};

pin_project! {
    /// The stream of [`StreamExt::peekable`](crate::StreamExt::peekable).
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Peekable<S: Stream> {
        #[pin]
        stream: Fuse<S>,
        peeked: Option<S::Item>,
    }
}

impl<S: Stream> Peekable<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream: Fuse::new(stream), peeked: None }
    }

    /// A look at the next item; `None` at the end.
    ///
    /// # Cancel safety
    /// No item is lost.
    pub fn peek(&mut self) -> Peek<'_, S>
    where
        S: Unpin,
    {
        Peek { stream: Some(Pin::new(self)) }
    }

    /// The same for polling by hand.
    pub fn poll_peek(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<&mut S::Item>> {
        let this = self.project();
        if this.peeked.is_none() {
            *this.peeked = ready!(this.stream.poll_next(cx));
        }
        Poll::Ready(this.peeked.as_mut())
    }
}

impl<S: Stream> Stream for Peekable<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        match this.peeked.take() {
            None => this.stream.poll_next(cx),
            item => Poll::Ready(item),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        plus(self.stream.size_hint(), usize::from(self.peeked.is_some()))
    }
}

/// The future of [`Peekable::peek`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Peek<'a, S: Stream> {
    /// Until it is ready.
    stream: Option<Pin<&'a mut Peekable<S>>>,
}

impl<'a, S: Stream> Future for Peek<'a, S> {
    type Output = Option<&'a mut S::Item>;

    /// # Panics
    /// If it has been ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stream = self.stream.as_mut().expect("a future is not polled after it was ready");
        ready!(stream.as_mut().poll_peek(cx));
        // By the reference that lives as long as the item is lent.
        Poll::Ready(self.stream.take().and_then(|stream| stream.project().peeked.as_mut()))
    }
}

impl<S: Stream> std::fmt::Debug for Peek<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("Peek { .. }")
    }
}
