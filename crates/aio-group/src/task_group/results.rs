//! Outputs of children in the order of their ends.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use aio_base::home::Exclusive;
use aio_base::waits::{self, Place};
use aio_core::JoinError;
use futures_core::Stream;

use super::delivery::Delivery;
use super::{GroupHandle, GroupHome};

/// Children of a group whose outputs come in the order of the children's ends; made by
/// [`TaskGroup::results`](super::TaskGroup::results). It is a [`Stream`] that goes on when children are added after its
/// end.
///
/// A child that failed or was cancelled has no output: it just leaves. While the group aborts, `None` is not given if
/// children have left that way, since it would look as if their outputs were not missing; who waits is being cancelled.
/// (A cleanup, which is not, takes what there is with [`try_next`](Self::try_next).)
///
/// Dropping it leaves the children to the group, and loses their outputs.
///
/// # Examples
/// ```
/// use aio_group::TaskGroup;
///
/// async fn after(turns: u32) -> u32 {
///     for _ in 0..turns {
///         aio_core::yield_now().await;
///     }
///     turns
/// }
///
/// # aio_core::run(async {
/// let group = TaskGroup::new();
/// let outputs = group
///     .join(async {
///         let mut results = group.results();
///         results.spawn(after(3));
///         results.spawn(after(1));
///         results.spawn_scoped(after(2));
///         let mut outputs = Vec::new();
///         while let Some(output) = results.next().await {
///             outputs.push(output);
///         }
///         outputs
///     })
///     .await;
/// assert_eq!(outputs, [1, 2, 3]);
/// # });
/// ```
pub struct Results<'a, 'env, T, E, H: GroupHome> {
    pub(super) handle: &'a GroupHandle<'env, E, H>,
    arrivals: H::Ref<H::Exclusive<Arrivals<T>>>,
}

struct Arrivals<T> {
    ready: VecDeque<T>,
    /// How many children may still have an output.
    outstanding: usize,
    /// Whether one had none.
    lost: bool,
    awaiter: Option<Waker>,
    /// Whether nobody will take the outputs.
    closed: bool,
}

enum Next<T> {
    Output(T),
    Wait,
    Nobody { lost: bool },
}

impl<'a, 'env, T, E, H: GroupHome> Results<'a, 'env, T, E, H> {
    pub(super) fn new(handle: &'a GroupHandle<'env, E, H>) -> Self {
        let arrivals = Arrivals { ready: VecDeque::new(), outstanding: 0, lost: false, awaiter: None, closed: false };
        Self { handle, arrivals: H::new_ref(<H::Exclusive<_> as Exclusive<_>>::new(arrivals)) }
    }

    /// The next output; none if no child is outstanding.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_next_output(cx)).await
    }

    /// The next output, if it is there already.
    pub fn try_next(&mut self) -> Option<T> {
        self.arrivals.with(|arrivals| arrivals.ready.pop_front())
    }

    fn poll_next_output(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        waits::end_at(Place::of(&*self.arrivals));
        if let Some(output) = self.try_next() {
            return Poll::Ready(Some(output));
        }
        let mut waker = Some(cx.waker().clone());
        let (next, _former) = self.arrivals.with(|arrivals| match arrivals.ready.pop_front() {
            Some(output) => (Next::Output(output), None),
            None if arrivals.outstanding > 0 => (Next::Wait, std::mem::replace(&mut arrivals.awaiter, waker.take())),
            None => (Next::Nobody { lost: arrivals.lost }, None),
        });
        match next {
            Next::Output(output) => Poll::Ready(Some(output)),
            Next::Wait => {
                self.handle.tally.progress.note_wait(Place::of(&*self.arrivals), "a result of a TaskGroup");
                Poll::Pending
            }
            Next::Nobody { lost: true } if self.handle.tally.progress.await_end(cx.waker()) => Poll::Pending,
            Next::Nobody { .. } => Poll::Ready(None),
        }
    }

    /// What brings the output of one more child here.
    pub(super) fn expect_one(&self) -> ToResults<T, H> {
        self.arrivals.with(|arrivals| arrivals.outstanding += 1);
        ToResults { arrivals: Some(self.arrivals.clone()) }
    }
}

impl<T, E, H: GroupHome> Stream for Results<'_, '_, T, E, H> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_next_output(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (ready, outstanding) = self.arrivals.with(|arrivals| (arrivals.ready.len(), arrivals.outstanding));
        (ready, Some(ready + outstanding))
    }
}

impl<T, E, H: GroupHome> Unpin for Results<'_, '_, T, E, H> {}

impl<T, E, H: GroupHome> Drop for Results<'_, '_, T, E, H> {
    fn drop(&mut self) {
        waits::end_at(Place::of(&*self.arrivals));
        let left = self.arrivals.with(|arrivals| {
            arrivals.closed = true;
            (std::mem::take(&mut arrivals.ready), arrivals.awaiter.take())
        });
        drop(left);
    }
}

impl<T, E, H: GroupHome> fmt::Debug for Results<'_, '_, T, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ready, outstanding) = self.arrivals.with(|arrivals| (arrivals.ready.len(), arrivals.outstanding));
        f.debug_struct("Results").field("ready", &ready).field("outstanding", &outstanding).finish()
    }
}

/// Brings the output of one child to its [`Results`].
pub(crate) struct ToResults<T, H: GroupHome> {
    /// Until the child has arrived.
    arrivals: Option<H::Ref<H::Exclusive<Arrivals<T>>>>,
}

impl<T, H: GroupHome> ToResults<T, H> {
    fn arrive(&mut self, output: Option<T>) {
        let Some(arrivals) = self.arrivals.take() else { return };
        let mut output = output;
        let awaiter = arrivals.with(|arrivals| {
            arrivals.outstanding -= 1;
            arrivals.lost |= output.is_none();
            if !arrivals.closed {
                arrivals.ready.extend(output.take());
            }
            arrivals.awaiter.take()
        });
        if let Some(awaiter) = awaiter {
            awaiter.wake();
        }
        // If nobody wants it; after the wake, since its destructor may panic.
        drop(output);
    }
}

impl<T, H: GroupHome> Delivery<T> for ToResults<T, H> {
    type Left = ();
    const HAS_HANDLE: bool = false;

    fn deliver(mut self, outcome: Result<T, JoinError>) -> Result<(), JoinError> {
        let output = outcome?;
        self.arrive(Some(output));
        Ok(())
    }
}

impl<T, H: GroupHome> Drop for ToResults<T, H> {
    fn drop(&mut self) {
        self.arrive(None);
    }
}
