//! What `try_gather` promises: everything, or the first error after the others have cleaned up.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};

use aio_base::live::leak_check;
use aio_core::{run, yield_now};
use aio_group::try_gather;

/// Above the number up to which all children are polled at each wake-up.
const MANY: usize = 40;

async fn after<T>(yields: usize, output: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    output
}

#[test]
fn successes_come_in_the_order_of_the_arguments() {
    leak_check(|| {
        run(async {
            assert_eq!(try_gather((after(2, Ok::<_, ()>(1)), after(1, Ok("two")))).await, Ok((1, "two")));
            assert_eq!(try_gather([after(2, Ok::<_, ()>(1)), after(0, Ok(2))]).await, Ok([1, 2]));
            let many = (0..MANY).map(|n| after(n % 3, Ok::<_, ()>(n))).collect::<Vec<_>>();
            assert_eq!(try_gather(many).await, Ok((0..MANY).collect()));
            assert_eq!(try_gather(Vec::<std::future::Ready<Result<(), ()>>>::new()).await, Ok(vec![]));
        });
    });
}

/// Every child has something to clean up, which takes three turns; one child fails.
#[test]
fn the_first_failure_ends_the_others_and_waits_for_their_cleanups() {
    leak_check(|| {
        for n in [3, MANY] {
            let log = std::sync::Arc::new(std::sync::Mutex::new(vec![]));
            let child = |index: usize| {
                let log = log.clone();
                async move {
                    let _cleanup = aio_core::defer(index, async move |index| {
                        after(3, ()).await;
                        log.lock().unwrap().push(index);
                    });
                    after(2, ()).await;
                    if index == 1 {
                        return Err("one");
                    }
                    pending::<()>().await;
                    Ok(())
                }
            };
            run(async {
                assert_eq!(try_gather((0..n).map(child).collect::<Vec<_>>()).await, Err("one"));
                let mut cleaned = log.lock().unwrap().clone();
                cleaned.sort_unstable();
                assert_eq!(cleaned, (0..n).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn the_others_are_dropped_in_order_and_before_the_error_is_returned() {
    struct Note<'a>(&'a RefCell<Vec<usize>>, usize);
    impl Drop for Note<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
        }
    }
    leak_check(|| {
        let dropped = RefCell::new(vec![]);
        let stay = async |n| {
            let _note = Note(&dropped, n);
            pending::<Result<(), &str>>().await
        };
        run(async {
            let failed = try_gather((stay(0), after(1, Err::<(), _>("failed")), stay(2), stay(3))).await;
            assert_eq!(failed, Err("failed"));
            assert_eq!(*dropped.borrow(), [0, 2, 3]);
        });
    });
}

#[test]
fn of_two_failures_in_one_poll_the_first_found_counts() {
    leak_check(|| {
        run(async {
            assert_eq!(try_gather((after(1, Err::<(), _>(1)), after(1, Err::<(), _>(2)))).await, Err(1));
            let polls = Cell::new(0);
            let counting = async {
                polls.set(polls.get() + 1);
                Ok::<(), &str>(())
            };
            assert_eq!(try_gather((ready(Err::<(), _>("at once")), counting)).await, Err("at once"));
            assert_eq!(polls.get(), 0);
        });
    });
}

#[test]
fn dropping_it_leaves_the_cleanups_to_the_scope_around() {
    leak_check(|| {
        let cleaned = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let child = || {
            let cleaned = cleaned.clone();
            async move {
                let _cleanup = aio_core::defer((), async move |()| {
                    yield_now().await;
                    cleaned.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                });
                pending::<Result<(), ()>>().await
            }
        };
        run(async {
            let mut both = Box::pin(try_gather([child(), child()]));
            assert!(futures_lite::future::poll_once(&mut both).await.is_none());
            drop(both);
        });
        assert_eq!(cleaned.load(std::sync::atomic::Ordering::Relaxed), 2);
    });
}

#[test]
fn a_panic_in_a_child_goes_to_the_caller() {
    leak_check(|| {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run(async {
                let bad = async {
                    yield_now().await;
                    panic!("culprit")
                };
                try_gather((pending::<Result<(), ()>>(), bad)).await.map(|((), ())| ())
            })
        }));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"culprit"));
    });
}

#[test]
fn it_is_send_if_its_children_are() {
    fn check<T: Send>(_: T) {}
    check(try_gather((after(1, Ok::<_, ()>(1)), after(1, Ok::<_, ()>("two")))));
    check(try_gather(vec![after(1, Ok::<_, ()>(1))]));
}
