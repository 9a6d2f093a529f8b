//! A flag to wait for.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Shared, host};

use crate::wait_queue::{Line, Wait, Waiter, wake_batches};

/// A flag that tasks can wait for: asyncio's `Event`, with `set`, `clear`, `is_set` and `wait`.
///
/// `aio_sync::Event` may be shared between threads; `aio_sync::local::Event` stays on one and is cheaper. Both are this
/// type in one of its [homes](aio_base::home).
///
/// What was done before [`set`](Self::set) is visible to those it lets go.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::Event;
/// use futures_lite::future::zip;
///
/// let ready = Event::new();
/// let runner = async {
///     ready.wait().await;
///     "off"
/// };
/// let starter = async { ready.set() };
/// assert_eq!(zip(runner, starter).await.0, "off");
/// # });
/// ```
pub struct Event<H: Home> {
    /// The [flag](CLEAR) is the byte beside it.
    line: H::Exclusive<Sets<H>>,
}

/// The flag is down. (That is what the byte is at first.)
const CLEAR: u8 = 0;
/// The flag is up. It is set under the line's lock, so that whoever finds it CLEAR there is in the line when it is set;
/// it may be cleared at any time.
const SET: u8 = 1;

/// Who waits, each with how often the flag had been set when they came.
struct Sets<H: Home> {
    /// How often the flag has been set.
    count: u32,
    line: Line<H, u32>,
}

impl<H: Home> Sets<H> {
    const fn new() -> Self {
        Self { count: 0, line: Line::new() }
    }
}

impl<H: Home> Event<H> {
    /// An event that is not set.
    pub fn new() -> Self {
        Self { line: Exclusive::new(Sets::new()) }
    }

    /// Sets the flag and wakes all who wait.
    ///
    /// Their waiting is over, even if the flag is cleared before they run. Who begins to wait later, for instance while
    /// this call is still waking others, is not affected by it.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn set(&self) {
        let mut this_set = None;
        wake_batches(|wakers| {
            self.line.with(|sets| {
                let this_set = *this_set.get_or_insert_with(|| {
                    // Release pairs with the Acquire of `is_set`.
                    self.flag().store(SET, Ordering::Release);
                    sets.count = sets.count.wrapping_add(1);
                    sets.count
                });
                // In order of arrival: the first who came after this set is where it ends. (The sign of the difference
                // says so even when the count has wrapped.)
                sets.line.dismiss_batch(wakers, |&sets_before| this_set.wrapping_sub(sets_before).cast_signed() > 0)
            })
        });
    }

    /// Takes the flag down. Who waits goes on waiting; who has been woken is not affected.
    pub fn clear(&self) {
        // Release: who finds the flag down sees what was done before it was taken down.
        self.flag().store(CLEAR, Ordering::Release);
    }

    /// Whether the flag is up.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Acquire pairs with the Release of `set`.
        self.flag().load(Ordering::Acquire) == SET
    }

    /// Waits until the flag is set. If it is set already, does not yield.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future: the others are woken all the same.
    ///
    /// # Fairness
    /// The place in the line is taken at the first poll.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn wait(&self) -> EventFuture<'_, H> {
        EventFuture { wait: Wait::new(EventWaiter(self)) }
    }

    #[inline]
    fn flag(&self) -> &H::Byte {
        self.line.byte()
    }
}

#[cfg(not(aio_loom))]
impl Event<Shared> {
    /// An event that is not set, for a `static`.
    pub const fn const_new() -> Self {
        Self { line: BriefLock::new(Sets::new()) }
    }
}

impl Event<Shared> {
    /// [Waits](Self::wait) on a thread that is no task's: blocks it until the flag is set.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn wait_blocking(&self) {
        host::assert_may_block("`wait_blocking`");
        if !self.is_set() {
            host::block_on("`wait_blocking`", self.wait());
        }
    }
}

impl<H: Home> Default for Event<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Home> fmt::Debug for Event<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish()
    }
}

/// Waits for an [`Event`]: made by [`Event::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct EventFuture<'a, H: Home = Shared> {
    wait: Wait<H, EventWaiter<'a, H>>,
}

impl<H: Home> Future for EventFuture<'_, H> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        wait.poll(cx, |waiter| waiter.0.is_set(), |waiter, sets| (!waiter.0.is_set()).then_some(sets.count)).map(|_| ())
    }
}

struct EventWaiter<'a, H: Home>(&'a Event<H>);

// SAFETY: the event that it refers to has one lock and one line.
unsafe impl<H: Home> Waiter<H> for EventWaiter<'_, H> {
    type Guarded = Sets<H>;
    type Note = u32;
    const WHAT: &'static str = "Event";

    fn guarded(&self) -> &H::Exclusive<Sets<H>> {
        &self.0.line
    }

    fn line(sets: &mut Sets<H>) -> &mut Line<H, u32> {
        &mut sets.line
    }

    /// Each is woken by every `set`: there is nothing to pass on.
    fn pass_on(&self) {}
}

impl<H: Home> fmt::Debug for EventFuture<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventFuture").field(&self.wait).finish()
    }
}
