//! Several futures at once, until the first of them has finished.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_core::Scope;
use pin_project_lite::pin_project;

use crate::gather::{Gather, Nothing};

/// Runs all `futures` at once until the first of them has finished; returns its output when the others have cleaned up.
///
/// It takes what [`gather`](crate::gather()) takes: a tuple of up to twelve futures, an array, or a vector; all with
/// one output type. The losers are dropped at once, in the order of the arguments; then their cleanups
/// ([`aio_core::defer`]) run to their end; then the output of the winner is returned.
///
/// If several are ready at one poll, the first of them in the order of the arguments wins, and those behind it are not
/// polled any more: an output that exists is never thrown away.
///
/// # In place of `select!`
/// A macro that chooses among branches has rules of its own: what the patterns may be, which branch is tried first,
/// what becomes of the futures that were not chosen. A race is a function, and the rules are the language's:
///
/// - *Which one was it?* An `enum` has a case for each, and a `match` that forgets one does not compile.
/// - *What becomes of the losers?* A future given by value is dropped, and its progress with it. To keep that, make the
///   future once, outside of the loop, and give `&mut` to it: then only the borrow is dropped. What is written in the
///   loop is begun anew in each round, and one sees it.
///
/// ```
/// use std::pin::pin;
/// use aio_core::yield_now;
/// use aio_group::race;
///
/// enum Event {
///     Tick,
///     Done(u32),
/// }
///
/// async fn work() -> u32 {
///     for _ in 0..10 {
///         yield_now().await;
///     }
///     42
/// }
///
/// async fn tick() {
///     yield_now().await;
///     yield_now().await;
/// }
///
/// aio_core::run(async {
///     let mut work = pin!(work()); // goes on from round to round
///     let mut ticks = 0;
///     let answer = loop {
///         let done = async { Event::Done(work.as_mut().await) };
///         let next_tick = async {
///             tick().await; // begun anew in each round
///             Event::Tick
///         };
///         match race((done, next_tick)).await {
///             Event::Tick => ticks += 1,
///             Event::Done(answer) => break answer,
///         }
///     };
///     assert_eq!((answer, ticks), (42, 3));
/// });
/// ```
///
/// # Cancel safety
/// Dropping the future drops all of `futures`. Their cleanups go to the scope around.
///
/// # Fairness
/// As with [`gather`](crate::gather()), but at each poll those that are polled are polled in the order of the
/// arguments. A future that is always ready wins every race against those behind it; let it take turns with
/// [`yield_now`](aio_core::yield_now), or put it last.
///
/// # Panics
/// If there is no future, since nobody could win. If one of `futures` panics; the others are dropped when this future
/// is. If it is polled after it was ready.
///
/// # Examples
/// ```
/// use aio_core::yield_now;
///
/// async fn after(turns: u32) -> u32 {
///     for _ in 0..turns {
///         yield_now().await;
///     }
///     turns
/// }
///
/// aio_core::run(async {
///     assert_eq!(aio_group::race((after(3), after(1), async { 7 })).await, 7);
///     assert_eq!(aio_group::race([after(3), after(1), after(2)]).await, 1);
///     assert_eq!(aio_group::race((5..1000).map(after).collect::<Vec<_>>()).await, 5);
/// });
/// ```
#[track_caller]
pub fn race<G: Gather<Nothing>>(futures: G) -> Race<G> {
    assert!(!futures.is_empty(), "nobody can win a race of no futures");
    Race { scope: Scope::new(futures.start()) }
}

pin_project! {
    /// The future of [`race`]. Outputs are not kept, so it is `Send` if the futures are and the winner's output is:
    ///
    /// ```
    /// fn send<T: Send>(_: T) {}
    /// send(aio_group::race((async { 1 }, async { 2 })));
    /// ```
    /// ```compile_fail,E0277
    /// fn send<T: Send>(_: T) {}
    /// send(aio_group::race([async { std::rc::Rc::new(1) }]));
    /// ```
    #[must_use = "futures do nothing unless you `.await` them"]
    pub struct Race<G: Gather<Nothing>> {
        // Drops the children inside itself as soon as one has finished, and drains their cleanups.
        #[pin]
        scope: Scope<G::Running>,
    }
}

impl<G: Gather<Nothing>> Future for Race<G> {
    type Output = G::Failure;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<G::Failure> {
        match ready!(self.project().scope.poll(cx)).expect("nobody cuts this scope off") {
            Err(winner) => Poll::Ready(winner),
            Ok(_) => unreachable!("the first output ends a race, and there was a future to give one"),
        }
    }
}

impl<G: Gather<Nothing>> fmt::Debug for Race<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}
