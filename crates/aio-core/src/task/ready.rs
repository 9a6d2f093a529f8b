//! Work that is done already.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that is finished: awaiting it gives `value` without a turn of the loop.
///
/// ```
/// assert_eq!(aio_core::run(aio_core::ready(100)), 100);
/// ```
pub const fn ready<T>(value: T) -> Ready<T> {
    Ready(Some(value))
}

/// The future of [`ready`].
#[derive(Debug, Clone)]
#[must_use = "futures do nothing unless awaited"]
pub struct Ready<T>(Option<T>);

impl<T> Unpin for Ready<T> {}

impl<T> Future for Ready<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(self.0.take().expect("`Ready` was polled after it had given its value"))
    }
}
