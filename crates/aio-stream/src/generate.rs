//! Async generators.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Emitter;
use crate::body::Body;

/// An async generator: a stream of what `body` emits.
///
/// `body` is called at the first poll. It runs only while an item is asked for, and stops at every
/// [`emit`](Emitter::emit) until the next one is. There is no channel and no allocation, unless several emits wait at
/// once.
///
/// Most generators cannot be moved once they run, so [pin](std::pin::pin!) one to iterate over it by hand.
///
/// # Cancel safety
/// Dropping a generator half-way drops its body where it stands, in the current scope: what the body `defer`red runs
/// there, and the scope does not end before it has.
///
/// # Panics
/// A panic in the body goes on in whoever polls. After the end, the stream gives `None` for ever; after a panic, it
/// may panic again.
///
/// # Examples
/// ```
/// use std::pin::pin;
/// use aio_stream::{StreamExt, generate};
///
/// futures_lite::future::block_on(async {
///     let mut countdown = pin!(generate(async |out| {
///         for n in (1..=3).rev() {
///             out.emit(n).await;
///         }
///     }));
///     while let Some(n) = countdown.next().await {
///         println!("{n}");
///     }
/// });
/// ```
///
/// A body that borrows:
/// ```
/// # use aio_stream::{StreamExt, generate};
/// # futures_lite::future::block_on(async {
/// let words = vec!["async", "for"];
/// let lengths: Vec<usize> = generate(async |out| {
///     for word in &words {
///         out.emit(word.len()).await;
///     }
/// })
/// .collect()
/// .await;
/// assert_eq!(lengths, [5, 3]);
/// # });
/// ```
///
/// It does not run without being pinned:
/// ```compile_fail,E0277
/// # use aio_stream::{StreamExt, generate};
/// # async {
/// let mut numbers = generate(async |out| out.emit(1).await);
/// numbers.next().await;
/// # };
/// ```
///
/// A generator of what may not leave the thread may not leave it either:
/// ```compile_fail,E0277
/// # use aio_stream::generate;
/// fn is_send(_: impl Send) {}
/// is_send(generate(async |out| out.emit(std::rc::Rc::new(1)).await));
/// ```
pub fn generate<T, F, Fut>(body: F) -> Generate<T, F, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = ()>,
{
    Generate { body: Body::new(body) }
}

pin_project! {
    /// The stream of [`generate()`].
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Generate<T, F, Fut: Future> {
        #[pin]
        body: Body<T, F, Fut>,
    }
}

impl<T, F, Fut> Stream for Generate<T, F, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = ()>,
{
    type Item = T;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.project().body.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.body.left() {
            Some((items, _)) => (items, Some(items)),
            None => (0, None),
        }
    }
}

impl<T, F, Fut: Future> fmt::Debug for Generate<T, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Generate { .. }")
    }
}
