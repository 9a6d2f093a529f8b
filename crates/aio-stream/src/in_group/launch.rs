//! What brings futures into a group, and their outputs back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Panics;
use aio_core::Reason;
use aio_group::generic::{GroupHome, Results};
use aio_timer::CancelScope;
use futures_core::Stream;

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

impl<'a, 'env, T, E, H: GroupHome> Launch<'a, 'env, T, E, H> {
    pub(super) fn new(group: &'a impl Group<'env, Error = E, Home = H>) -> Self {
        Self { all: All(CancelScope::new()), results: group.results() }
    }

    /// What a child does: gives its number and its output. Nothing if the stream was dropped, when nobody waits for it.
    pub(super) fn child<F: Future<Output = T>>(
        &self,
        number: usize,
        future: F,
    ) -> impl Future<Output = Option<(usize, T)>> + use<F, T, E, H> {
        let run = self.all.0.run(future);
        async move { run.await.ok().map(|output| (number, output)) }
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
