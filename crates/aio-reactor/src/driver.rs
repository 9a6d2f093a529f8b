//! The layer of a loop.

use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::Waker;
use std::time::Duration;

use aio_base::Deadline;
use aio_core::{Driver, Schedule, StandIn};

use crate::current;
use crate::poller::{Inbox, Place, Poller};
use crate::sys::Selector;

/// A [`Driver`] that adds sockets and other descriptors to another: with it in its stack, a loop waits itself for what
/// its tasks use by [`Async`](crate::Async).
///
/// ```
/// use aio_core::{EventLoop, ThreadPark};
/// use aio_reactor::Reactor;
/// use aio_timer::Timers;
///
/// let event_loop = EventLoop::new(Timers::new(Reactor::new(ThreadPark::new())));
/// assert_eq!(event_loop.run(async { 42 }), 42);
/// ```
///
/// As long as nothing had to be waited for, it takes no descriptor, and the loop waits in the layers below. From then
/// on it waits itself, so timers go above it, as here.
///
/// A descriptor that outlives the loop goes to the loop, or the thread, in which it is used next.
pub struct Reactor<D> {
    poller: Arc<Poller>,
    inbox: Inbox,
    inner: D,
    /// For each `enter` that was not left yet, what was current before.
    former: Vec<Option<Arc<Poller>>>,
}

impl<D: Driver> Reactor<D> {
    /// A reactor over `inner`.
    pub fn new(inner: D) -> Self {
        Self { poller: Poller::new(inner.unparker()), inbox: Inbox::default(), inner, former: Vec::new() }
    }

    /// The layer below.
    pub fn inner(&self) -> &D {
        &self.inner
    }
}

impl<D: Driver> Driver for Reactor<D> {
    fn enter(&mut self) {
        self.former.push(current::replace(Some(self.poller.clone())));
        self.inner.enter();
    }

    fn leave(&mut self) {
        self.inner.leave();
        if let Some(former) = self.former.pop() {
            current::replace(former);
        }
    }

    fn turn(&mut self) {
        self.inner.turn();
        if let Some(selector) = self.poller.selector()
            && !self.poller.is_idle()
        {
            self.poller.wait(selector, &mut self.inbox, Some(Duration::ZERO));
        }
    }

    fn park(&mut self, deadline: Deadline) {
        let Some(selector) = self.poller.selector() else {
            if self.poller.begin(Place::Inner) {
                self.inner.park(deadline);
                self.poller.end();
            } else {
                self.inner.turn();
            }
            return;
        };
        self.inner.turn();
        let timeout = deadline.instant().and_then(|_| deadline.remaining(aio_core::now()));
        if self.poller.begin(Place::System) {
            self.poller.wait(selector, &mut self.inbox, timeout);
            self.poller.end();
        } else {
            self.poller.wait(selector, &mut self.inbox, Some(Duration::ZERO));
        }
    }

    fn unparker(&self) -> Waker {
        self.poller.clone().into()
    }

    fn waits_for_events(&self) -> bool {
        !self.poller.is_idle() || self.inner.waits_for_events()
    }

    #[inline]
    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        self.inner.schedule()
    }

    fn stand_in(&self) -> Option<StandIn> {
        let inner = self.inner.stand_in()?;
        if Selector::IS_ONESHOT {
            // Such a backend is asked by one thread at a time.
            return Some(inner);
        }
        let poller = self.poller.clone();
        Some(inner.and(move || poller.stand_in()))
    }
}

impl<D> Drop for Reactor<D> {
    fn drop(&mut self) {
        self.poller.close();
    }
}

impl<D: fmt::Debug> fmt::Debug for Reactor<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("poller", &self.poller).field("inner", &self.inner).finish_non_exhaustive()
    }
}
