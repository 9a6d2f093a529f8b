//! The layer of a loop that knows when to wake up.

use std::cell::Cell;
use std::task::Waker;

use aio_base::Deadline;
use aio_core::{Driver, Schedule, StandIn};

use crate::queue::{Queue, Visitor};

aio_base::thread_local! {
    /// The queue of this thread's loop.
    static CURRENT: Cell<Option<&'static Queue>> = Cell::new(None);
}

/// The queue of this thread's loop, if it has one with timers.
#[inline]
pub(crate) fn current() -> Option<&'static Queue> {
    CURRENT.try_with(Cell::get).ok().flatten()
}

/// A [`Driver`] that adds timers to another: with it in its stack, a loop serves the [`sleep()`](crate::sleep())s of
/// its tasks itself, and needs no thread for them.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark};
/// use aio_timer::{Timers, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new(Timers::new(ThreadPark::new()));
/// event_loop.run(async { sleep(Duration::from_millis(1)).await });
/// ```
///
/// In a test, let them stand over [`VirtualTime`](aio_core::VirtualTime):
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, VirtualTime, now};
/// use aio_timer::{Timers, sleep};
/// use std::time::Duration;
///
/// EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
///     let begin = now();
///     sleep(Duration::from_secs(3600)).await;
///     assert_eq!(now() - begin, Duration::from_secs(3600));
/// });
/// ```
///
/// A timer that outlives the loop is woken when the loop ends, and moves to the loop, or the thread, that polls it
/// next.
#[derive(Debug)]
pub struct Timers<D> {
    queue: &'static Queue,
    inner: D,
    /// For each `enter` that was not left yet, what was current before.
    former: Vec<Option<&'static Queue>>,
    /// Whether timers that are due wait for the next turn of a task: only where a test decides so.
    is_held: bool,
}

impl<D: Driver> Timers<D> {
    /// Timers over `inner`.
    pub fn new(inner: D) -> Self {
        Self { queue: Queue::open(), inner, former: Vec::new(), is_held: false }
    }

    /// The layer below.
    pub fn inner(&self) -> &D {
        &self.inner
    }
}

impl<D: Driver> Driver for Timers<D> {
    fn enter(&mut self) {
        // As long as a thread has it for the current one, it must not go to another loop.
        self.queue.retain();
        let former = CURRENT.with(|current| current.replace(Some(self.queue)));
        if let Some(former) = former {
            // That loop stands still meanwhile, its timers do not.
            former.begin();
        }
        self.former.push(former);
        self.inner.enter();
    }

    fn leave(&mut self) {
        // Time passes between two runs as well. By the clock of the layers below, hence before they leave.
        self.queue.begin();
        self.inner.leave();
        if let Some(former) = self.former.pop() {
            CURRENT.with(|current| current.set(former));
            self.queue.release();
        }
    }

    /// First what the layers below deliver, then timers: asyncio's order.
    fn turn(&mut self) {
        self.inner.turn();
        if !std::mem::take(&mut self.is_held) {
            // Those that are held now have their turn the next time.
            self.queue.fire_due();
        }
    }

    fn park(&mut self, deadline: Deadline) {
        self.inner.park(deadline.earliest(self.queue.next_deadline()));
        self.is_held = self.queue.fire_due();
    }

    fn unparker(&self) -> Waker {
        self.inner.unparker()
    }

    fn waits_for_events(&self) -> bool {
        self.inner.waits_for_events()
    }

    #[inline]
    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        self.inner.schedule()
    }

    fn stand_in(&self) -> Option<StandIn> {
        let inner = self.inner.stand_in()?;
        let visitor = Visitor::new(self.queue);
        Some(inner.and(move || visitor.fire_due()))
    }
}

impl<D> Drop for Timers<D> {
    fn drop(&mut self) {
        self.queue.close();
    }
}
