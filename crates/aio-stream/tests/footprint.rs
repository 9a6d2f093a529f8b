//! What an item costs: no allocation, unless it comes of a child of a group.
#![cfg(not(aio_loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_core::yield_now;
use aio_group::local::TaskGroup;
use aio_stream::{Stream, StreamExt, iter, merge_all, poll_fn};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static N_ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it does what the system's allocator does.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        N_ALLOCATIONS.set(N_ALLOCATIONS.get() + 1);
        // SAFETY: the caller's obligations are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = N_ALLOCATIONS.get();
    f();
    N_ALLOCATIONS.get() - before
}

fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// Streams that always have an item, beside some that wait and are woken.
#[test]
fn an_item_of_many_streams_allocates_nothing() {
    let waiting = Rc::new(Cell::new(None::<Waker>));
    let on_and_off = || {
        let (waiting, mut is_there) = (waiting.clone(), false);
        poll_fn(move |cx| {
            is_there = !is_there;
            if !is_there {
                return Poll::Ready(Some(1));
            }
            waiting.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .boxed_local()
    };
    let always = || poll_fn(|_| Poll::Ready(Some(0))).boxed_local();
    let mut all = merge_all([always(), on_and_off(), always()]);
    let mut sums = [0; 2];
    let mut round = || {
        if let Poll::Ready(item) = poll(&mut all) {
            sums[item.unwrap()] += 1;
        }
        if let Some(waiting) = waiting.take() {
            waiting.wake();
        }
    };
    // Until the list of those that are ready has its size.
    (0..10).for_each(|_| round());
    assert_eq!(allocations(|| (0..1000).for_each(|_| round())), 0);
    assert!(sums[0] > 500 && sums[1] > 150, "{sums:?}");
}

/// Items that are there cost a poll each, and now and then one more that gives others a turn.
#[test]
fn a_stream_that_is_ready_costs_a_poll_for_each_item() {
    for n in [1, 2, 10] {
        let n_polls = Cell::new(0);
        let ready = || {
            poll_fn(|_| {
                n_polls.set(n_polls.get() + 1);
                Poll::Ready(Some(()))
            })
        };
        let mut all = merge_all((0..n).map(|_| ready()));
        let n_pending = (0..1000).filter(|_| poll(&mut all).is_pending()).count();
        assert_eq!(n_polls.get(), 1000 - n_pending);
        assert!((5..=20).contains(&n_pending), "{n_pending} turns given up");
    }
}

/// The child and its waker; beside these, lists of the group that grow.
#[test]
fn a_buffered_item_allocates_two_blocks_and_little_more() {
    let run = |n: usize| {
        let group = TaskGroup::new();
        let futures = iter(0..n).map(async |_| yield_now().await);
        aio_core::block_on(group.join(futures.buffered_in(&group, 10).count()))
    };
    let n_allocations = allocations(|| assert_eq!(run(1100), 1100)) - allocations(|| assert_eq!(run(100), 100));
    assert!((2000..2100).contains(&n_allocations), "{n_allocations} for a thousand items");
}
