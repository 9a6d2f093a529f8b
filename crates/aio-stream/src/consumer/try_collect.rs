//! All items together, unless something goes wrong.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::TryStream;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`TryStreamExt::try_collect`](crate::TryStreamExt::try_collect).
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct TryCollect<S, C> {
        #[pin]
        pub(crate) stream: S,
        pub(crate) collection: C,
    }
}

impl<S: TryStream, C: Default + Extend<S::Ok>> Future for TryCollect<S, C> {
    type Output = Result<C, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        while let Some(item) = ready!(this.stream.as_mut().try_poll_next(cx)).transpose()? {
            this.collection.extend(Some(item));
        }
        Poll::Ready(Ok(mem::take(this.collection)))
    }
}
