//! A wake-up that is kept for one who has yet to come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::Exclusive;
use aio_base::{Home, Shared, host};

use crate::wait_queue::{Line, Turn, Wait, Waiter, wake, wake_batches};

/// A wake-up for one task, kept if nobody waits for it: tokio's `Notify`.
///
/// `aio_sync::Notify` may be shared between threads; `aio_sync::local::Notify` stays on one and is cheaper. Both are
/// this type in one of its [homes](aio_base::home).
///
/// It says "look again", and nothing about at what. The state itself is elsewhere: in an atomic, behind a mutex, in a
/// file.
///
/// # Which one?
///
/// | what is to be said                                | with                                           |
/// |---------------------------------------------------|------------------------------------------------|
/// | "something changed", to the one who looks         | `Notify`: [`notify_one`](Self::notify_one)     |
/// | "it has happened", and so it stays until cleared  | [`Event`](crate::generic::Event)               |
/// | "look again", about a value that is under a lock  | [`Condition`](crate::generic::Condition)       |
/// | "here is one more to be taken"                    | [`Semaphore`](crate::generic::Semaphore)       |
/// | the thing itself                                  | [`Queue`](crate::generic::Queue)               |
///
/// Any number of calls of `notify_one` leave one wake-up: who is woken looks for all there is to do.
///
/// # Not to miss a change
///
/// With one task that looks, and `notify_one`, nothing can be missed: a call between the look and the wait is kept.
///
/// ```
/// # use aio_sync::Notify;
/// # async fn example(notify: &Notify, is_there: impl Fn() -> bool) {
/// while !is_there() {
///     notify.notified().await;
/// }
/// # }
/// ```
///
/// With [`notify_all`](Self::notify_all) one asks for the future before one looks: what counts for it are the calls
/// since it was made, polled or not. With several tasks that look, and `notify_one` for each change, two calls between
/// their looks and their waits would leave one wake-up for both: there one takes one's place in the line before one
/// looks, by [`enable`](NotifiedFuture::enable).
///
/// ```
/// # use aio_sync::Notify;
/// # use std::pin::pin;
/// # async fn example(notify: &Notify, is_there: impl Fn() -> bool) {
/// loop {
///     let mut notified = pin!(notify.notified());
///     notified.as_mut().enable();
///     if is_there() {
///         break;
///     }
///     notified.await;
/// }
/// # }
/// ```
///
/// (Who finds it there, and was notified meanwhile, passes the wake-up on by dropping the future.)
///
/// # Coming from tokio
///
/// | tokio                        | here                                                                  |
/// |------------------------------|-----------------------------------------------------------------------|
/// | `notify_one()`               | the same                                                              |
/// | `notify_waiters()`           | [`notify_all()`](Self::notify_all)                                    |
/// | `notified().await`           | the same                                                              |
/// | `Notified::enable`           | [`NotifiedFuture::enable`]                                            |
///
/// # Fairness
/// First come, first served: [`notify_one`](Self::notify_one) wakes the one who has waited longest.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::Notify;
/// use std::sync::Mutex;
///
/// let (mail, arrived) = (Mutex::new(vec![]), Notify::new());
/// mail.lock().unwrap().push("a letter");
/// arrived.notify_one();
/// // Nobody waited. It is kept.
/// arrived.notified().await;
/// assert_eq!(mail.lock().unwrap().pop(), Some("a letter"));
/// # });
/// ```
pub struct Notify<H: Home> {
    state: H::Exclusive<State<H>>,
}

struct State<H: Home> {
    /// Whether a wake-up is kept. Then nobody is in the line.
    is_kept: bool,
    /// How often [`Notify::notify_all`] was called.
    n_all: u32,
    /// Each with `n_all` when it came.
    line: Line<H, u32>,
}

impl<H: Home> State<H> {
    const fn new() -> Self {
        Self { is_kept: false, n_all: 0, line: Line::new() }
    }

    /// Gives the wake-up to the first in the line, or keeps it.
    fn give(&mut self) -> Option<Waker> {
        let first = self.line.wake_first();
        self.is_kept |= first.is_none();
        first
    }

    /// By whom one is notified already who asked when `n_all` was `since`.
    fn take(&mut self, since: u32) -> Option<Cause> {
        if self.n_all != since {
            return Some(Cause::All);
        }
        std::mem::take(&mut self.is_kept).then_some(Cause::One)
    }
}

impl<H: Home> Notify<H> {
    /// With no wake-up kept.
    pub fn new() -> Self {
        Self { state: Exclusive::new(State::new()) }
    }

    /// Wakes the first who waits. If nobody does, keeps the wake-up for the next who comes; a second one is not kept
    /// beside it.
    ///
    /// What was done before is visible to the one that is woken.
    ///
    /// # Panics
    /// If the waker panics.
    pub fn notify_one(&self) {
        wake(self.state.with(|state| state.give()));
    }

    /// Wakes all who wait, or have called [`notified`](Self::notified) and have yet to begin. Keeps nothing for those
    /// who come later, and leaves alone what is kept.
    ///
    /// What was done before is visible to those who are woken.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn notify_all(&self) {
        let mut this_call = None;
        wake_batches(|wakers| {
            self.state.with(|state| {
                let this_call = *this_call.get_or_insert_with(|| {
                    state.n_all = state.n_all.wrapping_add(1);
                    state.n_all
                });
                // In order of arrival: the first who came after this call is where it ends. (The sign of the difference
                // says so even when the count has wrapped.)
                state.line.dismiss_batch(wakers, |&came| this_call.wrapping_sub(came).cast_signed() > 0)
            })
        });
    }

    /// Waits for a wake-up. If one is kept, takes it and does not yield.
    ///
    /// What counts are calls of [`notify_one`](Self::notify_one) since the first poll, or
    /// [`enable`](NotifiedFuture::enable), and before, if the wake-up is still kept; and calls of
    /// [`notify_all`](Self::notify_all) since this call.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the line. If it was woken by [`notify_one`](Self::notify_one), the
    /// next in the line is woken instead, or the wake-up is kept.
    ///
    /// # Fairness
    /// The place in the line is taken at the first poll, or by [`enable`](NotifiedFuture::enable).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    pub fn notified(&self) -> NotifiedFuture<'_, H> {
        let since = self.state.with(|state| state.n_all);
        NotifiedFuture { wait: Wait::new(Notified { notify: self, since }), early: None }
    }
}

#[cfg(not(aio_loom))]
impl Notify<Shared> {
    /// With no wake-up kept, for a `static`.
    pub const fn const_new() -> Self {
        Self { state: BriefLock::new(State::new()) }
    }
}

impl Notify<Shared> {
    /// [Waits](Self::notified) on a thread that is no task's: blocks it until it is notified.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still.
    #[track_caller]
    pub fn notified_blocking(&self) {
        host::block_on("`notified_blocking`", self.notified());
    }
}

impl<H: Home> Default for Notify<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Home> fmt::Debug for Notify<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").field("is_kept", &self.state.with(|state| state.is_kept)).finish()
    }
}

/// Waits for a [`Notify`]: made by [`Notify::notified`].
#[must_use = "futures do nothing unless awaited"]
pub struct NotifiedFuture<'a, H: Home = Shared> {
    wait: Wait<H, Notified<'a, H>>,
    early: Option<Cause>,
}

/// By whom it was notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    One,
    All,
}

impl<H: Home> NotifiedFuture<'_, H> {
    /// Takes its place in the line, as the first poll does, but does not wait. If it has one, nothing happens.
    ///
    /// If a wake-up is kept, it gets that: the next poll is ready; if there is none, the drop passes it on. Whether it
    /// has been notified, now or before.
    pub fn enable(mut self: Pin<&mut Self>) -> bool {
        if self.wait.is_new() {
            let early = self.as_mut().poll_line(&mut Context::from_waker(Waker::noop()));
            // SAFETY: it moves nothing that is pinned.
            unsafe { self.as_mut().get_unchecked_mut() }.early = early;
        }
        !self.wait.is_queued()
    }

    /// By whom it was notified, unless it waits.
    fn poll_line(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Cause> {
        // SAFETY: `wait` is pinned when `self` is: this type's `Drop` does not move it, nor does anything else, and
        // this is `!Unpin` since `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let since = wait.waiter.since;
        let mut early = None;
        let polled = wait.poll(
            cx,
            |_| false,
            |_, state| {
                early = state.take(since);
                early.is_none().then_some(since)
            },
        );
        match polled {
            Poll::Pending => None,
            Poll::Ready(Turn::Passed) => early,
            Poll::Ready(Turn::Given) => Some(Cause::One),
            Poll::Ready(Turn::Dismissed) => Some(Cause::All),
        }
    }
}

impl<H: Home> Future for NotifiedFuture<'_, H> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: it moves nothing that is pinned.
        let early = unsafe { self.as_mut().get_unchecked_mut() }.early.take();
        match early.or_else(|| self.poll_line(cx)) {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        }
    }
}

impl<H: Home> Drop for NotifiedFuture<'_, H> {
    fn drop(&mut self) {
        if self.early == Some(Cause::One) {
            self.wait.waiter.notify.notify_one();
        }
    }
}

impl<H: Home> fmt::Debug for NotifiedFuture<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.early {
            Some(_) => f.write_str("NotifiedFuture(Woken)"),
            None => f.debug_tuple("NotifiedFuture").field(&self.wait).finish(),
        }
    }
}

struct Notified<'a, H: Home> {
    notify: &'a Notify<H>,
    /// How often `notify_all` had been called when this was made.
    since: u32,
}

// SAFETY: what it refers to has one lock and one line.
unsafe impl<H: Home> Waiter<H> for Notified<'_, H> {
    type Guarded = State<H>;
    type Note = u32;
    const WHAT: &'static str = "Notify";

    fn guarded(&self) -> &H::Exclusive<State<H>> {
        &self.notify.state
    }

    fn line(state: &mut State<H>) -> &mut Line<H, u32> {
        &mut state.line
    }

    fn pass_on(&self) {
        self.notify.notify_one();
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
