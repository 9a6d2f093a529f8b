//! A call for each item, until one fails.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::TryStream;
use pin_project_lite::pin_project;

use crate::debug::debug_stream;

pin_project! {
    /// The future of [`TryStreamExt::try_for_each`](crate::TryStreamExt::try_for_each).
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct TryForEach<S, F, Fut> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) f: F,
        #[pin]
        pub(crate) running: Option<Fut>,
    }
}

impl<S, F, Fut> Future for TryForEach<S, F, Fut>
where
    S: TryStream,
    F: FnMut(S::Ok) -> Fut,
    Fut: Future<Output = Result<(), S::Error>>,
{
    type Output = Result<(), S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Some(running) = this.running.as_mut().as_pin_mut() {
                let outcome = ready!(running.poll(cx));
                this.running.set(None);
                outcome?;
            }
            let Some(item) = ready!(this.stream.as_mut().try_poll_next(cx)).transpose()? else {
                return Poll::Ready(Ok(()));
            };
            this.running.set(Some((this.f)(item)));
        }
    }
}

debug_stream!(TryForEach<S, F, Fut>);
