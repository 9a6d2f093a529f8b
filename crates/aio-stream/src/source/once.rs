//! A stream of one item.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// A stream of one item, the output of `future`. (One of a value that is there is [`iter([value])`](crate::iter()).)
///
/// # Examples
/// ```
/// use aio_stream::{StreamExt, iter, once};
///
/// # futures_lite::future::block_on(async {
/// let numbers = once(async { 1 }).chain(iter([2, 3]));
/// assert_eq!(numbers.collect::<Vec<_>>().await, [1, 2, 3]);
/// # });
/// ```
pub fn once<F: Future>(future: F) -> Once<F> {
    Once { future: Some(future) }
}

pin_project! {
    /// The stream of [`once`].
    #[derive(Debug, Clone)]
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Once<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F: Future> Stream for Once<F> {
    type Item = F::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let output = ready!(future.poll(cx));
        this.future.set(None);
        Poll::Ready(Some(output))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = usize::from(self.future.is_some());
        (n, Some(n))
    }
}
