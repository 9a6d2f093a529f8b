//! A stream of a function from state to state that may fail.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// [`unfold`](crate::unfold) with a function that may fail: an error comes as the last item.
///
/// # Cancel safety
/// As [`unfold`](crate::unfold).
///
/// # Examples
/// ```
/// use aio_stream::{TryStreamExt, try_unfold};
///
/// # futures_lite::future::block_on(async {
/// let mut left = ["2", "one"].into_iter();
/// let numbers = try_unfold((), |()| {
///     let word = left.next();
///     async move { word.map(|word| Ok((word.parse::<u8>()?, ()))).transpose() }
/// });
/// let error: std::num::ParseIntError = numbers.try_collect::<Vec<_>>().await.unwrap_err();
/// # });
/// ```
pub fn try_unfold<A, T, E, F, Fut>(state: A, f: F) -> TryUnfold<A, F, Fut>
where
    F: FnMut(A) -> Fut,
    Fut: Future<Output = Result<Option<(T, A)>, E>>,
{
    TryUnfold { f, state: Some(state), running: None }
}

pin_project! {
    /// The stream of [`try_unfold`].
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct TryUnfold<A, F, Fut> {
        f: F,
        // Unless a call has it, or there is none any more.
        state: Option<A>,
        #[pin]
        running: Option<Fut>,
    }
}

impl<A, T, E, F, Fut> Stream for TryUnfold<A, F, Fut>
where
    F: FnMut(A) -> Fut,
    Fut: Future<Output = Result<Option<(T, A)>, E>>,
{
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(state) = this.state.take() {
            this.running.set(Some((this.f)(state)));
        }
        let Some(running) = this.running.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let next = ready!(running.poll(cx));
        this.running.set(None);
        Poll::Ready(next.transpose().map(|next| {
            next.map(|(item, state)| {
                *this.state = Some(state);
                item
            })
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.state.is_none() && self.running.is_none() { (0, Some(0)) } else { (0, None) }
    }
}

impl<A, F, Fut> fmt::Debug for TryUnfold<A, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TryUnfold { .. }")
    }
}
