//! A gate that opens once, when so much has been done.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
#[cfg(not(aio_loom))]
use aio_base::{BriefLock, sync::atomic::AtomicUsize};
use aio_base::{Home, Shared, host};

use crate::wait_queue::{Line, Wait, Waiter, wake_batches};

/// A gate that opens once, for ever, when it has been counted down to zero: Java's and C++'s latch, Go's wait group.
///
/// `aio_sync::Latch` may be shared between threads; `aio_sync::local::Latch` stays on one and is cheaper. Both are this
/// type in one of its [homes](aio_base::home).
///
/// asyncio has none; it is what one builds there from a counter and an `Event`. Against its neighbours: an
/// [`Event`](crate::generic::Event) is set by one, and can be cleared; at a [`Barrier`](crate::generic::Barrier) those
/// who wait are those who are waited for, again and again; to wait for tasks, and have their results, join them or
/// their group.
///
/// What was done before any [`count_down`](Self::count_down) is visible to those who have waited.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::Latch;
/// use futures_lite::future::zip;
///
/// let ready = Latch::new(2);
/// let server = async {
///     ready.wait().await;
///     "open"
/// };
/// let parts = async {
///     ready.arrive();
///     ready.arrive();
/// };
/// assert_eq!(zip(server, parts).await.0, "open");
/// # });
/// ```
pub struct Latch<H: Home> {
    /// How many have yet to come. It reaches zero before the line's lock is taken to empty the line; so whoever finds
    /// it above zero under the lock is in the line by then.
    count: H::Word,
    line: H::Exclusive<Line<H, ()>>,
}

impl<H: Home> Latch<H> {
    /// A latch that opens when it has been counted down by `n`. With zero it is open.
    pub fn new(n: usize) -> Self {
        Self { count: Word::new(n), line: Exclusive::new(Line::new()) }
    }

    /// Counts down by one.
    ///
    /// # Panics
    /// As [`count_down`](Self::count_down).
    #[track_caller]
    pub fn arrive(&self) {
        self.count_down(1);
    }

    /// Counts down by `n`, and wakes all who wait if that makes zero.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If less than `n` is left; nothing is counted then. If a waker panics: the others are woken nevertheless, and the
    /// first panic goes on afterwards.
    #[track_caller]
    pub fn count_down(&self, n: usize) {
        // Relaxed: the exchange below has the last word.
        let mut count = self.count.load(Ordering::Relaxed);
        loop {
            let Some(left) = count.checked_sub(n) else {
                panic!("a latch with {count} left was counted down by {n}");
            };
            // Release, and each exchange goes on with what the ones before have released: it pairs with the Acquire of
            // `is_open`. Acquire: those that the last one wakes see by that what all others did before.
            match self.count.compare_exchange(count, left, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if left == 0 && n > 0 => break,
                Ok(_) => return,
                Err(now) => count = now,
            }
        }
        // Nobody joins the line any more, so that this ends.
        wake_batches(|wakers| self.line.with(|line| line.dismiss_batch(wakers, |()| true)));
    }

    /// How much is left to count down.
    pub fn count(&self) -> usize {
        // Acquire pairs with the Release in `count_down`.
        self.count.load(Ordering::Acquire)
    }

    /// Whether it has been counted down to zero.
    pub fn is_open(&self) -> bool {
        self.count() == 0
    }

    /// Waits until it has been counted down to zero. If it is already, does not yield.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    ///
    /// # Fairness
    /// The place in the line is taken at the first poll.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn wait(&self) -> LatchFuture<'_, H> {
        LatchFuture { wait: Wait::new(LatchWaiter(self)) }
    }
}

#[cfg(not(aio_loom))]
impl Latch<Shared> {
    /// A latch that opens when it has been counted down by `n`, for a `static`.
    pub const fn const_new(n: usize) -> Self {
        Self { count: AtomicUsize::new(n), line: BriefLock::new(Line::new()) }
    }
}

impl Latch<Shared> {
    /// [Waits](Self::wait) on a thread that is no task's: blocks it until the latch is open.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn wait_blocking(&self) {
        host::assert_may_block("`wait_blocking`");
        if !self.is_open() {
            host::block_on("`wait_blocking`", self.wait());
        }
    }
}

impl<H: Home> fmt::Debug for Latch<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch").field("count", &self.count()).finish()
    }
}

/// Waits for a [`Latch`]: made by [`Latch::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct LatchFuture<'a, H: Home = Shared> {
    wait: Wait<H, LatchWaiter<'a, H>>,
}

impl<H: Home> Future for LatchFuture<'_, H> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        wait.poll(cx, |waiter| waiter.0.is_open(), |waiter, _line| (!waiter.0.is_open()).then_some(())).map(|_| ())
    }
}

impl<H: Home> fmt::Debug for LatchFuture<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LatchFuture").field(&self.wait).finish()
    }
}

struct LatchWaiter<'a, H: Home>(&'a Latch<H>);

// SAFETY: the latch that it refers to has one line, which has one lock.
unsafe impl<H: Home> Waiter<H> for LatchWaiter<'_, H> {
    type Guarded = Line<H, ()>;
    type Note = ();

    fn guarded(&self) -> &H::Exclusive<Line<H, ()>> {
        &self.0.line
    }

    fn line(line: &mut Line<H, ()>) -> &mut Line<H, ()> {
        line
    }

    /// All are woken: there is nothing to pass on.
    fn pass_on(&self) {}
}

#[cfg(all(test, aio_loom))]
mod tests;
