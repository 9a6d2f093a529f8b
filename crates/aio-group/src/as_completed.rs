//! Many futures at once, their outputs as they come.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Panics;
use futures_core::Stream;

use crate::child_wakers::ChildWakers;
use crate::gather::{Everything, Release, Slot, at, each, slots_of};

/// Runs all `futures` at once, and gives their outputs in the order in which they finish.
///
/// It takes any number of futures of one type, as a vector, an array or any iterator, and gives a [`Stream`]. The
/// futures run inside the caller's task, whenever the stream is polled: they may borrow from it, nothing is spawned.
/// All of them are begun at the first poll. An output that is a `Result` is an output like any other.
///
/// ```
/// use aio_core::yield_now;
/// use aio_group::as_completed;
///
/// async fn after(turns: u32) -> u32 {
///     for _ in 0..turns {
///         yield_now().await;
///     }
///     turns
/// }
///
/// aio_core::run(async {
///     let mut outputs = as_completed([after(3), after(1), after(2)]);
///     assert_eq!(outputs.next().await, Some(1));
///
///     // As asyncio's `async for output in as_completed(..)`:
///     let mut rest = vec![];
///     while let Some(output) = outputs.next().await {
///         rest.push(output);
///     }
///     assert_eq!(rest, [2, 3]);
/// });
/// ```
///
/// The memory of a future stays until the stream is dropped; a future itself is dropped as soon as it is finished.
/// There are a few allocations, whatever the number, and each poll costs as much as the futures that it polls.
///
/// # Cancel safety
/// Dropping what [`next`](AsCompleted::next) returns loses nothing. Dropping the stream drops the futures that have not
/// finished, and the outputs that have not been taken. Cleanups ([`aio_core::defer`]) go to the scope around, those of
/// the futures that finish as well.
///
/// # Fairness
/// Futures that are found ready at the same poll come in the order of the arguments. All outputs that are there come
/// before any future is polled again; then all those are polled that have been woken since the last time, in the order
/// of the arguments. A future that wakes itself waits for the next poll.
///
/// # Panics
/// If one of the futures does: it is dropped and gives no output. The stream may be polled on for the others.
pub fn as_completed<F: Future>(futures: impl IntoIterator<Item = F>) -> AsCompleted<F> {
    let slots = slots_of(futures);
    let n = slots.len();
    AsCompleted {
        wakers: ChildWakers::new(n),
        batch: (0..n).rev().collect(),
        ended: VecDeque::new(),
        n_running: n,
        slots,
    }
}

/// The stream of [`as_completed`]. It keeps outputs until they are taken, so it is `Send` if the futures and their
/// outputs are.
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<F: Future> {
    // Dropped before the slots: what the futures wake when they are dropped need not be heard of.
    wakers: ChildWakers,
    /// Who is to be polled next, the last one first. Between polls it is empty, unless a future has panicked; at first
    /// it is everybody.
    batch: Vec<usize>,
    /// Whose outputs have not been taken, in the order in which they are given.
    ended: VecDeque<usize>,
    n_running: usize,
    slots: Pin<Box<[Slot<F, Everything>]>>,
}

impl<F: Future> AsCompleted<F> {
    /// The next output; `None` when all have been given.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: an output that is there stays for the next call.
    pub async fn next(&mut self) -> Option<F::Output> {
        std::future::poll_fn(|cx| self.poll_output(cx)).await.map(|(_, output)| output)
    }

    /// The same stream, with the place of each future among the arguments beside its output.
    ///
    /// ```
    /// # aio_core::run(async {
    /// let mut outputs = aio_group::as_completed(["a", "b"].map(async |name| name)).with_index();
    /// assert_eq!(outputs.next().await, Some((0, "a")));
    /// assert_eq!(outputs.next().await, Some((1, "b")));
    /// # });
    /// ```
    pub fn with_index(self) -> Indexed<F> {
        Indexed(self)
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        if self.ended.is_empty() && self.n_running > 0 {
            self.poll_woken(cx);
        }
        match self.ended.pop_front() {
            Some(index) => Poll::Ready(Some((index, at(self.slots.as_mut(), index).take()))),
            None if self.n_running > 0 => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    /// Polls the futures that have been woken.
    fn poll_woken(&mut self, cx: &mut Context<'_>) {
        self.wakers.register(cx.waker());
        // Also if a panic has left somebody there: who is woken before the queue was emptied does not wake the caller.
        self.batch.extend(self.wakers.take_woken());
        self.batch.sort_unstable_by_key(|&index| Reverse(index));
        self.batch.dedup();
        let mut panics = Panics::new();
        while !panics.has_panicked()
            && let Some(index) = self.batch.pop()
        {
            let mut slot = at(self.slots.as_mut(), index);
            // It may have been woken after its end.
            if !slot.is_running() {
                continue;
            }
            let waker = self.wakers.lend(index);
            match panics.catch(|| slot.as_mut().poll(&mut Context::from_waker(&waker))) {
                Some(Poll::Pending) => {}
                Some(Poll::Ready(Ok(()))) => {
                    self.n_running -= 1;
                    self.ended.push_back(index);
                }
                None => {
                    self.n_running -= 1;
                    panics.catch(|| slot.abandon());
                }
            }
        }
        panics.rethrow();
    }

    fn size(&self) -> usize {
        self.n_running + self.ended.len()
    }
}

impl<F: Future> Stream for AsCompleted<F> {
    type Item = F::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let output = ready!(self.get_mut().poll_output(cx));
        Poll::Ready(output.map(|(_, output)| output))
    }

    /// Exact, unless a future panics.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.size(), Some(self.size()))
    }
}

/// What still runs is dropped, in the order of the arguments; the cleanups run side by side.
impl<F: Future> Drop for AsCompleted<F> {
    fn drop(&mut self) {
        let mut release = Release::default();
        each(self.slots.as_mut()).for_each(|slot| release.child(slot));
        release.finish();
    }
}

impl<F: Future> fmt::Debug for AsCompleted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (running, ended) = (self.n_running, self.ended.len());
        f.debug_struct("AsCompleted").field("running", &running).field("ended", &ended).finish()
    }
}

/// [`AsCompleted`] that tells whose output it is.
#[must_use = "streams do nothing unless polled"]
pub struct Indexed<F: Future>(AsCompleted<F>);

impl<F: Future> Indexed<F> {
    /// The next output and the place of its future among the arguments; `None` when all have been given.
    ///
    /// # Cancel safety
    /// As [`AsCompleted::next`].
    pub async fn next(&mut self) -> Option<(usize, F::Output)> {
        std::future::poll_fn(|cx| self.0.poll_output(cx)).await
    }
}

impl<F: Future> Stream for Indexed<F> {
    type Item = (usize, F::Output);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_output(cx)
    }

    /// Exact, unless a future panics.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<F: Future> fmt::Debug for Indexed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Indexed").field(&self.0).finish()
    }
}
