//! So many tokens to borrow, with books kept about them.

pub(crate) mod acquire;
mod error;
mod owned;
pub(crate) mod permit;
mod state;

use std::fmt;

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::Exclusive;
use aio_base::{Home, Shared, host};

pub use error::AcquireError;
pub use state::LimiterStatistics;
use state::State;

use crate::wait_queue::wake_batches;
use crate::{LimiterFuture, LimiterPermit};

/// A semaphore that knows how many tokens there are in all, can be given another number at any time, and can be closed:
/// Trio's and anyio's `CapacityLimiter`.
///
/// `aio_sync::CapacityLimiter` may be shared between threads; `aio_sync::local::CapacityLimiter` stays on one and is
/// cheaper. Both are this type in one of its [homes](aio_base::home).
///
/// Who needs neither to close nor to resize takes a [`Semaphore`](crate::generic::Semaphore), which is quicker, and
/// whose `acquire` cannot fail.
///
/// # Coming from anyio or Trio
///
/// | there                                | here                                                              |
/// |--------------------------------------|-------------------------------------------------------------------|
/// | `async with limiter:`                | `{ let _permit = limiter.acquire().await?; .. }`                  |
/// | `limiter.acquire_nowait()`           | [`limiter.try_acquire()?`](Self::try_acquire)                     |
/// | `limiter.acquire_on_behalf_of(x)`    | `limiter.acquire_owned().await?`: the [permit] is the borrower    |
/// | `limiter.total_tokens`, `.. = n`     | `limiter.total()`, [`limiter.set_total(n)`](Self::set_total)      |
/// | `borrowed_tokens`, `available_tokens`| `limiter.borrowed()`, `limiter.available()`                       |
/// | `limiter.statistics()`               | `limiter.statistics()`                                            |
/// | `math.inf`                           | [`CapacityLimiter::MAX_TOTAL`](Self::MAX_TOTAL)                   |
///
/// [permit]: crate::OwnedLimiterPermit
///
/// # Fairness
/// First come, first served. A token that is given back is handed to the first in the line before that one runs: nobody
/// overtakes, neither does [`try_acquire`](Self::try_acquire), nor somebody who asks for fewer tokens than the first in
/// the line waits for.
///
/// # Panics
/// A waker that panics does so in the call that wakes it, or in the `drop` of the permit; all tokens have been handed
/// out by then, and all others woken. A panic of somebody who has tokens gives them back.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::CapacityLimiter;
///
/// let workers = CapacityLimiter::new(1);
/// let first = workers.acquire().await?;
/// assert!(workers.try_acquire().unwrap_err().is_exhausted());
/// workers.set_total(2);
/// let second = workers.acquire().await?;
/// workers.set_total(1);
/// assert_eq!((workers.borrowed(), workers.available()), (2, -1));
/// workers.close();
/// assert!(workers.acquire().await.unwrap_err().is_closed());
/// # drop((first, second));
/// # Ok::<(), aio_sync::AcquireError>(())
/// # }).unwrap();
/// ```
pub struct CapacityLimiter<H: Home> {
    state: H::Exclusive<State<H>>,
}

impl<H: Home> CapacityLimiter<H> {
    /// The most tokens that there can be.
    pub const MAX_TOTAL: usize = isize::MAX.cast_unsigned();

    /// With so many tokens, none of them borrowed.
    ///
    /// # Panics
    /// If there are more than [`MAX_TOTAL`](Self::MAX_TOTAL).
    #[track_caller]
    pub fn new(total: usize) -> Self {
        assert!(total <= Self::MAX_TOTAL, "too many tokens");
        Self { state: Exclusive::new(State::new(total)) }
    }

    /// Waits for a token. If one is available, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future borrows nothing and gives up its place in the line; if a token has been handed to it
    /// already, the next in the line gets it.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, it has the token for ever.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Errors
    /// [`AcquireError`], if the limiter is [closed](Self::close), or is closed before a token is handed to it.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn acquire(&self) -> LimiterFuture<'_, H> {
        self.acquire_many(1)
    }

    /// Waits for `n` tokens at once. If they are available, does not yield.
    ///
    /// Tokens are kept for the first in the line until there are as many as it asks for. One that asks for more than
    /// the [total](Self::total) waits until that has grown, and so do those behind it.
    ///
    /// # Cancel safety
    /// As in [`acquire`](Self::acquire). What was kept for it goes to those behind it.
    ///
    /// # Fairness
    /// First come, first served: a later, smaller request does not overtake an earlier, larger one.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn acquire_many(&self, n: usize) -> LimiterFuture<'_, H> {
        LimiterFuture::new(self, n)
    }

    /// Borrows a token if one is available now. None is while others wait.
    ///
    /// # Errors
    /// [`AcquireError`], which says whether there is none, or the limiter is [closed](Self::close).
    #[inline]
    pub fn try_acquire(&self) -> Result<LimiterPermit<'_, H>, AcquireError> {
        self.try_acquire_many(1)
    }

    /// Borrows `n` tokens if so many are available now. None is while others wait.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_many(&self, n: usize) -> Result<LimiterPermit<'_, H>, AcquireError> {
        self.try_borrow(n).map(|()| LimiterPermit::new(self, n))
    }

    /// Changes how many tokens there are in all.
    ///
    /// If there are more now, they are handed to those who wait before this returns. If there are fewer, nothing is
    /// taken from those who have some: nobody gets any until enough have been given back.
    ///
    /// # Panics
    /// If there are more than [`MAX_TOTAL`](Self::MAX_TOTAL).
    #[track_caller]
    pub fn set_total(&self, total: usize) {
        assert!(total <= Self::MAX_TOTAL, "too many tokens");
        self.update(|state| state.total = total);
    }

    /// How many tokens there are in all: borrowed, or not.
    pub fn total(&self) -> usize {
        self.state.with(|state| state.total)
    }

    /// How many tokens are borrowed, those included that were just handed to somebody who waited.
    pub fn borrowed(&self) -> usize {
        self.state.with(|state| state.borrowed)
    }

    /// The [total](Self::total) without those that are [borrowed](Self::borrowed): less than zero if it has been made
    /// smaller than these.
    ///
    /// While others wait, what is available is kept for the first of them.
    pub fn available(&self) -> isize {
        // Neither is more than `MAX_TOTAL`.
        self.state.with(|state| state.total.cast_signed() - state.borrowed.cast_signed())
    }

    /// What there is to know, all at the same moment.
    pub fn statistics(&self) -> LimiterStatistics {
        self.state.with(|state| state.statistics())
    }

    /// Closes the limiter for ever: those who wait, and those who come later, get an error.
    ///
    /// Who has tokens, or has just been handed some, keeps them, and gives them back as before. Closing it twice
    /// changes nothing.
    ///
    /// # Fairness
    /// Those who wait are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn close(&self) {
        // Nobody joins the line of a closed limiter, so that this ends.
        wake_batches(|wakers| self.state.with(|state| state.close(wakers)));
    }

    /// Whether it has been [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.state.with(|state| state.is_closed)
    }

    fn try_borrow(&self, n: usize) -> Result<(), AcquireError> {
        self.state.with(|state| state.borrow(n))
    }

    /// Gives `n` tokens back.
    fn release(&self, n: usize) {
        self.update(|state| state.borrowed -= n);
    }

    /// Changes the numbers, and hands those who wait what is available then.
    fn update(&self, change: impl FnOnce(&mut State<H>)) {
        let mut change = Some(change);
        wake_batches(|wakers| {
            self.state.with(|state| {
                if let Some(change) = change.take() {
                    change(state);
                }
                state.hand_out(wakers)
            })
        });
    }
}

#[cfg(not(aio_loom))]
impl CapacityLimiter<Shared> {
    /// With so many tokens, for a `static`.
    ///
    /// # Panics
    /// If there are more than [`MAX_TOTAL`](Self::MAX_TOTAL).
    #[track_caller]
    pub const fn const_new(total: usize) -> Self {
        assert!(total <= Self::MAX_TOTAL, "too many tokens");
        Self { state: BriefLock::new(State::new(total)) }
    }
}

impl CapacityLimiter<Shared> {
    /// [Borrows](Self::acquire) a token from a thread that is no task's: blocks it until there is one.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn acquire_blocking(&self) -> Result<LimiterPermit<'_>, AcquireError> {
        host::assert_may_block("`acquire_blocking`");
        match self.try_acquire() {
            Err(error) if error.is_exhausted() => host::block_on("`acquire_blocking`", self.acquire()),
            done => done,
        }
    }

    /// [Borrows](Self::acquire_many) `n` tokens at once from a thread that is no task's: blocks it until there are as
    /// many.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn acquire_many_blocking(&self, n: usize) -> Result<LimiterPermit<'_>, AcquireError> {
        host::assert_may_block("`acquire_many_blocking`");
        match self.try_acquire_many(n) {
            Err(error) if error.is_exhausted() => host::block_on("`acquire_many_blocking`", self.acquire_many(n)),
            done => done,
        }
    }
}

impl<H: Home> fmt::Debug for CapacityLimiter<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimiterStatistics { total, borrowed, waiting, .. } = self.statistics();
        f.debug_struct("CapacityLimiter")
            .field("total", &total)
            .field("borrowed", &borrowed)
            .field("waiting", &waiting)
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
