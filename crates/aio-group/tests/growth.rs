//! What combinators cost: allocations for a few children, and polls and allocations for many.
#![cfg(not(aio_loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_base::live::leak_check;
use aio_core::{Task, local, run, yield_now};
use aio_group::{Until, as_completed, first_ok, gather, race, try_gather, wait};

const MANY: usize = 100_000;

/// More than any combinator takes for itself, however many children there are: some fixed ones, and the doublings of a
/// list.
const FIXED: usize = 100;

thread_local! {
    // Without destructor and lazy initialization: an access allocates nothing.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator; each thread counts its own calls.
struct Counting;

#[global_allocator]
static GLOBAL: Counting = Counting;

// SAFETY: every method asks of its caller what the same method of `System` asks, passes the arguments on unchanged, and
// returns what `System` returned. Counting neither allocates nor unwinds: see `ALLOCATIONS`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller upholds the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract, which is the same; `ptr` came from `System`, as all of ours do.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// How often `work` allocates.
fn allocations<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.get();
    let result = work();
    (result, ALLOCATIONS.get() - before)
}

/// Polls `future` until it is ready, whether or not it has been woken; says how often.
fn finish<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return (output, polls);
        }
    }
}

async fn after<T>(yields: usize, output: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    output
}

/// A child that counts its polls, all together, and is ready after so many yields.
fn counted(polls: &Cell<usize>, yields: usize) -> impl Future<Output = ()> {
    let mut left = yields;
    poll_fn(move |cx| {
        polls.set(polls.get() + 1);
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn the_allocator_of_this_test_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))).1, 1);
}

#[test]
fn a_few_children_in_tuples_and_arrays_cost_no_allocation() {
    let fallible = |n: usize| after(n % 5, if n.is_multiple_of(3) { Err(n) } else { Ok(n) });
    let ((), n) = allocations(|| {
        assert_eq!(finish(race((after(3, 1), after(2, 2)))).0, 2);
        assert_eq!(finish(race(std::array::from_fn::<_, 32, _>(|n| after(32 - n, n)))).0, 31);
        assert_eq!(finish(first_ok((fallible(0), fallible(1), fallible(2)))).0, Ok(1));
        assert_eq!(finish(first_ok(std::array::from_fn::<_, 32, _>(fallible))).0, Ok(5));
        assert_eq!(finish(first_ok([fallible(0), fallible(3)])).0, Err([0, 3]));
        assert_eq!(finish(gather((after(3, 1), after(2, 2)))).0, (1, 2));
        assert_eq!(finish(gather(std::array::from_fn::<_, 32, _>(|n| after(n, n)))).0.len(), 32);
        assert_eq!(finish(try_gather((fallible(1), fallible(2)))).0, Ok((1, 2)));
    });
    assert_eq!(n, 0);
}

#[test]
fn a_race_of_many_polls_each_once_and_then_only_those_that_were_woken() {
    leak_check(|| {
        let polls = Cell::new(0);
        let never = |_| {
            let polls = &polls;
            poll_fn(move |_| {
                polls.set(polls.get() + 1);
                Poll::<()>::Pending
            })
        };
        let mut children: Vec<Box<dyn Future<Output = ()> + Unpin>> = vec![];
        children.extend((1..MANY).map(|n| Box::new(never(n)) as Box<_>));
        children.push(Box::new(counted(&polls, 10)));
        let (((), turns), n) = allocations(|| finish(race(children)));
        assert_eq!((polls.get(), turns), (MANY + 10, 11));
        assert!(n < FIXED, "{n} allocations");
    });
}

#[test]
fn many_failures_are_polled_twice_and_kept() {
    leak_check(|| {
        let polls = Cell::new(0);
        let child = async |n| {
            counted(&polls, 1).await;
            Err::<(), _>(n)
        };
        let children: Vec<_> = (0..MANY).map(child).collect();
        let ((errors, turns), n) = allocations(|| finish(first_ok(children)));
        assert_eq!((errors.unwrap_err().len(), polls.get(), turns), (MANY, 2 * MANY, 2));
        assert!(n < FIXED, "{n} allocations");
    });
}

#[test]
fn many_outputs_cost_two_polls_each() {
    leak_check(|| {
        let (polls, turns) = (Cell::new(0), Cell::new(0));
        let count = || {
            let mut outputs = as_completed((0..MANY).map(|_| counted(&polls, 1)));
            for _ in 0..MANY {
                let (output, polls) = finish(outputs.next());
                assert_eq!(output, Some(()));
                turns.set(turns.get() + polls);
            }
        };
        let ((), n) = allocations(count);
        // One more poll for all together: the first one.
        assert_eq!((polls.get(), turns.get()), (2 * MANY, MANY + 1));
        assert!(n < FIXED, "{n} allocations");
    });
}

/// One after the other, so that each costs a poll of the stream.
#[test]
fn an_output_that_comes_alone_costs_one_poll_of_one_child() {
    leak_check(|| {
        let (polls, wakers) = (Cell::new(0), std::cell::RefCell::new(vec![]));
        let child = |n| {
            let (polls, wakers) = (&polls, &wakers);
            let mut first = true;
            poll_fn(move |cx| {
                polls.set(polls.get() + 1);
                if std::mem::take(&mut first) {
                    wakers.borrow_mut().push(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(n)
            })
        };
        let mut outputs = as_completed((0..MANY).map(child));
        let mut poll = || {
            let next = pin!(outputs.next());
            next.poll(&mut Context::from_waker(Waker::noop()))
        };
        assert!(poll().is_pending());
        for (n, waker) in wakers.take().into_iter().enumerate().rev() {
            waker.wake();
            assert_eq!(poll(), Poll::Ready(Some(n)));
        }
        assert_eq!(poll(), Poll::Ready(None));
        assert_eq!(polls.get(), 2 * MANY);
    });
}

/// Polls `future`, and says how often.
async fn count_polls<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let mut polls = 0;
    let output = poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    });
    let output = output.await;
    (output, polls)
}

#[test]
fn a_wait_for_many_tasks_is_polled_once_for_all_that_end_together() {
    leak_check(|| {
        let spawned = |yields: fn(usize) -> usize| -> Vec<Task<usize, _>> {
            (0..MANY).map(|n| local::spawn(after(yields(n), n))).collect()
        };
        run(async {
            let mut tasks = spawned(|_| 1);
            let before = ALLOCATIONS.get();
            let (ended, polls) = count_polls(wait(&mut tasks, Until::AllCompleted)).await;
            let n = ALLOCATIONS.get() - before;
            assert_eq!((ended.len(), tasks.len()), (MANY, 0));
            // Once to begin, and once in the turn in which the tasks end.
            assert_eq!(polls, 2);
            assert!(n < FIXED, "{n} allocations");

            // The one that ends is the last one.
            let mut tasks = spawned(|n| if n + 1 == MANY { 1 } else { usize::MAX });
            let before = ALLOCATIONS.get();
            let (ended, polls) = count_polls(wait(&mut tasks, Until::FirstCompleted)).await;
            let n = ALLOCATIONS.get() - before;
            assert_eq!((ended.len(), tasks.len(), polls), (1, MANY - 1, 2));
            assert!(n < FIXED, "{n} allocations");
        });
    });
}
