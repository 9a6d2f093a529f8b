//! What a loop waits for.

mod deadlock;
mod outside;
mod schedule;
mod stand_in;
mod virtual_time;

use std::task::Waker;

use aio_base::{Deadline, Parker};

pub use self::deadlock::deadlock_report;
pub use self::outside::{Outside, Paused, outside};
pub use self::schedule::{ReadyTasks, Schedule};
pub use self::stand_in::StandIn;
pub use self::virtual_time::VirtualTime;

/// One layer of what a loop waits for when it has nothing to run: timers, sockets, and at the bottom the thread itself.
///
/// A driver wraps the next one: `Timers<Reactor<ThreadPark>>`. The loop is generic over the whole stack, so that each
/// crate owns its layer and no call is virtual.
///
/// A loop cannot go on without its driver: if one panics, the process is aborted. Wakers are foreign code, so a driver
/// that wakes them catches their panics.
pub trait Driver {
    /// The loop becomes the current one of this thread. A layer makes itself known to its users here, in a thread-local
    /// of its own crate, and then calls the next layer.
    fn enter(&mut self);

    /// The loop ceases to be the current one of this thread; undoes [`enter`](Self::enter).
    fn leave(&mut self);

    /// Delivers what is due, without waiting. The loop calls it every so many polls.
    fn turn(&mut self);

    /// Waits until `deadline`, until something happens, or until the thread is unparked, whichever comes first, and
    /// delivers what is due. May return early.
    fn park(&mut self, deadline: Deadline);

    /// Ends a [`park`](Self::park) from any thread, also one that has not begun.
    fn unparker(&self) -> Waker;

    /// What delivers what is due from another thread, where this one does not come to it: a loop with several workers
    /// has that done for a worker whose thread is kept by a task. A layer adds its part to that of the next one. None,
    /// as it is by default, if a layer cannot be replaced like that; then nobody does it.
    fn stand_in(&self) -> Option<StandIn> {
        None
    }

    /// Whether something is registered with this layer, or one below it, that the system may tell of at any moment: a
    /// descriptor, say. (Deadlines are not meant: who parks the layer knows them.)
    fn waits_for_events(&self) -> bool {
        false
    }

    /// Who decides which of the tasks that are ready runs next, if they are not to run in the order in which they
    /// became so: for tests. A layer asks the next one. It says always the same.
    #[inline]
    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        None
    }
}

/// The innermost driver: waits for the deadline or for another thread, and nothing else.
#[derive(Debug, Default)]
pub struct ThreadPark(Parker);

impl ThreadPark {
    /// For the thread that will run the loop.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Driver for ThreadPark {
    fn enter(&mut self) {}

    fn leave(&mut self) {}

    fn turn(&mut self) {}

    fn park(&mut self, deadline: Deadline) {
        let timeout = deadline.instant().and_then(|_| deadline.remaining(crate::now()));
        self.0.park(timeout);
    }

    fn unparker(&self) -> Waker {
        self.0.unparker().into()
    }

    fn stand_in(&self) -> Option<StandIn> {
        Some(StandIn::new())
    }
}
