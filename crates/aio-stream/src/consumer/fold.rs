//! All items made one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The future of [`StreamExt::fold`](crate::StreamExt::fold).
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Fold<S, A, F> {
        #[pin]
        pub(crate) stream: S,
        // Until it is ready.
        pub(crate) so_far: Option<A>,
        pub(crate) f: F,
    }
}

impl<S: Stream, A, F: FnMut(A, S::Item) -> A> Future for Fold<S, A, F> {
    type Output = A;

    /// # Panics
    /// If it has been ready, or if the closure has panicked before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<A> {
        let mut this = self.project();
        loop {
            let item = ready!(this.stream.as_mut().poll_next(cx));
            let so_far = this.so_far.take().expect("a future is not polled after it was ready or has panicked");
            match item {
                Some(item) => *this.so_far = Some((this.f)(so_far, item)),
                None => return Poll::Ready(so_far),
            }
        }
    }
}

debug_stream!(Fold<S, A, F>);
