//! A place where tasks wait until all have come.

mod state;
mod turn;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Shared, host};

use state::{Arrival, Slot, State};
pub use turn::{BarrierTurn, BrokenBarrier};

use crate::wait_queue::{Line, Turn, Wait, Waiter, wake_batches};

/// A place where tasks wait until so many have come, and then go on together: asyncio's `Barrier`.
///
/// `aio_sync::Barrier` may be shared between threads; `aio_sync::local::Barrier` stays on one and is cheaper. Both are
/// this type in one of its [homes](aio_base::home).
///
/// Those who go on together are a round. A round that is complete has passed: what comes later, a reset or the drop of
/// one of them, changes nothing for the others, even if they have not run yet. The barrier is ready for the next round
/// at once: who comes early for it disturbs nobody and need not wait until the last round is gone.
///
/// # Coming from asyncio
///
/// | asyncio                                    | here                                                       |
/// |--------------------------------------------|------------------------------------------------------------|
/// | `Barrier(n)`                               | [`Barrier::new(n)`](Self::new)                             |
/// | `position = await barrier.wait()`          | `let position = barrier.wait().await?.index();`            |
/// | `async with barrier as position:`          | the same: there is nothing to do at the end of the block   |
/// | `BrokenBarrierError`                       | [`BrokenBarrier`]                                          |
/// | `await barrier.reset()`, `.abort()`        | `barrier.reset()`, `barrier.abort()`: they do not wait     |
/// | `parties`, `n_waiting`, `broken`           | `parties()`, `n_waiting()`, `is_broken()`                  |
/// | after a cancelled wait, positions may repeat | they are unique in every round                           |
/// | arrivals wait until the last round is gone | they are of the next round at once                         |
///
/// # Fairness
/// Those of a round are woken in the order in which they came.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::Barrier;
/// use futures_lite::future::zip;
///
/// let barrier = Barrier::new(2);
/// let (first, last) = zip(barrier.wait(), barrier.wait()).await;
/// assert_eq!((first?.index(), last?.index()), (0, 1));
/// assert!(last?.is_leader());
/// # Ok::<(), aio_sync::BrokenBarrier>(())
/// # }).unwrap();
/// ```
pub struct Barrier<H: Home> {
    parties: usize,
    state: H::Exclusive<State<H>>,
}

impl<H: Home> Barrier<H> {
    /// A barrier for rounds of so many.
    ///
    /// # Panics
    /// If `parties` is zero.
    #[track_caller]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier is for at least one");
        Self { parties, state: Exclusive::new(State::new()) }
    }

    /// Waits until as many wait as the barrier is for. The last one to come does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future takes it back: one more must come. The barrier is not broken by it. If the round is complete
    /// already, nothing changes for the others.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) counts as one that waits.
    ///
    /// # Fairness
    /// The place in the line is taken at the first poll, and [`BarrierTurn::index`] tells it.
    ///
    /// # Errors
    /// [`BrokenBarrier`], if the barrier is broken by [`abort`](Self::abort), or that or [`reset`](Self::reset) is
    /// called before the round is complete.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready; and that of the last to come if a waker of the others
    /// panics. All of them are woken nevertheless.
    #[inline]
    pub fn wait(&self) -> BarrierFuture<'_, H> {
        BarrierFuture { wait: Wait::new(Party { barrier: self, slot: Word::new(0) }) }
    }

    /// Sends those away who wait, with [`BrokenBarrier`], and begins anew. If the barrier was broken, it is not any
    /// more.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn reset(&self) {
        self.send_away(false);
    }

    /// Breaks the barrier: sends those away who wait, and all who come before the next [`reset`](Self::reset), with
    /// [`BrokenBarrier`].
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn abort(&self) {
        self.send_away(true);
    }

    /// How many must come.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many have come and wait for the others.
    pub fn n_waiting(&self) -> usize {
        self.state.with(|state| state.n_waiting())
    }

    /// Whether it was broken by [`abort`](Self::abort), and not [`reset`](Self::reset) since.
    pub fn is_broken(&self) -> bool {
        self.state.with(|state| state.is_broken())
    }

    /// Wakes those whose round is over.
    fn wake_passed(&self) {
        wake_batches(|wakers| self.state.with(|state| state.wake_passed(wakers)));
    }

    fn send_away(&self, is_broken: bool) {
        let mut is_over = false;
        wake_batches(|wakers| {
            self.state.with(|state| {
                if !is_over {
                    // Those who have still to be woken from earlier rounds are first, since no more than one broken
                    // round can be told from the others.
                    if state.wake_passed(wakers) {
                        return true;
                    }
                    state.break_round(is_broken);
                    is_over = true;
                }
                state.wake_passed(wakers)
            })
        });
    }
}

#[cfg(not(aio_loom))]
impl Barrier<Shared> {
    /// A barrier for rounds of so many, for a `static`.
    ///
    /// # Panics
    /// If `parties` is zero.
    #[track_caller]
    pub const fn const_new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier is for at least one");
        Self { parties, state: BriefLock::new(State::new()) }
    }
}

impl Barrier<Shared> {
    /// [Waits](Self::wait) on a thread that is no task's: blocks it until as many wait as the barrier is for. Tasks and
    /// threads may wait for each other.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still; and as [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_blocking(&self) -> Result<BarrierTurn, BrokenBarrier> {
        host::block_on("`wait_blocking`", self.wait())
    }
}

impl<H: Home> fmt::Debug for Barrier<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("n_waiting", &self.n_waiting())
            .field("is_broken", &self.is_broken())
            .finish()
    }
}

/// Waits at a [`Barrier`]: made by [`Barrier::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct BarrierFuture<'a, H: Home = Shared> {
    wait: Wait<H, Party<'a, H>>,
}

impl<H: Home> Future for BarrierFuture<'_, H> {
    type Output = Result<BarrierTurn, BrokenBarrier>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `wait` is pinned when `self` is: this type's `Drop` only looks at it, nothing moves it, and this is
        // `!Unpin` since `Wait` is.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let barrier = wait.waiter.barrier;
        let mut arrival = None;
        let turn = ready!(wait.as_mut().poll(
            cx,
            |_| false,
            |party, state| match state.arrive(barrier.parties, &party.slot) {
                // It stays in the line no longer than `party`, which is pinned, exists: `Wait` sees to it.
                Arrival::Waits => Some(Slot::of(&party.slot)),
                other => {
                    arrival = Some(other);
                    None
                }
            }
        ));
        Poll::Ready(match (turn, arrival) {
            (Turn::Passed, Some(Arrival::Completes)) => {
                barrier.wake_passed();
                Ok(BarrierTurn::new(barrier.parties - 1, barrier.parties))
            }
            (Turn::Passed, _) => Err(BrokenBarrier::new()),
            // Relaxed: written before the mark that tells that this one was woken.
            _ => state::outcome(wait.waiter.slot.load(Ordering::Relaxed))
                .map(|index| BarrierTurn::new(index, barrier.parties))
                .ok_or(BrokenBarrier::new()),
        })
    }
}

impl<H: Home> Drop for BarrierFuture<'_, H> {
    fn drop(&mut self) {
        let Party { barrier, slot } = &self.wait.waiter;
        // Relaxed: whether it was its own doing that it waits; under the lock it looks again.
        if state::is_waiting(slot.load(Ordering::Relaxed)) && barrier.state.with(|state| state.take_back(slot)) {
            barrier.wake_passed();
        }
    }
}

impl<H: Home> fmt::Debug for BarrierFuture<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BarrierFuture").field(&self.wait).finish()
    }
}

struct Party<'a, H: Home> {
    barrier: &'a Barrier<H>,
    /// What it waits for, then what has come of it: see [`state`].
    slot: H::Word,
}

// SAFETY: the barrier that it refers to has one lock and one line.
unsafe impl<H: Home> Waiter<H> for Party<'_, H> {
    type Guarded = State<H>;
    type Note = Slot<H>;
    const WHAT: &'static str = "Barrier";

    fn guarded(&self) -> &H::Exclusive<State<H>> {
        &self.barrier.state
    }

    fn line(state: &mut State<H>) -> &mut Line<H, Slot<H>> {
        state.line()
    }

    /// The others of its round have passed all the same.
    fn pass_on(&self) {}
}

#[cfg(all(test, aio_loom))]
mod tests;
