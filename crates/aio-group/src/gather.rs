//! Several futures at once, their outputs in the order of the arguments.
//!
//! A child lives in a [`Slot`], first as a future, then as what is [kept](keep) of its output. Slots of
//! different types stand in a struct of their own for each size ([`tuples`]), slots of one type in a row ([`crowd`]).

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

mod keep;
mod release;
mod slot;

mod crowd;
mod tuples;

pub(crate) use crowd::{at, each, slots_of};
pub use keep::{Everything, Failures, Keep, Nothing, Successes};
pub(crate) use release::Release;
pub(crate) use slot::Slot;

/// Runs all `futures` at once, and returns their outputs in the order of the arguments.
///
/// It takes a tuple of up to twelve futures of any types, an array, or a vector, and gives back a tuple, an array, or a
/// vector. The futures run inside the caller's task: they may borrow from it, nothing is spawned, and the whole is
/// `Send` if they and their outputs are. An output that is a `Result` is an output like any other, so one that fails
/// does not disturb the rest (asyncio: `return_exceptions=True`); [`try_gather`](crate::try_gather()) stops at the
/// first failure.
///
/// Up to 32 futures are all polled at each wake-up. In a larger array or vector a future is polled only after it has
/// been woken; that costs two more allocations, whatever the number.
///
/// # Cancel safety
/// Dropping the future drops all of `futures`, and with them the outputs of those that have ended. Their cleanups
/// ([`aio_core::defer`]) go to the scope around.
///
/// # Fairness
/// At first all futures are polled in the order of the arguments. Later each poll runs those that have been woken since
/// the last one, in the order of the wakes (up to 32 futures: all of them, in the order of the arguments). A future
/// that wakes itself waits for the next poll like everybody else, and the caller's other work comes in between.
///
/// # Panics
/// If one of `futures` does; the others are dropped when this future is. If it is polled after it was ready.
///
/// # Examples
/// ```
/// async fn double(n: &u32) -> u32 {
///     n * 2
/// }
///
/// aio_core::run(async {
///     let (a, b) = (1, 2);
///     assert_eq!(aio_group::gather((double(&a), async { "two" })).await, (2, "two"));
///     assert_eq!(aio_group::gather([double(&a), double(&b)]).await, [2, 4]);
///
///     let many: Vec<u32> = (0..1000).collect();
///     let doubled = aio_group::gather(many.iter().map(double).collect::<Vec<_>>()).await;
///     assert_eq!(doubled[999], 1998);
/// });
/// ```
pub fn gather<G>(futures: G) -> Gathering<G>
where
    G: Gather<Failure = Infallible>,
{
    Gathering { running: futures.start() }
}

/// What can be gathered, or raced: a tuple of up to twelve futures, an array `[F; N]`, or a `Vec<F>`. Sealed.
///
/// `K` says what is kept of the outputs, and what ends the whole: [`Everything`] is kept by [`gather`], [`Successes`]
/// by [`try_gather`](crate::try_gather()), [`Failures`] by [`first_ok`](crate::first_ok()), [`Nothing`] by
/// [`race`](crate::race()).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered",
    note = "a tuple of up to twelve futures, an array `[F; N]` and a `Vec<F>` can be",
    note = "`try_gather` asks for outputs that are `Result`s, all with the same error type; `first_ok` for `Result`s \
            with the same type in `Ok`; `race` for the same output type"
)]
pub trait Gather<K = Everything>: sealed::Sealed {
    /// What is kept of the outputs, in the shape of the futures.
    type Outputs;
    /// What ends it before all of them are there.
    type Failure;

    #[doc(hidden)]
    type Running: Future<Output = Result<Self::Outputs, Self::Failure>>;
    #[doc(hidden)]
    fn start(self) -> Self::Running;
    #[doc(hidden)]
    fn is_empty(&self) -> bool;
}

mod sealed {
    pub trait Sealed {}
}

pin_project! {
    /// The future of [`gather`]. It keeps outputs until all are there, so it is `Send` if the futures and their outputs
    /// are:
    ///
    /// ```
    /// fn send<T: Send>(_: T) {}
    /// send(aio_group::gather((async { 1 }, async { 2 })));
    /// ```
    /// ```compile_fail,E0277
    /// fn send<T: Send>(_: T) {}
    /// send(aio_group::gather((async { 1 }, async { std::rc::Rc::new(2) })));
    /// ```
    #[must_use = "futures do nothing unless you `.await` them"]
    pub struct Gathering<G: Gather> {
        #[pin]
        running: G::Running,
    }
}

impl<G> Future for Gathering<G>
where
    G: Gather<Failure = Infallible>,
{
    type Output = G::Outputs;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<G::Outputs> {
        self.project().running.poll(cx).map(|Ok(outputs)| outputs)
    }
}

impl<G: Gather> fmt::Debug for Gathering<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering").finish_non_exhaustive()
    }
}
