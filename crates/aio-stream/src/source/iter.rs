//! Streams of what is there already.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// A stream of the items of a collection or iterator. It never waits.
///
/// # Examples
/// ```
/// use aio_stream::{StreamExt, iter};
///
/// futures_lite::future::block_on(async {
///     let mut squares = iter([1, 2, 3]).map(|n| n * n);
///     assert_eq!(squares.next().await, Some(1));
/// });
/// ```
pub fn iter<I: IntoIterator>(items: I) -> Iter<I::IntoIter> {
    Iter { items: items.into_iter() }
}

/// The stream of [`iter()`].
#[derive(Debug, Clone)]
#[must_use = "a stream does nothing unless it is iterated over"]
pub struct Iter<I> {
    items: I,
}

/// The iterator is never pinned.
impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}
