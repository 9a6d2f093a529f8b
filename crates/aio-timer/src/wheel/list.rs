//! Doubly linked lists of timers. The nodes belong to others; a list is no more than its two ends.

use std::hint;
use std::iter;
use std::ptr::{self, NonNull};

use super::Node;

/// The first and the last node; both null if there are none.
pub(super) type Ends = [*mut Node; 2];

pub(super) const EMPTY: Ends = [ptr::null_mut(); 2];

pub(super) fn is_empty(ends: &Ends) -> bool {
    ends[0].is_null()
}

pub(super) fn first(ends: &Ends) -> Option<NonNull<Node>> {
    NonNull::new(ends[0])
}

/// # Safety
/// `node` is valid and in no list; all nodes of this list are valid, and nobody else accesses any of them.
pub(super) unsafe fn push_back(ends: &mut Ends, node: NonNull<Node>) {
    let node = node.as_ptr();
    let last = ends[1];
    // SAFETY: `node` and, if there is one, `last` are valid and ours alone, as the caller promises.
    unsafe {
        (*node).prev = last;
        (*node).next = ptr::null_mut();
        if last.is_null() {
            ends[0] = node;
        } else {
            (*last).next = node;
        }
    }
    ends[1] = node;
}

/// # Safety
/// `node` is in this list; all nodes of this list are valid, and nobody else accesses any of them.
pub(super) unsafe fn unlink(ends: &mut Ends, node: NonNull<Node>) {
    // SAFETY: `node` is in the list, and so are its neighbours, where it has them: valid and ours alone.
    unsafe {
        let Node { prev, next, .. } = *node.as_ptr();
        if prev.is_null() {
            ends[0] = next;
        } else {
            (*prev).next = next;
        }
        if next.is_null() {
            ends[1] = prev;
        } else {
            (*next).prev = prev;
        }
    }
}

/// Brings the nodes of a list into the cache, from both ends at a time.
///
/// They lie in as many tasks, wherever these are, and following a list through memory means waiting for each node in
/// turn. Two walks wait for two at once: of a million timers that fire within a second, each costs a third less.
///
/// # Safety
/// All nodes of this list are valid, and nobody else accesses any of them.
pub(super) unsafe fn fetch(ends: &Ends) {
    let [mut front, mut back] = *ends;
    while front != back {
        // SAFETY: nodes of the list, valid and ours alone; the two have not met, so neither is at its end.
        unsafe {
            front = (*front).next;
            if front != back {
                back = (*back).prev;
            }
        }
    }
    hint::black_box(front);
}

/// The nodes, from the first to the last.
///
/// # Safety
/// As long as the iterator is used, all nodes of this list are valid, and nobody else accesses any of them.
unsafe fn iter(ends: &Ends) -> impl Iterator<Item = NonNull<Node>> + use<> {
    // SAFETY: a node of the list, valid and ours alone.
    iter::successors(first(ends), |node| NonNull::new(unsafe { node.as_ref() }.next))
}

/// How many nodes from the first one on have its deadline.
///
/// # Safety
/// All nodes of this list are valid, and nobody else accesses any of them.
pub(super) unsafe fn count_equal(ends: &Ends) -> usize {
    // SAFETY: by the caller.
    let mut deadlines = unsafe { iter(ends) }.map(|node| unsafe { node.as_ref() }.deadline);
    let Some(first) = deadlines.next() else { return 0 };
    1 + deadlines.take_while(|deadline| *deadline == first).count()
}

/// The node at that place.
///
/// # Safety
/// All nodes of this list are valid, and nobody else accesses any of them.
pub(super) unsafe fn nth(ends: &Ends, place: usize) -> Option<NonNull<Node>> {
    // SAFETY: by the caller.
    unsafe { iter(ends) }.nth(place)
}

/// Orders the list by deadline, equal ones as they are.
///
/// # Safety
/// All nodes of this list are valid, and nobody else accesses any of them.
pub(super) unsafe fn sort(ends: &mut Ends) {
    let nodes = || {
        // SAFETY: the same that the caller promises here.
        let nodes = unsafe { iter(ends) };
        // SAFETY: a node of the list, valid and ours alone.
        nodes.map(|node| (unsafe { node.as_ref() }.deadline, node))
    };
    if nodes().is_sorted_by_key(|(deadline, _)| deadline) {
        return;
    }
    let mut nodes: Vec<_> = nodes().collect();
    nodes.sort_by_key(|&(deadline, _)| deadline);
    *ends = EMPTY;
    for (_, node) in nodes {
        // SAFETY: it was in this list, which has forgotten it.
        unsafe { push_back(ends, node) };
    }
}
