//! Who runs next.

use std::fmt;

use crate::TaskRef;
use crate::event_loop::Core;

/// Decides which of the tasks that are ready runs next: how a test tries other orders than that of the run queue.
///
/// A [`Driver`](super::Driver) over which a loop stands may have one. The loop then runs one task at a time, and asks
/// before each turn, after its drivers have delivered what is due. Only for loops with one worker.
pub trait Schedule {
    /// Which one runs next, by its place among the `ready`, which are in the order in which they became so; there is
    /// at least one. `None` holds them all back: the loop waits in its drivers, as if nothing were ready. (Where they
    /// have nothing to wait for, that may look like a deadlock to them.)
    fn next(&mut self, ready: &ReadyTasks<'_>) -> Option<usize>;

    /// `task` has had its turn. Who became ready in it stands at the end of the `ready`, of whom there may be none.
    fn ran(&mut self, task: &TaskRef, ready: &ReadyTasks<'_>);
}

/// The tasks that are ready, in the order in which they became so.
pub struct ReadyTasks<'a>(&'a Core);

impl<'a> ReadyTasks<'a> {
    pub(crate) fn new(core: &'a Core) -> Self {
        Self(core)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.n_ready()
    }

    /// The task at that place.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, place: usize) -> TaskRef {
        self.0.ready_task(place)
    }
}

impl fmt::Debug for ReadyTasks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).map(|place| self.get(place))).finish()
    }
}
