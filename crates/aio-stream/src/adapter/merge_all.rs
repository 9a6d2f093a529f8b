//! Any number of streams as their items come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::ReadySet;
use futures_core::Stream;

use crate::release::release;

/// The items of all `streams` as they come. It ends when all have ended; [`push`](MergeAll::push) adds more.
///
/// A stream is polled only when it has been woken, so that those which are idle cost nothing.
///
/// # Cancel safety
/// No item is taken from a stream before it is given. What the streams have deferred runs side by side, when they are
/// dropped together.
///
/// # Fairness
/// Who has given an item waits until all others who are ready have given one. Streams that always have one keep the
/// caller's task for a few dozen items at a time, and then give others a turn.
///
/// # Panics
/// If one of the streams does: it is dropped. The result may be polled on for the others.
///
/// # Examples
/// ```
/// use aio_stream::{StreamExt, iter, merge_all};
///
/// # futures_lite::future::block_on(async {
/// let both: Vec<_> = merge_all([iter(["a", "b", "c"]), iter(["x", "y", "z"])]).collect().await;
/// assert_eq!(both, ["a", "x", "b", "y", "c", "z"]);
/// # });
/// ```
pub fn merge_all<S: Stream>(streams: impl IntoIterator<Item = S>) -> MergeAll<S> {
    let mut all = MergeAll { streams: ReadySet::new() };
    streams.into_iter().for_each(|stream| all.push(stream));
    all
}

/// The stream of [`merge_all`].
#[must_use = "a stream does nothing unless it is iterated over"]
pub struct MergeAll<S> {
    streams: ReadySet<Pin<Box<S>>>,
}

impl<S: Stream> MergeAll<S> {
    /// Adds a stream.
    pub fn push(&mut self, stream: S) {
        self.streams.insert(Box::pin(stream));
    }

    /// How many streams have not ended.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether all streams have ended.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }
}

impl<S: Stream> Stream for MergeAll<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.streams.poll_next_item(cx, |stream, cx| stream.as_mut().poll_next(cx))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.is_empty().then_some(0))
    }
}

/// One after the other, since two destructors that panic in one unwinding abort the process.
impl<S> Drop for MergeAll<S> {
    fn drop(&mut self) {
        release(&mut self.streams);
    }
}

/// The streams are in boxes.
impl<S> Unpin for MergeAll<S> {}

/// Of no streams so far.
impl<S: Stream> Default for MergeAll<S> {
    fn default() -> Self {
        merge_all([])
    }
}

impl<S> fmt::Debug for MergeAll<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergeAll").field("streams", &self.streams.len()).finish()
    }
}
