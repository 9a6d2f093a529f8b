//! A stream of a function from state to state.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

/// A stream of what `f` makes of a state that goes through it: the next item and the state for the one after it, or
/// `None` at the end. After that the stream gives `None` for ever.
///
/// With more than one place at which an item comes into being, [`generate`](crate::generate()) is easier to read.
///
/// # Cancel safety
/// Dropping the stream drops the call that runs, and the state with it.
///
/// # Examples
/// ```
/// use std::pin::pin;
/// use aio_stream::{StreamExt, unfold};
///
/// # futures_lite::future::block_on(async {
/// let powers = unfold(1, async |n| Some((n, n * 2)));
/// assert_eq!(powers.take(4).collect::<Vec<_>>().await, [1, 2, 4, 8]);
/// # });
/// ```
pub fn unfold<A, T, F, Fut>(state: A, f: F) -> Unfold<A, F, Fut>
where
    F: FnMut(A) -> Fut,
    Fut: Future<Output = Option<(T, A)>>,
{
    Unfold { f, state: Some(state), running: None }
}

pin_project! {
    /// The stream of [`unfold`].
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct Unfold<A, F, Fut> {
        f: F,
        // Unless a call has it, or there is none any more.
        state: Option<A>,
        #[pin]
        running: Option<Fut>,
    }
}

impl<A, T, F, Fut> Stream for Unfold<A, F, Fut>
where
    F: FnMut(A) -> Fut,
    Fut: Future<Output = Option<(T, A)>>,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        if let Some(state) = this.state.take() {
            this.running.set(Some((this.f)(state)));
        }
        let Some(running) = this.running.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let next = ready!(running.poll(cx));
        this.running.set(None);
        Poll::Ready(next.map(|(item, state)| {
            *this.state = Some(state);
            item
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.state.is_none() && self.running.is_none() { (0, Some(0)) } else { (0, None) }
    }
}

impl<A, F, Fut> fmt::Debug for Unfold<A, F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Unfold { .. }")
    }
}
