//! What brings futures into a group, and their outputs back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Panics;
use aio_core::Reason;
use aio_group::generic::{GroupHome, Results};
use aio_timer::{CancelScope, Cancellable};
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Group;

/// The children of one stream.
#[derive(Debug)]
pub struct Launch<'a, 'env, T, E, H: GroupHome> {
    // Dropped before the results: nobody would take those of children that are not cut.
    all: All,
    pub(super) results: Results<'a, 'env, Option<(usize, T)>, E, H>,
}

/// All children of a stream, which are cancelled with it.
#[derive(Debug)]
struct All(CancelScope);

impl Drop for All {
    fn drop(&mut self) {
        // A waker may panic, and this may be dropped by a panic.
        let mut panics = Panics::new();
        panics.catch(|| self.0.cancel_with(Reason::Dropped));
        panics.resume();
    }
}

pin_project! {
    /// What a child does. An `async` block would have room for the future twice.
    pub(super) struct Numbered<F: Future> {
        number: usize,
        #[pin]
        run: Cancellable<F>,
    }
}

impl<F: Future> Future for Numbered<F> {
    type Output = Option<(usize, F::Output)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.run.poll(cx).map(|outcome| outcome.ok().map(|output| (*this.number, output)))
    }
}

impl<'a, 'env, T, E, H: GroupHome> Launch<'a, 'env, T, E, H> {
    pub(super) fn new(group: &'a impl Group<'env, Error = E, Home = H>) -> Self {
        Self { all: All(CancelScope::new()), results: group.results() }
    }

    /// What a child does: gives its number and its output. Nothing if the stream was dropped, when nobody waits for it.
    pub(super) fn child<F: Future<Output = T>>(&self, number: usize, future: F) -> Numbered<F> {
        Numbered { number, run: self.all.0.run(future) }
    }

    /// The next output and its number; none if no child has one. While the group aborts it waits: so is the caller.
    pub(super) fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, T)>> {
        loop {
            match ready!(Pin::new(&mut self.results).poll_next(cx)) {
                Some(None) => {}
                output => return Poll::Ready(output.flatten()),
            }
        }
    }

    /// How many children run or have outputs here.
    pub(super) fn n_pending(&self) -> usize {
        self.results.size_hint().1.unwrap_or_default()
    }

    /// How many have outputs here.
    pub(super) fn n_ready(&self) -> usize {
        self.results.size_hint().0
    }
}
