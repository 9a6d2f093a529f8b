//! Several futures at once, until one of them fails.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_core::Scope;
use pin_project_lite::pin_project;

use crate::gather::{Gather, Successes};

/// Runs all `futures` at once; waits until all have succeeded, or one has failed and the others have cleaned up.
///
/// The futures are those that [`gather`](crate::gather()) takes; their outputs are `Result`s with one error type. On
/// success, what was in `Ok` comes back in the order of the arguments. The first `Err` cancels the others: they are
/// dropped at once, in the order of the arguments; then their cleanups ([`aio_core::defer`]) run to their end; then the
/// error is returned. If several have failed at one poll, the first error found counts and the others are dropped.
///
/// asyncio's `gather(*aws)` lets the others run on after a failure, and their errors vanish.
///
/// # Cancel safety
/// Dropping the future drops all of `futures`, and with them the outputs of those that have ended. Their cleanups go to
/// the scope around.
///
/// # Fairness
/// As with [`gather`](crate::gather()).
///
/// # Errors
/// The first error of one of `futures`.
///
/// # Panics
/// If one of `futures` does; the others are dropped when this future is. If it is polled after it was ready.
///
/// # Examples
/// ```
/// async fn half(n: u32) -> Result<u32, String> {
///     if n % 2 == 0 { Ok(n / 2) } else { Err(format!("{n} is odd")) }
/// }
///
/// aio_core::run(async {
///     assert_eq!(aio_group::try_gather((half(2), half(4))).await, Ok((1, 2)));
///     assert_eq!(aio_group::try_gather([half(2), half(3)]).await, Err("3 is odd".to_owned()));
/// });
/// ```
pub fn try_gather<G: Gather<Successes>>(futures: G) -> TryGathering<G> {
    TryGathering { scope: Scope::new(futures.start()) }
}

pin_project! {
    /// The future of [`try_gather`].
    #[must_use = "futures do nothing unless you `.await` them"]
    pub struct TryGathering<G: Gather<Successes>> {
        // Drops the children inside itself as soon as they are ready or one has failed, and drains their cleanups.
        #[pin]
        scope: Scope<G::Running>,
    }
}

impl<G: Gather<Successes>> Future for TryGathering<G> {
    type Output = Result<G::Outputs, G::Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.project().scope.poll(cx));
        Poll::Ready(result.expect("nobody cuts this scope off"))
    }
}

impl<G: Gather<Successes>> fmt::Debug for TryGathering<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryGathering").finish_non_exhaustive()
    }
}
