//! What waiting at a barrier comes to.

use std::error::Error;
use std::fmt;

/// Who one is among those that have passed a [`Barrier`](crate::Barrier) together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierTurn {
    index: usize,
    is_leader: bool,
}

impl BarrierTurn {
    pub(super) fn new(index: usize, parties: usize) -> Self {
        Self { index, is_leader: index == parties - 1 }
    }

    /// The place in the order of arrival: no other in the round has the same. The first to come has 0, the last one
    /// less than the number of parties.
    ///
    /// Those who gave up before the round was complete do not count.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether one was the last to come, and so made the round complete. There is exactly one in each round. It goes on
    /// without yielding, so on one loop before the others do; on other threads these may be ahead of it.
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

/// The [`Barrier`](crate::Barrier) was broken by [`abort`](crate::generic::Barrier::abort), or
/// [`reset`](crate::generic::Barrier::reset) before all had come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BrokenBarrier(());

impl BrokenBarrier {
    pub(super) const fn new() -> Self {
        Self(())
    }
}

impl fmt::Debug for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokenBarrier")
    }
}

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to wait at the barrier: it was aborted or reset")
    }
}

impl Error for BrokenBarrier {}
