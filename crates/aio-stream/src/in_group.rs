//! Streams of futures that run in a group.

mod group;
mod launch;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_group::generic::GroupHome;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::adapter::{Fuse, plus};

pub use group::{Group, RunsInPlace};
use launch::Launch;

pin_project! {
    /// The stream of [`StreamExt::buffered_in`](crate::StreamExt::buffered_in).
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct BufferedIn<'a, 'env, S: Stream, E, H: GroupHome>
    where
        S::Item: Future,
    {
        #[pin]
        futures: Fuse<S>,
        launch: Launch<'a, 'env, <S::Item as Future>::Output, E, H>,
        // A place for each that was begun and not given, in their order.
        outputs: VecDeque<Option<<S::Item as Future>::Output>>,
        // The number of the first of them.
        first: usize,
        limit: usize,
    }
}

impl<'a, 'env, S: Stream<Item: Future>, E, H: GroupHome> BufferedIn<'a, 'env, S, E, H> {
    #[track_caller]
    pub(crate) fn new(futures: S, group: &'a impl Group<'env, Error = E, Home = H>, limit: usize) -> Self {
        assert!(limit > 0, "with a limit of zero no future would ever begin");
        Self { futures: Fuse::new(futures), launch: Launch::new(group), outputs: VecDeque::new(), first: 0, limit }
    }
}

impl<'env, S, E, H> Stream for BufferedIn<'_, 'env, S, E, H>
where
    S: Stream<Item: Future>,
    H: RunsInPlace<'env, S::Item, E>,
{
    type Item = <S::Item as Future>::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            while this.outputs.len() < *this.limit {
                let Poll::Ready(Some(future)) = this.futures.as_mut().poll_next(cx) else { break };
                H::begin(this.launch, *this.first + this.outputs.len(), future);
                this.outputs.push_back(None);
            }
            if let Some(Some(_)) = this.outputs.front() {
                *this.first += 1;
                return Poll::Ready(this.outputs.pop_front().flatten());
            }
            if this.outputs.is_empty() {
                return if this.futures.has_ended() { Poll::Ready(None) } else { Poll::Pending };
            }
            match ready!(this.launch.poll_output(cx)) {
                Some((number, output)) => this.outputs[number - *this.first] = Some(output),
                // Nobody is there any more, and the group goes on: the first has panicked in a group that bears that.
                None => {
                    this.outputs.pop_front();
                    *this.first += 1;
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (_, upper) = plus(self.futures.size_hint(), self.outputs.len());
        (self.outputs.iter().flatten().count(), upper)
    }
}

impl<S: Stream<Item: Future>, E, H: GroupHome> fmt::Debug for BufferedIn<'_, '_, S, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedIn").field("pending", &self.outputs.len()).finish_non_exhaustive()
    }
}

pin_project! {
    /// The stream of [`StreamExt::buffer_unordered_in`](crate::StreamExt::buffer_unordered_in).
    #[must_use = "a stream does nothing unless it is iterated over"]
    pub struct BufferUnorderedIn<'a, 'env, S: Stream, E, H: GroupHome>
    where
        S::Item: Future,
    {
        #[pin]
        futures: Fuse<S>,
        launch: Launch<'a, 'env, <S::Item as Future>::Output, E, H>,
        limit: usize,
    }
}

impl<'a, 'env, S: Stream<Item: Future>, E, H: GroupHome> BufferUnorderedIn<'a, 'env, S, E, H> {
    #[track_caller]
    pub(crate) fn new(futures: S, group: &'a impl Group<'env, Error = E, Home = H>, limit: usize) -> Self {
        assert!(limit > 0, "with a limit of zero no future would ever begin");
        Self { futures: Fuse::new(futures), launch: Launch::new(group), limit }
    }
}

impl<'env, S, E, H> Stream for BufferUnorderedIn<'_, 'env, S, E, H>
where
    S: Stream<Item: Future>,
    H: RunsInPlace<'env, S::Item, E>,
{
    type Item = <S::Item as Future>::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            // As many as there is room for at first: in a group that aborts nobody takes it.
            let room = this.launch.n_pending()..*this.limit;
            let full = room.into_iter().all(|_| match this.futures.as_mut().poll_next(cx) {
                Poll::Ready(Some(future)) => {
                    H::begin(this.launch, 0, future);
                    true
                }
                _ => false,
            });
            match ready!(this.launch.poll_output(cx)) {
                Some((_, output)) => return Poll::Ready(Some(output)),
                // All have panicked meanwhile, on another thread, in a group that bears that.
                None if full => {}
                None if this.futures.has_ended() => return Poll::Ready(None),
                None => return Poll::Pending,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (_, upper) = plus(self.futures.size_hint(), self.launch.n_pending());
        (self.launch.n_ready(), upper)
    }
}

impl<S: Stream<Item: Future>, E, H: GroupHome> fmt::Debug for BufferUnorderedIn<'_, '_, S, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferUnorderedIn").field("pending", &self.launch.n_pending()).finish_non_exhaustive()
    }
}
