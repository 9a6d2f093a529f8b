//! Async generators that may fail.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Emitter;
use crate::body::Body;

/// [`generate`](crate::generate()) with `?` in the body: each item comes as `Ok`; if the body returns an error, that
/// comes as the last item.
///
/// # Examples
/// ```
/// use aio_stream::{StreamExt, try_generate};
///
/// futures_lite::future::block_on(async {
///     let numbers = try_generate(async |out| {
///         for word in ["1", "2", "three", "4"] {
///             out.emit(word.parse::<i32>()?).await;
///         }
///         Ok::<_, std::num::ParseIntError>(())
///     });
///     let numbers: Vec<_> = numbers.collect().await;
///     assert_eq!(numbers[..2], [Ok(1), Ok(2)]);
///     assert!(numbers[2].is_err());
///     assert_eq!(numbers.len(), 3);
/// });
/// ```
pub fn try_generate<T, E, F, Fut>(body: F) -> TryGenerate<T, F, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    TryGenerate { body: Body::new(body) }
}

pin_project! {
    /// The stream of [`try_generate()`].
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct TryGenerate<T, F, Fut: Future> {
        #[pin]
        body: Body<T, F, Fut>,
    }
}

impl<T, E, F, Fut> Stream for TryGenerate<T, F, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    type Item = Result<T, E>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.project().body;
        body.as_mut().poll_next(cx).map(|item| match item {
            Some(item) => Some(Ok(item)),
            None => body.take_output().and_then(Result::err).map(Err),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.body.left() {
            // What is left beside the items may be an error or nothing.
            Some((items, has_output)) => (items, Some(items + usize::from(has_output))),
            None => (0, None),
        }
    }
}

impl<T, F, Fut: Future> fmt::Debug for TryGenerate<T, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TryGenerate { .. }")
    }
}
