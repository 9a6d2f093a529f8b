//! Work that goes on when its caller is cancelled.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::cleanups::Origin;
use super::finalizers::leave;
use super::local_cleanup::leave_local;

/// Protects `future` from cancellation: if the result is dropped half-way, `future` goes on as a cleanup of the current
/// scope, which does not end before it. Its output is dropped then.
///
/// ```
/// use aio_core::{shield, spawn, yield_now};
/// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
///
/// let saved = Arc::new(AtomicBool::new(false));
/// aio_core::run({
///     let saved = saved.clone();
///     async move {
///         let task = spawn(shield(async move {
///             yield_now().await;
///             saved.store(true, Ordering::Relaxed);
///         }));
///         yield_now().await;
///         task.cancel();
///         assert!(task.join().await.unwrap_err().is_cancelled());
///     }
/// });
/// assert!(saved.load(Ordering::Relaxed));
/// ```
///
/// # Cancel safety
/// A future that was never polled is dropped like any other: it had not begun.
#[track_caller]
pub fn shield<F>(future: F) -> Shield<F>
where
    F: Future + Send + 'static,
{
    Shield {
        future: Some(Box::pin(future)),
        begun: false,
        called_at: Location::caller(),
        leave: |future, left_at| leave(Box::pin(async { drop(future.await) }), Origin::Line(left_at)),
    }
}

/// [`shield()`] for a future that stays on its loop.
#[track_caller]
pub fn local_shield<F>(future: F) -> Shield<F>
where
    F: Future + 'static,
{
    Shield {
        future: Some(Box::pin(future)),
        begun: false,
        called_at: Location::caller(),
        leave: |future, left_at| leave_local(Box::pin(async { drop(future.await) }), left_at),
    }
}

/// The future of [`shield`].
#[must_use = "futures do nothing unless awaited"]
pub struct Shield<F: Future> {
    /// Until it is finished.
    future: Option<Pin<Box<F>>>,
    begun: bool,
    called_at: &'static Location<'static>,
    /// Makes a cleanup of the future. Chosen where it was known whether that may cross threads.
    leave: fn(Pin<Box<F>>, &'static Location<'static>),
}

impl<F: Future> Shield<F> {
    /// Counts as begun from the start: used for cleanups, which must run. They come from the line `called_at`.
    pub(super) fn begin(mut self, called_at: &'static Location<'static>) -> Self {
        self.begun = true;
        self.called_at = called_at;
        self
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.begun = true;
        // Out of its place while it is polled: after a panic it must not go on as a cleanup.
        let mut future = self.future.take().expect("a shield was polled after it had ended");
        let poll = future.as_mut().poll(cx);
        if poll.is_pending() {
            self.future = Some(future);
        }
        poll
    }
}

impl<F: Future> Drop for Shield<F> {
    fn drop(&mut self) {
        if let Some(future) = self.future.take()
            && self.begun
        {
            (self.leave)(future, self.called_at);
        }
    }
}

impl<F: Future> fmt::Debug for Shield<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("begun", &self.begun).field("finished", &self.future.is_none()).finish()
    }
}
