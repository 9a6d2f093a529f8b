//! Not waiting longer than that.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use aio_core::{Reason, Scope};
use pin_project_lite::pin_project;

use crate::{Sleep, sleep, sleep_until};

/// Runs `future`, for `duration` at most: when the time is over, it is dropped.
///
/// The time begins when the result is polled first. `future` is polled before the clock is looked at: a result that is
/// there is never thrown away, and one that is there at once costs next to nothing. With a `duration` of zero, `future`
/// is polled once.
///
/// This is a scope: what `future` leaves behind (see [`defer`](aio_core::defer)) is run to its end, however long it
/// takes, before the timeout is reported.
///
/// # Cancel safety
/// Dropping the result drops `future`, and leaves its cleanups with the scope around this one.
///
/// # Errors
/// [`Elapsed`], if `future` was dropped before it was ready.
///
/// # Panics
/// If `future` or one of its cleanups does, and as [`sleep()`].
///
/// # Examples
/// ```
/// use aio_timer::{Elapsed, sleep, timeout};
/// use std::time::Duration;
///
/// aio_core::block_on(async {
///     let slow = async {
///         sleep(Duration::from_secs(3600)).await;
///         "never seen"
///     };
///     assert_eq!(timeout(Duration::from_millis(10), slow).await, Err(Elapsed));
///     assert_eq!(timeout(Duration::from_millis(10), async { "fast" }).await, Ok("fast"));
/// });
/// ```
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { scope: Scope::new(future), sleep: sleep(duration) }
}

/// [`timeout()`] that ends at `deadline`, a moment of [`aio_core::now`].
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    Timeout { scope: Scope::new(future), sleep: sleep_until(deadline) }
}

pin_project! {
    /// The future of [`timeout()`] and [`timeout_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F: Future> {
        #[pin]
        scope: Scope<F>,
        #[pin]
        sleep: Sleep,
    }
}

impl<F: Future> Timeout<F> {
    /// Sets another deadline, unless the old one has already cut the future off.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().sleep.reset(deadline);
    }

    /// The rest of a poll that has found the future pending. Not inlined, so that the part of those that are ready is.
    #[inline(never)]
    fn poll_deadline(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Elapsed>> {
        let mut this = self.project();
        // A future that is finished is only waiting for its cleanups, and those have no deadline.
        if !this.scope.is_running() || this.sleep.poll_past(cx).is_pending() {
            return Poll::Pending;
        }
        this.scope.as_mut().cancel_with(Reason::TimedOut);
        this.scope.poll_ended(cx).map(|output| output.ok_or(Elapsed))
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    /// Always inlined, and polls the future in one place, so that it can be inlined too: where it is ready at once,
    /// hardly anything is left then.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().scope.poll(cx) {
            Poll::Ready(output) => Poll::Ready(output.ok_or(Elapsed)),
            Poll::Pending => self.poll_deadline(cx),
        }
    }
}

/// The error of [`timeout()`]: the time was over before the future was ready. It converts to an [`io::Error`] of the
/// kind [`TimedOut`](io::ErrorKind::TimedOut).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, elapsed)
    }
}
