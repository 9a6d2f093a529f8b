//! A call for each item, several at a time, and an end when all calls have ended.
//!
//! The calls run inside of the future that is returned here, so they may borrow, and it is `Send` if they are.

mod keep;

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::{Panics, ReadySet};
use aio_core::{JoinError, Reason, Scope, cutting};
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::release::release;
use keep::Keep;
pub use keep::{InOrder, Nothing, TryInOrder, TryNothing};

/// The future of [`StreamExt::for_each_concurrent`](crate::StreamExt::for_each_concurrent).
pub type ForEachConcurrent<S, F, Fut> = Concurrent<S, F, Fut, Nothing>;

/// The future of [`StreamExt::map_concurrent`](crate::StreamExt::map_concurrent).
pub type MapConcurrent<S, F, Fut> = Concurrent<S, F, Fut, InOrder<<Fut as Future>::Output>>;

/// The future of [`TryStreamExt::try_for_each_concurrent`](crate::TryStreamExt::try_for_each_concurrent).
pub type TryForEachConcurrent<S, F, Fut> = Concurrent<S, F, Fut, TryNothing>;

/// The future of [`TryStreamExt::try_map_concurrent`](crate::TryStreamExt::try_map_concurrent), `T` being what a call
/// gives.
pub type TryMapConcurrent<S, F, Fut, T> = Concurrent<S, F, Fut, TryInOrder<T>>;

pin_project! {
    /// Runs calls for the items of a stream, several at a time. `K` says what is done with what they give.
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Concurrent<S, F, Fut, K>
    where
        S: Stream,
        F: FnMut(K::Argument) -> Fut,
        Fut: Future,
        K: Keep<S::Item, Fut::Output>,
    {
        // What the calls leave behind has ended before this does.
        #[pin]
        scope: Scope<Crew<S, F, Fut, K>>,
    }
}

impl<S, F, Fut, K> Concurrent<S, F, Fut, K>
where
    S: Stream,
    F: FnMut(K::Argument) -> Fut,
    Fut: Future,
    K: Keep<S::Item, Fut::Output>,
{
    #[track_caller]
    pub(crate) fn new(stream: S, limit: usize, f: F) -> Self {
        assert!(limit > 0, "with a limit of zero no call would ever begin");
        let crew =
            Crew { stream, f, running: ReadySet::new(), n_begun: 0, limit, keep: K::default(), has_ended: false };
        Self { scope: Scope::new(crew) }
    }
}

impl<S, F, Fut, K> Future for Concurrent<S, F, Fut, K>
where
    S: Stream,
    F: FnMut(K::Argument) -> Fut,
    Fut: Future,
    K: Keep<S::Item, Fut::Output>,
{
    type Output = K::End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<K::End> {
        // A panic as well comes when all have ended.
        Poll::Ready(match ready!(self.project().scope.poll_outcome(cx)) {
            Ok(end) => end,
            Err(error) => resume_unwind(error.into_panic()),
        })
    }
}

impl<S, F, Fut, K> fmt::Debug for Concurrent<S, F, Fut, K>
where
    S: Stream,
    F: FnMut(K::Argument) -> Fut,
    Fut: Future,
    K: Keep<S::Item, Fut::Output>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrent").field("scope", &self.scope).finish()
    }
}

pin_project! {
    /// The calls, and where they come from.
    struct Crew<S, F, Fut: Future, K> {
        #[pin]
        stream: S,
        f: F,
        running: ReadySet<Pin<Box<Call<Fut>>>>,
        n_begun: usize,
        limit: usize,
        keep: K,
        has_ended: bool,
    }

    impl<S, F, Fut: Future, K> PinnedDrop for Crew<S, F, Fut, K> {
        fn drop(this: Pin<&mut Self>) {
            release(this.project().running);
        }
    }
}

pin_project! {
    /// It ends with its cleanups, as a child of a group does.
    struct Call<Fut: Future> {
        number: usize,
        #[pin]
        scope: Scope<Fut>,
    }
}

impl<Fut: Future> Future for Call<Fut> {
    type Output = (usize, Result<Fut::Output, JoinError>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.scope.poll_outcome(cx).map(|outcome| (*this.number, outcome))
    }
}

impl<S, F, Fut, K> Future for Crew<S, F, Fut, K>
where
    S: Stream,
    F: FnMut(K::Argument) -> Fut,
    Fut: Future,
    K: Keep<S::Item, Fut::Output>,
{
    type Output = K::End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<K::End> {
        let mut this = self.project();
        let mut panics = Panics::new();
        let step = panics.catch(|| {
            loop {
                while !*this.has_ended && this.running.len() < *this.limit {
                    let Poll::Ready(item) = this.stream.as_mut().poll_next(cx) else { break };
                    let Some(item) = item else {
                        *this.has_ended = true;
                        break;
                    };
                    let future = match K::argument(item) {
                        Ok(argument) => (this.f)(argument),
                        Err(end) => return Poll::Ready(end),
                    };
                    this.running.insert(Box::pin(Call { number: *this.n_begun, scope: Scope::new(future) }));
                    *this.n_begun += 1;
                }
                match this.running.poll_next(cx) {
                    Poll::Ready(Some((_, (number, outcome)))) => {
                        let output = outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                        if let Some(end) = this.keep.take(number, output) {
                            return Poll::Ready(end);
                        }
                    }
                    Poll::Ready(None) if *this.has_ended => return Poll::Ready(this.keep.end()),
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        });
        // After a failure there are others left.
        if !matches!(step, Some(Poll::Pending)) {
            panics.catch(|| cutting(&Reason::Aborted, || release(this.running)));
        }
        panics.rethrow();
        step.unwrap_or(Poll::Pending)
    }
}
