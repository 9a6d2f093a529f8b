//! Which children have been woken: an intrusive queue that any thread pushes to and one poller empties.
//!
//! ```text
//!            ──1 claim──▶           ──2 push──▶
//!   IDLE                   CLAIMED               LINKED
//!     ▲                                            │
//!     └──────────────────── 3 next ────────────────┘
//! ```
//! 1. [`Node::claim`] by the first wake. A later one finds the node claimed and has nothing more to do.
//! 2. [`ReadyQueue::push`] by the same thread.
//! 3. [`Batch::next`] by the poller, before it polls the child: a wake from then on asks for a further poll.
//!
//! The links form a stack, which the poller takes as a whole and turns over: first woken, first polled, and what is
//! woken meanwhile belongs to the next batch. Whoever pushes to an empty stack wakes the poller; the others know that
//! this has been done, or is about to be. So there is one wake-up for each batch, and no state in between in which the
//! poller would have to wait for a pusher.
//!
//! The queue neither owns nor counts its nodes; where a node lives is its user's business.

use std::fmt;
use std::ptr::{self, NonNull};

use aio_base::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// A child's place in a [`ReadyQueue`], to be embedded in whatever stands for the child.
pub(crate) struct Node {
    /// Claimed or linked.
    queued: AtomicBool,
    /// Written by whoever claimed the node, then by the poller that took it. Never read while idle.
    next: AtomicPtr<Node>,
}

/// The nodes of the children that have been woken.
pub(crate) struct ReadyQueue {
    /// The node pushed last; null if there is none; [`closed`] once there will be no poller any more.
    newest: AtomicPtr<Node>,
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the first of a batch must wake the poller"]
pub(crate) enum Push {
    /// The queue was empty: wake the poller.
    First,
    /// Somebody else wakes the poller.
    Behind,
    /// Nobody will poll again. The node is not linked, and stays claimed for good.
    Closed,
}

/// Nodes taken out of a queue, in the order in which they were pushed. Those left when it is dropped stay claimed.
pub(crate) struct Batch {
    next: *mut Node,
}

/// In the place of a node's address; no node has it, since a node is aligned to more than one byte.
fn closed() -> *mut Node {
    ptr::without_provenance_mut(1)
}

impl Node {
    /// Idle.
    pub(crate) fn new() -> Self {
        Self { queued: AtomicBool::new(false), next: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Edge 1: whether the caller has to push the node.
    #[must_use = "a claimed node must be pushed, or its child is never polled again"]
    pub(crate) fn claim(&self) -> bool {
        // Release pairs with the Acquire of edge 3: what came before the wake is visible to the poll. Hence a swap and
        // not a load, even if the node turns out to be claimed: the poll owes that wake as much as the first one.
        // Acquire pairs with the Release of edge 3: the poller has read `next` before it is written again.
        !self.queued.swap(true, Ordering::AcqRel)
    }
}

impl ReadyQueue {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self { newest: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Edge 2.
    ///
    /// # Safety
    /// 1. The caller has [claimed](Node::claim) the node for this push.
    /// 2. The node is pushed to no other queue.
    /// 3. The node stays valid until it has come out of a [`Batch`], or for as long as the queue and its batches are
    ///    used.
    pub(crate) unsafe fn push(&self, node: NonNull<Node>) -> Push {
        // Relaxed: a guess, which the exchange checks; the link is not followed here.
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            if newest == closed() {
                return Push::Closed;
            }
            // Relaxed: published by the exchange below.
            // SAFETY: (3): the node is not in the queue yet, so it is valid.
            unsafe { node.as_ref() }.next.store(newest, Ordering::Relaxed);
            // Release pairs with the Acquire of `take`: the link is visible to the poller, and so are the links of the
            // nodes below, since each exchange continues the release sequence of the one before.
            match self.newest.compare_exchange_weak(newest, node.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) if newest.is_null() => return Push::First,
                Ok(_) => return Push::Behind,
                Err(found) => newest = found,
            }
        }
    }

    /// Takes out what has been pushed so far. One poller only. It must have made itself known to those who push to an
    /// empty queue before it calls this.
    pub(crate) fn take(&self) -> Batch {
        self.replace(ptr::null_mut())
    }

    /// Takes out what has been pushed so far, and refuses what comes later.
    pub(crate) fn close(&self) -> Batch {
        self.replace(closed())
    }

    fn replace(&self, with: *mut Node) -> Batch {
        // Acquire pairs with the Release of `push`.
        let mut newest = self.newest.swap(with, Ordering::Acquire);
        debug_assert!(newest != closed(), "nobody may poll after the queue has been closed");
        let mut next = ptr::null_mut();
        while let Some(node) = NonNull::new(newest) {
            // Relaxed: the swap above has made the links visible, and until edge 3 they belong to the poller alone.
            // SAFETY: the node has been pushed and has not come out: obligation 3 of `push`.
            let node_next = unsafe { &node.as_ref().next };
            newest = node_next.load(Ordering::Relaxed);
            node_next.store(next, Ordering::Relaxed);
            next = node.as_ptr();
        }
        Batch { next }
    }
}

/// Edge 3.
impl Iterator for Batch {
    type Item = NonNull<Node>;

    fn next(&mut self) -> Option<NonNull<Node>> {
        let pointer = NonNull::new(self.next)?;
        // SAFETY: the node has been pushed and has not come out: obligation 3 of `push`.
        let node = unsafe { pointer.as_ref() };
        self.next = node.next.load(Ordering::Relaxed);
        // Acquire and Release: see `claim`.
        let queued = node.queued.swap(false, Ordering::AcqRel);
        debug_assert!(queued, "a linked node is claimed");
        Some(pointer)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot for people.
        f.write_str(if self.queued.load(Ordering::Relaxed) { "Queued" } else { "Idle" })
    }
}

impl fmt::Debug for ReadyQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = self.newest.load(Ordering::Relaxed);
        f.write_str(match () {
            () if newest.is_null() => "Empty",
            () if newest == closed() => "Closed",
            () => "Ready",
        })
    }
}

#[cfg(test)]
mod tests;
