//! A call for each item.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The future of [`StreamExt::for_each`](crate::StreamExt::for_each).
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct ForEach<S, F, Fut> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
        #[pin]
        pub(crate) running: Option<Fut>,
    }
}

impl<S, F, Fut> Future for ForEach<S, F, Fut>
where
    S: Stream,
    F: FnMut(S::Item) -> Fut,
    Fut: Future<Output = ()>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        loop {
            if let Some(running) = this.running.as_mut().as_pin_mut() {
                ready!(running.poll(cx));
                this.running.set(None);
            }
            let Some(item) = ready!(this.stream.as_mut().poll_next(cx)) else { return Poll::Ready(()) };
            this.running.set(Some((this.f)(item)));
        }
    }
}

debug_stream!(ForEach<S, F, Fut>);
