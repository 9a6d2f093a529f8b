//! Permits for so many at once.

pub(crate) mod acquire;
mod owned;
pub(crate) mod permit;

use std::fmt;
use std::task::Waker;

use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
#[cfg(not(aio_loom))]
use aio_base::{BriefLock, sync::atomic::AtomicUsize};
use aio_base::{Home, Panics, Shared, host};

use crate::wait_queue::Line;
use crate::{AcquireFuture, Permit};

/// Permits for so many tasks at once: asyncio's `Semaphore`.
///
/// `aio_sync::Semaphore` may be shared between threads; `aio_sync::local::Semaphore` stays on one and is cheaper. Both
/// are this type in one of its [homes](aio_base::home).
///
/// # Coming from asyncio
///
/// | asyncio                       | here                                                                    |
/// |-------------------------------|-------------------------------------------------------------------------|
/// | `async with semaphore:`       | `{ let _permit = semaphore.acquire().await; .. }`                       |
/// | `semaphore.release()`         | `drop(permit)`, or the end of its block, a panic included               |
/// | release without having one    | [`semaphore.add_permits(1)`](Self::add_permits)                         |
/// | `BoundedSemaphore`            | any: a [`Permit`] is given back once                                    |
/// | `semaphore.locked()`          | [`semaphore.available_permits() == 0`](Self::available_permits)         |
///
/// To acquire cannot fail: a semaphore is never closed. Who needs one that can be closed, or one that knows how many
/// permits there are in all and can be given another number, takes a
/// [`CapacityLimiter`](crate::generic::CapacityLimiter).
///
/// # Fairness
/// First come, first served. A permit that is given back is handed to the first in the line before that one runs:
/// nobody overtakes, neither does [`try_acquire`](Self::try_acquire), nor somebody who asks for fewer permits than the
/// first in the line waits for.
///
/// # Panics
/// A waker that panics does so in the call that wakes it, or in the `drop` of the permit; all permits have been handed
/// out by then, and all others woken.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::Semaphore;
///
/// let connections = Semaphore::new(2);
/// let first = connections.acquire().await;
/// let second = connections.acquire().await;
/// assert!(connections.try_acquire().is_none());
/// drop(first);
/// assert_eq!(connections.available_permits(), 1);
/// # drop(second);
/// # });
/// ```
pub struct Semaphore<H: Home> {
    free: Free<H>,
    waiting: H::Exclusive<Waiting<H>>,
}

/// How many permits are free and nobody waits; or [`CONTENDED`].
///
/// ```text
///               ───2 enter───▶
///      n free                   CONTENDED
///       ⟲ 1    ◀─3 serve_first─
/// ```
/// 1. [`Semaphore::try_take`] and [`Semaphore::add_free`] change the number, by compare-and-exchange.
/// 2. [`Semaphore::enter`]: one has to wait. What is free is kept for the first in the line from now on.
/// 3. [`Semaphore::serve_first`]: nobody is left in the line. What was kept is free.
///
/// Edges 2 and 3 are made under the lock of the line. The line is empty unless this is CONTENDED, and then nothing is
/// free: so nobody overtakes.
type Free<H> = <H as Home>::Word;

/// Some have come to wait, and may have given up since.
const CONTENDED: usize = usize::MAX;

/// Who waits, each with how many permits it asks for.
struct Waiting<H: Home> {
    /// Free, but fewer than the first in the line asks for. Nothing, unless CONTENDED.
    kept: usize,
    line: Line<H, usize>,
}

impl<H: Home> Waiting<H> {
    const fn new() -> Self {
        Self { kept: 0, line: Line::new() }
    }
}

impl<H: Home> Semaphore<H> {
    /// The most permits that there can be.
    pub const MAX_PERMITS: usize = CONTENDED - 1;

    /// With so many permits.
    ///
    /// # Panics
    /// If there are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        assert!(permits <= Self::MAX_PERMITS, "too many permits");
        Self { free: Word::new(permits), waiting: Exclusive::new(Waiting::new()) }
    }

    /// Waits for a permit. If one is free, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future takes no permit and gives up its place in the line; if one has been handed to it already,
    /// the next in the line gets it.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, it has the permit for ever.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn acquire(&self) -> AcquireFuture<'_, H> {
        self.acquire_many(1)
    }

    /// Waits for `n` permits at once. If they are free, does not yield.
    ///
    /// Permits are kept for the first in the line until there are as many as it asks for. (If there never are, it waits
    /// for ever, and so do those behind it.)
    ///
    /// # Cancel safety
    /// As in [`acquire`](Self::acquire). What was kept for it goes to those behind it.
    ///
    /// # Fairness
    /// First come, first served: a later, smaller request does not overtake an earlier, larger one.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn acquire_many(&self, n: usize) -> AcquireFuture<'_, H> {
        AcquireFuture::new(self, n)
    }

    /// Takes a permit if one is free now. None is while others wait.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_, H>> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if so many are free now. None is while others wait.
    #[inline]
    pub fn try_acquire_many(&self, n: usize) -> Option<Permit<'_, H>> {
        self.try_take(n).then(|| Permit::new(self, n))
    }

    /// How many permits can be taken now. None while others wait.
    pub fn available_permits(&self) -> usize {
        // Relaxed: it may have changed before the caller looks at the answer.
        match self.free.load(Ordering::Relaxed) {
            CONTENDED => 0,
            free => free,
        }
    }

    /// Adds `n` permits. Those who wait get them in their order.
    ///
    /// # Panics
    /// If there are more than [`MAX_PERMITS`](Self::MAX_PERMITS) free.
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        assert!(self.release(n), "too many permits");
    }

    /// Takes up to `n` permits away for ever, and says how many that were: no more than are free, or kept for the first
    /// in the line until there are as many as it asks for.
    ///
    /// # Examples
    /// ```
    /// let semaphore = aio_sync::Semaphore::new(3);
    /// let permit = semaphore.try_acquire();
    /// assert_eq!(semaphore.forget_permits(5), 2);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn forget_permits(&self, n: usize) -> usize {
        // Relaxed, here and in the exchange, which has the last word: nobody gets these permits, and who takes others
        // later sees by the exchange what the Release before it published.
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            let found = if free == CONTENDED {
                match self.waiting.with(|waiting| self.forget_kept(n, waiting)) {
                    Ok(forgotten) => return forgotten,
                    Err(free) => free,
                }
            } else {
                free
            };
            let forgotten = n.min(found);
            match self.free.compare_exchange(found, found - forgotten, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return forgotten,
                Err(now) => free = now,
            }
        }
    }

    /// Under the lock: takes up to `n` away from what is kept. If nobody waits any more, says what is free instead.
    fn forget_kept(&self, n: usize, waiting: &mut Waiting<H>) -> Result<usize, usize> {
        // Relaxed: it becomes CONTENDED, and ceases to be, under the lock, which is held.
        match self.free.load(Ordering::Relaxed) {
            CONTENDED => {
                let forgotten = n.min(waiting.kept);
                waiting.kept -= forgotten;
                Ok(forgotten)
            }
            free => Err(free),
        }
    }

    #[inline]
    fn try_take(&self, n: usize) -> bool {
        // Relaxed: the exchange below has the last word.
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            if free == CONTENDED || free < n {
                return false;
            }
            // Acquire pairs with the Releases of `release` and `hand_out`: what those did who had the permits before is
            // visible to the one who has them now.
            match self.free.compare_exchange(free, free - n, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => free = now,
            }
        }
    }

    /// Under the lock: whether `n` permits were taken, otherwise one must wait for them.
    fn enter(&self, n: usize, waiting: &mut Waiting<H>) -> bool {
        loop {
            if self.try_take(n) {
                return true;
            }
            // Relaxed: the exchange below has the last word.
            let free = self.free.load(Ordering::Relaxed);
            if free == CONTENDED {
                return false;
            }
            // Acquire as in `try_take`: who gets what is kept sees it by the lock.
            let is_too_few =
                free < n && self.free.compare_exchange(free, CONTENDED, Ordering::Acquire, Ordering::Relaxed).is_ok();
            if is_too_few {
                waiting.kept = free;
                return false;
            }
        }
    }

    /// Gives `n` permits back, or adds them: whether there are not too many now.
    #[inline]
    fn release(&self, n: usize) -> bool {
        self.add_free(n).unwrap_or_else(|| self.hand_out(Some(n)))
    }

    /// The same as long as nobody waits; otherwise `None`.
    #[inline]
    fn add_free(&self, n: usize) -> Option<bool> {
        // Relaxed: the exchange below has the last word.
        let mut free = self.free.load(Ordering::Relaxed);
        while free != CONTENDED {
            let Some(sum) = add(free, n) else { return Some(false) };
            // Release pairs with the Acquire of `try_take`.
            match self.free.compare_exchange(free, sum, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Some(true),
                Err(now) => free = now,
            }
        }
        None
    }

    /// Hands what is kept, and `added`, to those who wait, as far as it goes. Whether it was not too much.
    #[cold]
    fn hand_out(&self, mut added: Option<usize>) -> bool {
        let mut panics = Panics::new();
        loop {
            // One waker in each round: there rarely is a second one.
            let round = self.waiting.with(|waiting| {
                let is_kept = added.take().is_none_or(|n| self.keep(n, waiting));
                is_kept.then(|| self.serve_first(waiting))
            });
            let Some((next, has_more)) = round else { return false };
            if let Some(waker) = next {
                panics.catch(|| waker.wake());
            }
            if !has_more {
                panics.resume();
                return true;
            }
        }
    }

    /// Under the lock: adds `n` permits to those that are kept; or to the free ones, if nobody waits any more.
    fn keep(&self, n: usize, waiting: &mut Waiting<H>) -> bool {
        self.add_free(n).unwrap_or_else(|| {
            let sum = add(waiting.kept, n);
            waiting.kept = sum.unwrap_or(waiting.kept);
            sum.is_some()
        })
    }

    /// Under the lock: hands the first in the line what it asks for, if there is as much. Whether the next can be
    /// served, too.
    fn serve_first(&self, waiting: &mut Waiting<H>) -> (Option<Waker>, bool) {
        let mut next = None;
        if let Some(rest) = waiting.line.first().and_then(|n| waiting.kept.checked_sub(*n)) {
            waiting.kept = rest;
            next = waiting.line.wake_first();
        }
        // Relaxed: it becomes CONTENDED, and ceases to be, under the lock, which is held.
        if waiting.line.is_empty() && self.free.load(Ordering::Relaxed) == CONTENDED {
            // Release as in `add_free`. (Who is handed permits sees what was done before by being woken.)
            self.free.store(std::mem::take(&mut waiting.kept), Ordering::Release);
        }
        (next, waiting.line.first().is_some_and(|n| *n <= waiting.kept))
    }
}

/// No more than there may be.
fn add(permits: usize, n: usize) -> Option<usize> {
    permits.checked_add(n).filter(|sum| *sum != CONTENDED)
}

#[cfg(not(aio_loom))]
impl Semaphore<Shared> {
    /// With so many permits, for a `static`.
    ///
    /// # Panics
    /// If there are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub const fn const_new(permits: usize) -> Self {
        assert!(permits <= Self::MAX_PERMITS, "too many permits");
        Self { free: AtomicUsize::new(permits), waiting: BriefLock::new(Waiting::new()) }
    }
}

impl Semaphore<Shared> {
    /// [Acquires](Self::acquire) a permit from a thread that is no task's: blocks it until there is one.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn acquire_blocking(&self) -> Permit<'_> {
        host::assert_may_block("`acquire_blocking`");
        self.try_acquire().unwrap_or_else(|| host::block_on("`acquire_blocking`", self.acquire()))
    }

    /// [Acquires](Self::acquire_many) `n` permits at once from a thread that is no task's: blocks it until there are as
    /// many.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn acquire_many_blocking(&self, n: usize) -> Permit<'_> {
        host::assert_may_block("`acquire_many_blocking`");
        self.try_acquire_many(n).unwrap_or_else(|| host::block_on("`acquire_many_blocking`", self.acquire_many(n)))
    }
}

impl<H: Home> fmt::Debug for Semaphore<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available_permits", &self.available_permits()).finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
