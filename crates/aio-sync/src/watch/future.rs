//! Waiting for a change, and for the last receiver to go.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::{Home, Shared};

use super::RecvError;
use super::state::{Channel, State, Version};
use crate::wait_queue::{Line, Wait, Waiter};

/// Waits for a change: made by [`Receiver::changed`](super::Receiver::changed).
#[must_use = "futures do nothing unless awaited"]
pub struct ChangedFuture<'a, T, H: Home = Shared> {
    seen: &'a mut Version,
    wait: Wait<H, Watcher<&'a Channel<T, H>, T>>,
}

impl<'a, T, H: Home> ChangedFuture<'a, T, H> {
    pub(super) fn new(channel: &'a Channel<T, H>, seen: &'a mut Version) -> Self {
        Self { seen, wait: Wait::new(Watcher::new(channel)) }
    }
}

impl<T, H: Home> Future for ChangedFuture<'_, T, H> {
    type Output = Result<(), RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `seen` is not.
        let (seen, wait) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut *this.seen, Pin::new_unchecked(&mut this.wait))
        };
        let channel = wait.waiter.0;
        poll_change(wait, cx, *seen).map(|()| see(channel, seen))
    }
}

/// Ready if there is something else than was `seen`, or nothing more to come.
pub(super) fn poll_change<T, H: Home, R: Deref<Target = Channel<T, H>>>(
    wait: Pin<&mut Wait<H, Watcher<R, T>>>,
    cx: &mut Context<'_>,
    seen: Version,
) -> Poll<()> {
    let is_over = |watcher: &Watcher<R, T>| watcher.0.version().ends_waiting_of(seen);
    wait.poll(cx, is_over, |watcher, _| (!is_over(watcher)).then(|| watcher.0.version())).map(|_| ())
}

/// Now everything has been seen, if there is news; otherwise there will be none.
pub(super) fn see<T, H: Home>(channel: &Channel<T, H>, seen: &mut Version) -> Result<(), RecvError> {
    let version = channel.version();
    if version.is_news_to(*seen) {
        *seen = version;
        return Ok(());
    }
    debug_assert!(version.is_closed(), "woken for nothing");
    Err(RecvError::NEW)
}

impl<T, H: Home> fmt::Debug for ChangedFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChangedFuture").field(&self.wait).finish()
    }
}

/// Waits until nobody watches: made by [`Sender::closed`](super::Sender::closed).
#[must_use = "futures do nothing unless awaited"]
pub struct ClosedFuture<'a, T, H: Home = Shared> {
    wait: Wait<H, Deserted<'a, T, H>>,
}

impl<'a, T, H: Home> ClosedFuture<'a, T, H> {
    pub(super) fn new(channel: &'a Channel<T, H>) -> Self {
        Self { wait: Wait::new(Deserted(channel)) }
    }
}

impl<T, H: Home> Future for ClosedFuture<'_, T, H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        wait.poll(cx, |_| false, |_, state| state.times_deserted()).map(|_| ())
    }
}

impl<T, H: Home> fmt::Debug for ClosedFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClosedFuture").field(&self.wait).finish()
    }
}

/// Waits for a change of what is referred to by `R`.
pub(super) struct Watcher<R, T>(R, PhantomData<T>);

impl<R, T> Watcher<R, T> {
    pub(super) fn new(channel: R) -> Self {
        Self(channel, PhantomData)
    }
}

// SAFETY: what it refers to is one channel and the same as long as it exists (`R` is `&Channel` or counted), which has
// one lock, and one line for this purpose.
unsafe impl<T, H: Home, R: Deref<Target = Channel<T, H>>> Waiter<H> for Watcher<R, T> {
    type Guarded = State<T, H>;
    type Note = Version;

    fn guarded(&self) -> &H::Exclusive<State<T, H>> {
        &self.0.state
    }

    fn line(state: &mut State<T, H>) -> &mut Line<H, Version> {
        &mut state.watchers
    }

    /// Each is woken by every change: there is nothing to pass on.
    fn pass_on(&self) {}
}

/// Waits for the last receiver to go.
struct Deserted<'a, T, H: Home>(&'a Channel<T, H>);

// SAFETY: the channel that it refers to has one lock, and one line for this purpose.
unsafe impl<T, H: Home> Waiter<H> for Deserted<'_, T, H> {
    type Guarded = State<T, H>;
    type Note = u32;

    fn guarded(&self) -> &H::Exclusive<State<T, H>> {
        &self.0.state
    }

    fn line(state: &mut State<T, H>) -> &mut Line<H, u32> {
        &mut state.deserted
    }

    /// All are woken: there is nothing to pass on.
    fn pass_on(&self) {}
}
