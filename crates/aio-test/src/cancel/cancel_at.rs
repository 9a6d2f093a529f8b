//! A future that is cancelled at a point.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

// What `Wake` asks for.
use std::sync::Arc;

use aio_core::Scope;

use super::point::{CancelPoint, Moment};
use crate::wake_note::WakeNote;

/// Runs a future in a [`Scope`] of its own, and cancels it at a point: its output, or `None` if it was cancelled. As
/// with a task, its future is dropped then and its cleanups (`defer`, `shield`) run to their ends.
///
/// This is what [`cancel_at_each_await`](crate::cancel_at_each_await) is made of, for other uses: at one point, or at
/// points chosen by a seed.
///
/// ```
/// use aio_core::{run, yield_now};
/// use aio_test::{CancelAt, CancelPoint, Moment};
///
/// run(async {
///     let mut turns = 0;
///     let work = async {
///         for _ in 0..10 {
///             yield_now().await;
///             turns += 1;
///         }
///     };
///     assert_eq!(CancelAt::new(work, CancelPoint::Await(3, Moment::Waiting)).await, None);
///     assert_eq!(turns, 2);
/// });
/// ```
///
/// The future is polled when it was woken, and not when whoever awaits it is woken for another reason: the awaits are
/// numbered by what the future does, and one that relies on wakes it did not ask for is stuck.
#[must_use = "futures do nothing unless awaited"]
pub struct CancelAt<F: Future> {
    scope: Pin<Box<Scope<Watched<F>>>>,
    point: Option<CancelPoint>,
    note: Arc<WakeNote>,
    n_awaits: usize,
    was_cancelled: bool,
}

impl<F: Future> CancelAt<F> {
    /// Cancels `future` at `point`, or never if that is `None`.
    pub fn new(future: F, point: impl Into<Option<CancelPoint>>) -> Self {
        let note = WakeNote::new();
        let watched = Watched { future: Box::pin(future), note: note.clone() };
        Self { scope: Box::pin(Scope::new(watched)), point: point.into(), note, n_awaits: 0, was_cancelled: false }
    }

    /// At how many awaits it has waited so far.
    pub fn n_awaits(&self) -> usize {
        self.n_awaits
    }

    /// Whether the point was reached, and the future cancelled.
    pub fn was_cancelled(&self) -> bool {
        self.was_cancelled
    }

    fn cancel(&mut self) {
        self.scope.as_mut().cancel();
        self.was_cancelled = true;
    }

    /// Whether it is due before a poll.
    fn is_due_before_poll(&self) -> bool {
        match self.point {
            Some(CancelPoint::Start) => self.note.n_polls() == 0,
            Some(CancelPoint::Await(n, Moment::Woken)) => self.n_awaits == n && self.note.is_woken(),
            _ => false,
        }
    }
}

impl<F: Future> Future for CancelAt<F> {
    type Output = Option<F::Output>;

    /// # Panics
    /// If the future or one of its cleanups does.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = &mut *self;
        if this.scope.is_running() && this.is_due_before_poll() {
            this.cancel();
        }
        let polls = this.note.n_polls();
        let poll = this.scope.as_mut().poll(cx);
        let has_waited = this.note.n_polls() > polls && this.scope.is_running();
        if !has_waited || poll.is_ready() {
            return poll;
        }
        this.n_awaits += 1;
        if this.point == Some(CancelPoint::Await(this.n_awaits, Moment::Waiting)) {
            this.cancel();
            return this.scope.as_mut().poll(cx);
        }
        Poll::Pending
    }
}

impl<F: Future> fmt::Debug for CancelAt<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelAt")
            .field("point", &self.point)
            .field("n_awaits", &self.n_awaits)
            .field("was_cancelled", &self.was_cancelled)
            .finish_non_exhaustive()
    }
}

/// Polls its future only when that was woken, unlike the cleanups beside it in the scope.
struct Watched<F> {
    future: Pin<Box<F>>,
    note: Arc<WakeNote>,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        // Before the look at whether it is woken: who wakes it after that look finds this waker.
        this.note.pass_on(cx.waker());
        if this.note.n_polls() > 0 && !this.note.is_woken() {
            return Poll::Pending;
        }
        this.note.poll(|cx| this.future.as_mut().poll(cx))
    }
}
