//! Several futures at once, until the first of them has succeeded.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_core::Scope;
use pin_project_lite::pin_project;

use crate::gather::{Failures, Gather};

/// Runs all `futures` at once until the first of them has succeeded; returns what was in its `Ok` when the others have
/// cleaned up.
///
/// It takes what [`gather`](crate::gather()) takes; the outputs are `Result`s with one type in `Ok`. The first `Ok`
/// ends the others as the winner of a [`race`](crate::race()) does: they are dropped at once, in the order of the
/// arguments, and their cleanups ([`aio_core::defer`]) run to their end. A failure does not disturb the rest; its error
/// is kept, and dropped if another future succeeds.
///
/// If several are ready at one poll, they count in the order of the arguments, and those behind a success are not
/// polled any more.
///
/// # Cancel safety
/// Dropping the future drops all of `futures`, and with them the errors of those that have failed. Their cleanups go to
/// the scope around.
///
/// # Fairness
/// As with [`race`](crate::race()).
///
/// # Errors
/// All errors, once every future has failed: in the order of the arguments, and in their shape, so a tuple, an array,
/// or a vector. Of no futures there are no errors, at once.
///
/// # Panics
/// If one of `futures` does; the others are dropped when this future is. If it is polled after it was ready.
///
/// # Examples
/// ```
/// async fn mirror(name: &str) -> Result<String, String> {
///     if name.ends_with(".org") { Ok(format!("the file, from {name}")) } else { Err(format!("{name} is down")) }
/// }
///
/// aio_core::run(async {
///     let file = aio_group::first_ok([mirror("a.com"), mirror("b.org"), mirror("c.org")]).await;
///     assert_eq!(file.unwrap(), "the file, from b.org");
///
///     let errors = aio_group::first_ok([mirror("a.com"), mirror("b.com")]).await.unwrap_err();
///     assert_eq!(errors, ["a.com is down", "b.com is down"]);
/// });
/// ```
pub fn first_ok<G: Gather<Failures>>(futures: G) -> FirstOk<G> {
    FirstOk { scope: Scope::new(futures.start()) }
}

pin_project! {
    /// The future of [`first_ok`].
    #[must_use = "futures do nothing unless you `.await` them"]
    pub struct FirstOk<G: Gather<Failures>> {
        // Drops the children inside itself as soon as one has succeeded, and drains their cleanups.
        #[pin]
        scope: Scope<G::Running>,
    }
}

impl<G: Gather<Failures>> Future for FirstOk<G> {
    /// The success is what ends the children early, which to [`Gather`] is a failure.
    type Output = Result<G::Failure, G::Outputs>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(self.project().scope.poll(cx)).expect("nobody cuts this scope off") {
            Err(success) => Poll::Ready(Ok(success)),
            Ok(errors) => Poll::Ready(Err(errors)),
        }
    }
}

impl<G: Gather<Failures>> fmt::Debug for FirstOk<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstOk").finish_non_exhaustive()
    }
}
