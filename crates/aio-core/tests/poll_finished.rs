//! Waiting for the end of a task, and looking at it, while the outcome stays. In both homes.

#![cfg(not(aio_loom))]

mod common;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use aio_core::{JoinError, Task, TaskHome, run, yield_now};
use common::check;

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts how often it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the task is pending for this waker, if that does not panic.
fn poll_finished_with<H: TaskHome>(task: &mut Task<i32, H>, waker: &Waker) -> std::thread::Result<bool> {
    catch_unwind(AssertUnwindSafe(|| task.poll_finished(&mut Context::from_waker(waker)).is_pending()))
}

fn panics_in_clone() -> Waker {
    static VTABLE: RawWakerVTable = RawWakerVTable::new(|_| panic!("in clone"), |_| (), |_| (), |_| ());
    // SAFETY: the functions use no data.
    unsafe { Waker::new(std::ptr::null(), &VTABLE) }
}

fn panics_in_drop_of_clones() -> Waker {
    const CLONE: RawWaker = RawWaker::new(std::ptr::null(), &CLONES);
    static VTABLE: RawWakerVTable = RawWakerVTable::new(|_| CLONE, |_| (), |_| (), |_| ());
    static CLONES: RawWakerVTable = RawWakerVTable::new(|_| CLONE, |_| (), |_| (), |_| panic!("in drop"));
    // SAFETY: the functions use no data.
    unsafe { Waker::new(std::ptr::null(), &VTABLE) }
}

/// The same tests for both homes.
macro_rules! in_both_homes {
    ($(fn $name:ident() $body:block)*) => {
        mod shared {
            use super::*;
            use aio_core::spawn;
            $(#[test] fn $name() { check(|| $body) })*
        }
        mod local {
            use super::*;
            use aio_core::local::spawn;
            $(#[test] fn $name() { check(|| $body) })*
        }
    };
}

in_both_homes! {
    fn the_end_is_awaited_and_the_outcome_stays() {
        run(async {
            let mut task = spawn(async { turns(3).await; 7 });
            assert!(!task.is_finished());
            poll_fn(|cx| task.poll_finished(cx)).await;
            assert!(task.is_finished());
            poll_fn(|cx| task.poll_finished(cx)).await;
            assert_eq!(task.await, 7);

            let mut task = spawn(pending::<()>());
            task.cancel();
            poll_fn(|cx| task.poll_finished(cx)).await;
            assert!(task.join().await.unwrap_err().is_cancelled());
        });
    }

    fn the_last_who_asked_is_woken_whatever_was_asked() {
        run(async {
            let counts: Vec<_> = (0..3).map(|_| Arc::new(Count::default())).collect();
            let wakers: Vec<Waker> = counts.iter().cloned().map(Waker::from).collect();
            let mut task = spawn(turns(1));
            assert!(task.poll_finished(&mut Context::from_waker(&wakers[0])).is_pending());
            assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&wakers[1])).is_pending());
            assert!(task.poll_finished(&mut Context::from_waker(&wakers[2])).is_pending());
            assert!(task.poll_finished(&mut Context::from_waker(&wakers[2])).is_pending());
            // Who was replaced is not kept.
            assert_eq!(counts.iter().map(Arc::strong_count).collect::<Vec<_>>(), [2, 2, 3]);
            turns(3).await;
            assert_eq!(counts.iter().map(|count| count.0.load(Ordering::Relaxed)).collect::<Vec<_>>(), [0, 0, 1]);
            assert_eq!(task.poll_finished(&mut Context::from_waker(&wakers[0])), Poll::Ready(()));
        });
    }

    fn a_failure_is_seen_once_there_is_an_outcome_and_until_it_is_taken() {
        run(async {
            let mut task = spawn(async { turns(2).await; 7 });
            assert!(!task.failed(|_| true));
            turns(4).await;
            assert!(task.failed(|outcome| matches!(outcome, Ok(7))));
            assert!(!task.failed(Result::is_err));
            assert_eq!((&mut task).await, 7);
            assert!(!task.failed(|_| true));

            let mut panics = spawn(async { panic!("a task of the test") });
            turns(2).await;
            assert!(panics.failed(|outcome| outcome.as_ref().is_err_and(JoinError::is_panic)));
            assert!(panics.join().await.unwrap_err().is_panic());
        });
    }

    fn an_output_that_was_looked_at_is_dropped_once() {
        let dropped = Arc::new(AtomicUsize::new(0));
        run(async {
            let mut task = spawn({
                let dropped = dropped.clone();
                async { Dropped(dropped) }
            });
            poll_fn(|cx| task.poll_finished(cx)).await;
            assert!(task.failed(Result::is_ok));
            assert_eq!(dropped.load(Ordering::Relaxed), 0);
            drop(task);
            assert_eq!(dropped.load(Ordering::Relaxed), 1);
        });
    }

    fn a_waker_whose_clone_panics_takes_the_place_of_none() {
        let count = Arc::new(Count::default());
        run(async {
            let mut task = spawn(async { turns(3).await; 7 });
            turns(1).await;
            assert!(poll_finished_with(&mut task, &count.clone().into()).unwrap());
            poll_finished_with(&mut task, &panics_in_clone()).unwrap_err();
            turns(6).await;
            assert!(task.is_finished());
            drop(task);
        });
        assert_eq!(Arc::strong_count(&count), 1, "the waker was leaked");
    }

    fn a_waker_whose_destructor_panics_leaves_its_place() {
        let count = Arc::new(Count::default());
        run(async {
            let mut task = spawn(async { turns(3).await; 7 });
            turns(1).await;
            assert!(poll_finished_with(&mut task, &panics_in_drop_of_clones()).unwrap());
            poll_finished_with(&mut task, &count.clone().into()).unwrap_err();
            turns(6).await;
            assert!(task.is_finished());
            drop(task);
        });
        assert_eq!(Arc::strong_count(&count), 1, "the waker was leaked");
    }
}
