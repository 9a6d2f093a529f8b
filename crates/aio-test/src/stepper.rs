//! A future that is polled by hand.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

// What `Wake` asks for.
use std::sync::Arc;

use crate::wake_note::WakeNote;

/// Takes `future` to be polled by hand, one [`poll`](Stepper::poll) after the other, and looked at in between.
///
/// ```
/// use aio_sync::Event;
/// use aio_test::{assert_pending, assert_ready, step};
///
/// let event = Event::new();
/// let mut waiting = step(event.wait());
/// assert_pending!(waiting.poll());
/// assert!(!waiting.is_woken());
///
/// event.set();
/// assert!(waiting.is_woken());
/// assert_ready!(waiting.poll());
/// assert_eq!((waiting.n_polls(), waiting.n_wakes(), waiting.wakers_left()), (2, 1, 0));
/// ```
///
/// It needs no loop, and works inside of one: there it is polled as a part of the task that polls it. What such a
/// future leaves to be cleaned up (`defer`, `shield`) when it is dropped goes to the scope of that task.
pub fn step<F>(future: F) -> Stepper<F> {
    Stepper { future: Some(Box::pin(future)), note: WakeNote::new() }
}

/// A future that is polled by hand; see [`step`].
///
/// | tokio-test | here |
/// |---|---|
/// | `task::spawn(future)` | [`step(future)`](step) |
/// | `task.poll()`, `task.is_woken()` | the same |
/// | `task.poll_next()` of a stream | [`poll_with`](Self::poll_with) |
/// | `drop(task)` | the same, or [`cancel`](Self::cancel), which leaves the counts |
/// | `task.waker_ref_count()` | [`wakers_left`](Self::wakers_left), without that of the test itself |
/// | - | [`n_polls`](Self::n_polls), [`n_wakes`](Self::n_wakes) |
pub struct Stepper<F> {
    /// Until it has ended, or was cancelled.
    future: Option<Pin<Box<F>>>,
    note: Arc<WakeNote>,
}

impl<F: Future> Stepper<F> {
    /// Polls the future once. It is dropped as soon as it is ready, as by an `.await`.
    ///
    /// # Panics
    /// If the future was ready before, or was [cancelled](Self::cancel). If the future does: it is dropped then.
    #[track_caller]
    pub fn poll(&mut self) -> Poll<F::Output> {
        let mut future = self.take_future();
        let poll = self.note.poll(|cx| future.as_mut().poll(cx));
        if poll.is_pending() {
            self.future = Some(future);
        }
        poll
    }
}

impl<F> Stepper<F> {
    /// Polls by any other method, such as `poll_next` of a stream. It may be polled again, whatever that gives.
    ///
    /// ```
    /// use aio_sync::channel;
    /// use aio_test::{assert_pending, assert_ready_eq, step};
    /// use futures_core::Stream;
    ///
    /// let (sender, receiver) = channel::unbounded();
    /// let mut items = step(receiver.into_stream());
    /// assert_pending!(items.poll_with(Stream::poll_next));
    /// sender.try_send(1).unwrap();
    /// assert!(items.is_woken());
    /// assert_ready_eq!(items.poll_with(Stream::poll_next), Some(1));
    /// ```
    ///
    /// # Panics
    /// As [`poll`](Self::poll).
    #[track_caller]
    pub fn poll_with<R>(&mut self, poll: impl FnOnce(Pin<&mut F>, &mut Context<'_>) -> Poll<R>) -> Poll<R> {
        let mut future = self.take_future();
        let result = self.note.poll(|cx| poll(future.as_mut(), cx));
        self.future = Some(future);
        result
    }

    #[track_caller]
    fn take_future(&mut self) -> Pin<Box<F>> {
        match self.future.take() {
            Some(future) => future,
            None => panic!("a stepper was polled after its future had ended or was cancelled"),
        }
    }

    /// Drops the future, if it is still there, where it stands. The counts stay.
    ///
    /// ```
    /// use aio_sync::Lock;
    /// use aio_test::{assert_pending, step};
    ///
    /// let lock = Lock::new(());
    /// let guard = lock.try_lock().unwrap();
    /// let mut waiting = step(lock.lock());
    /// assert_pending!(waiting.poll());
    /// assert_eq!(waiting.wakers_left(), 1);
    /// waiting.cancel();
    /// assert_eq!(waiting.wakers_left(), 0);
    /// # drop(guard);
    /// ```
    pub fn cancel(&mut self) {
        self.future = None;
    }

    /// Takes the future out, as it stands; `None` if it has ended or was cancelled.
    pub fn into_inner(self) -> Option<Pin<Box<F>>> {
        self.future
    }

    /// The future, as it stands, to be looked at or changed between two polls; `None` if it has ended or was cancelled.
    pub fn future(&mut self) -> Option<Pin<&mut F>> {
        self.future.as_mut().map(Pin::as_mut)
    }

    /// Whether the future has ended, or was cancelled.
    pub fn has_ended(&self) -> bool {
        self.future.is_none()
    }

    /// Whether it was woken since its last poll began: an executor would poll it again.
    pub fn is_woken(&self) -> bool {
        self.note.is_woken()
    }

    /// How often it was polled.
    pub fn n_polls(&self) -> usize {
        self.note.n_polls()
    }

    /// How often its waker was called. (An executor polls once for several wakes.)
    pub fn n_wakes(&self) -> usize {
        self.note.n_wakes()
    }

    /// How many clones of its waker exist. One that is left when the future has ended or was cancelled is kept by what
    /// it waited for, which will wake a stranger some day, or keeps memory for nothing.
    pub fn wakers_left(&self) -> usize {
        self.note.n_wakers(1)
    }
}

impl<F> fmt::Debug for Stepper<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepper")
            .field("has_ended", &self.has_ended())
            .field("is_woken", &self.is_woken())
            .field("n_polls", &self.n_polls())
            .field("n_wakes", &self.n_wakes())
            .field("wakers_left", &self.wakers_left())
            .finish()
    }
}
