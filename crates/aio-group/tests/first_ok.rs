//! What `first_ok` promises: the first success, or all errors.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::future::{Pending, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use aio_base::live::leak_check;
use aio_core::{defer, run, yield_now};
use aio_group::first_ok;

/// Above the number up to which all children are polled at each wake-up.
const MANY: usize = 40;

async fn after<T>(yields: usize, output: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    output
}

#[test]
fn the_first_success_wins_in_every_shape() {
    leak_check(|| {
        run(async {
            let fail = after(0, Err::<char, _>("no"));
            assert_eq!(first_ok((fail, after(2, Ok::<_, u8>('b')), after(1, Ok::<_, ()>('c')))).await, Ok('c'));
            assert_eq!(first_ok([after(0, Err("no")), after(2, Ok(1)), after(3, Ok(2))]).await, Ok(1));
            for n in [2, 32, 33, 1000] {
                // All fail, one after the other, but for the last one.
                let child = |index: usize| after(index % 7, if index == n - 1 { Ok(index) } else { Err(index) });
                assert_eq!(first_ok((0..n).map(child).collect::<Vec<_>>()).await, Ok(n - 1));
            }
        });
    });
}

#[test]
fn all_errors_come_in_the_order_and_the_shape_of_the_arguments() {
    leak_check(|| {
        run(async {
            let errors = first_ok((after(2, Err::<(), _>(1)), after(0, Err("two")), after(1, Err('3')))).await;
            assert_eq!(errors, Err((1, "two", '3')));
            assert_eq!(first_ok([after(1, Err::<(), _>(1)), after(0, Err(2))]).await, Err([1, 2]));
            for n in [2, 32, 33, 1000] {
                let errors = first_ok((0..n).map(|i| after(i % 7, Err::<(), _>(i))).collect::<Vec<_>>()).await;
                assert_eq!(errors, Err((0..n).collect()));
            }
        });
    });
}

#[test]
fn of_no_futures_there_are_no_errors_at_once() {
    leak_check(|| {
        assert_eq!(run(first_ok(Vec::<Pending<Result<(), ()>>>::new())), Err(vec![]));
        assert_eq!(run(first_ok([] as [Pending<Result<(), ()>>; 0])), Err([]));
    });
}

#[test]
fn of_several_that_are_ready_the_first_success_counts_and_those_behind_are_not_polled() {
    leak_check(|| {
        for n in [4, MANY] {
            let polls = RefCell::new(vec![0; n]);
            let child = |index: usize| {
                let polls = &polls;
                async move {
                    polls.borrow_mut()[index] += 1;
                    yield_now().await;
                    polls.borrow_mut()[index] += 1;
                    if index == 0 { Err(index) } else { Ok(index) }
                }
            };
            assert_eq!(run(first_ok((0..n).map(child).collect::<Vec<_>>())), Ok(1));
            let mut expected = vec![1; n];
            (expected[0], expected[1]) = (2, 2);
            assert_eq!(*polls.borrow(), expected);
        }
    });
}

/// Those that failed before have cleaned up as well.
#[test]
fn the_success_comes_when_all_have_cleaned_up() {
    leak_check(|| {
        for n in [3, MANY] {
            let log = Arc::new(Mutex::new(vec![]));
            let child = |index: usize| {
                let log = log.clone();
                async move {
                    let _cleanup = defer(index, async move |index| {
                        after(4, ()).await;
                        log.lock().unwrap().push(index);
                    });
                    match index {
                        0 => after(1, Err("failed")).await,
                        1 => after(2, Ok(index)).await,
                        _ => pending().await,
                    }
                }
            };
            run(async {
                assert_eq!(first_ok((0..n).map(child).collect::<Vec<_>>()).await, Ok(1));
                let mut cleaned = log.lock().unwrap().clone();
                cleaned.sort_unstable();
                assert_eq!(cleaned, (0..n).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn errors_are_dropped_once_when_another_succeeds() {
    struct Counted(Arc<Mutex<usize>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
        }
    }
    leak_check(|| {
        for n in [3, MANY] {
            let dropped = Arc::new(Mutex::new(0));
            let child = |index| {
                let error = Counted(dropped.clone());
                after(index, if index == n - 1 { Ok(index) } else { Err(error) })
            };
            let success = run(first_ok((0..n).map(child).collect::<Vec<_>>()));
            assert_eq!(success.ok(), Some(n - 1));
            assert_eq!(*dropped.lock().unwrap(), n);
        }
    });
}

#[test]
fn a_panic_in_a_child_goes_to_the_caller() {
    leak_check(|| {
        async fn bad() -> Result<(), ()> {
            yield_now().await;
            panic!("culprit")
        }
        let panic = catch_unwind(AssertUnwindSafe(|| run(first_ok((after(0, Err(1)), bad())))));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"culprit"));
    });
}

#[test]
fn it_is_send_if_its_children_are() {
    fn check<T: Send>(_: T) {}
    check(first_ok((after(1, Ok::<_, ()>(1)), after(1, Err::<i32, _>("two")))));
    check(first_ok(vec![after(1, Ok::<_, ()>(1))]));
}
