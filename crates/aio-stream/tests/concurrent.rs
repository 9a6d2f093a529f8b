//! A call for each item, several at a time.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{Reason, cancel_reason, defer, local, now, yield_now};
use aio_stream::{Stream, StreamExt, TryStreamExt, generate, iter};
use aio_test::Test;
use aio_timer::{sleep, timeout};
use futures_lite::future::block_on;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

/// In the order of production, and in a hundred others.
fn run(test: impl AsyncFn()) {
    leak_check(|| {
        Test::new("concurrent").run(&test);
        Test::new("concurrent").schedules(100).preemptive(true).run(&test);
    });
}

/// Notes that it was entered and that it was left, however that came about.
struct Inside<'a>(&'a Cell<usize>);

impl<'a> Inside<'a> {
    fn new(n: &'a Cell<usize>, most: &Cell<usize>) -> Self {
        n.set(n.get() + 1);
        most.set(most.get().max(n.get()));
        Self(n)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[test]
fn at_most_so_many_calls_run_at_a_time_and_all_have_run_at_the_end() {
    run(async || {
        for limit in [1, 3, 100] {
            let (begin, inside, most, done) = (now(), Cell::new(0), Cell::new(0), Cell::new(0));
            iter(0..9_u32)
                .for_each_concurrent(limit, async |_| {
                    let _inside = Inside::new(&inside, &most);
                    sleep(10 * MS).await;
                    done.set(done.get() + 1);
                })
                .await;
            assert_eq!((done.get(), most.get()), (9, limit.min(9)));
            assert_eq!((now() - begin).as_millis(), 10 * 9_usize.div_ceil(limit) as u128);
        }
    });
}

#[test]
fn outputs_come_in_the_order_of_the_items() {
    run(async || {
        let outputs = iter([30, 10, 20]).map_concurrent(2, async |ms| {
            sleep(ms * MS).await;
            ms
        });
        assert_eq!(outputs.await, [30, 10, 20]);
    });
}

#[test]
fn no_items_are_taken_for_which_there_is_no_room() {
    let taken = Cell::new(0);
    let items = iter(0..10).inspect(|_| taken.set(taken.get() + 1));
    let mut calls = pin!(items.for_each_concurrent(3, async |_| pending().await));
    for _ in 0..3 {
        assert!(calls.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(taken.get(), 3);
    }
}

/// The calls go on while no item is there, and items come while calls wait.
#[test]
fn the_stream_and_the_calls_wait_at_the_same_time() {
    run(async || {
        let begin = now();
        let items = generate(async |out| {
            for n in 0..3 {
                sleep(10 * MS).await;
                out.emit(n).await;
            }
        });
        let ends = items.map_concurrent(5, async |_| {
            sleep(15 * MS).await;
            (now() - begin).as_millis()
        });
        assert_eq!(ends.await, [25, 35, 45]);
    });
}

#[test]
fn an_error_cancels_the_others_and_comes_when_their_cleanups_are_done() {
    run(async || {
        let (begin, log) = (now(), RefCell::new(Vec::new()));
        let reasons = Rc::new(RefCell::new(Vec::new()));
        let outcome = iter([1, 2, 3, 4])
            .map(Ok)
            .try_for_each_concurrent(3, async |n| {
                log.borrow_mut().push(n);
                if n == 2 {
                    sleep(10 * MS).await;
                    return Err("two");
                }
                let _guard = local::defer(reasons.clone(), async |reasons| {
                    sleep(20 * MS).await;
                    reasons.borrow_mut().push(cancel_reason());
                });
                pending().await
            })
            .await;
        assert_eq!(outcome, Err("two"));
        assert_eq!(*log.borrow(), [1, 2, 3], "the fourth never began");
        assert_eq!((now() - begin).as_millis(), 30, "cleanups run side by side, and are waited for");
        assert_eq!(reasons.take(), [Some(Reason::Aborted), Some(Reason::Aborted)]);
    });
}

/// As a child of a group: its cleanups are a part of it, and others run meanwhile.
#[test]
fn a_call_ends_with_its_cleanups() {
    run(async || {
        let begin = now();
        let ends = iter([10, 10, 10, 10]).map_concurrent(2, async |ms| {
            let _guard = defer((), async move |()| sleep(ms * MS).await);
        });
        ends.await;
        assert_eq!((now() - begin).as_millis(), 20);
    });
}

#[test]
fn an_error_among_the_items_is_the_end_too() {
    run(async || {
        let items = || iter([Ok(1), Err("bad"), Ok(3)]);
        let dropped = Rc::new(());
        let held = dropped.clone();
        let outcome = items().try_for_each_concurrent(8, async |_| {
            let _held = held.clone();
            pending().await
        });
        assert_eq!(outcome.await, Err("bad"));
        drop(held);
        assert_eq!(Rc::strong_count(&dropped), 1);
        assert_eq!(items().try_map_concurrent(8, async |n| Ok(n)).await, Err("bad"));
        let good = iter([1, 2]).map(Ok::<_, &str>).try_map_concurrent(8, async |n| Ok(n * 2));
        assert_eq!(good.await, Ok(vec![2, 4]));
    });
}

#[test]
fn a_panic_cancels_the_others_and_goes_on_when_their_cleanups_are_done() {
    run(async || {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut calls = pin!(iter([1, 2]).for_each_concurrent(2, async |n| {
            let _guard = local::defer(log.clone(), async move |log| {
                sleep(10 * MS).await;
                log.borrow_mut().push(n);
            });
            sleep(MS).await;
            if n == 1 {
                panic!("bang");
            }
            pending().await
        }));
        let outcome = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| calls.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        });
        let panic = outcome.await.unwrap_err();
        assert_eq!(*panic.downcast_ref::<&str>().unwrap(), "bang");
        log.borrow_mut().sort_unstable();
        assert_eq!(*log.borrow(), [1, 2]);
    });
}

/// In the stream, and in the closure that makes the futures.
#[test]
fn a_panic_outside_of_the_calls_cancels_them_all_the_same() {
    run(async || {
        for in_stream in [true, false] {
            let log = Rc::new(RefCell::new(Vec::new()));
            let items = iter(0..5).then(async |n| {
                yield_now().await;
                assert!(!in_stream || n < 2, "bang");
                n
            });
            let mut calls = pin!(items.for_each_concurrent(4, |n| {
                assert!(in_stream || n < 2, "bang");
                let log = log.clone();
                async move {
                    let _guard = local::defer(log, async move |log| {
                        sleep((10 + n) * MS).await;
                        log.borrow_mut().push(n);
                    });
                    pending().await
                }
            }));
            let outcome = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| calls.as_mut().poll(cx))) {
                Ok(polled) => polled.map(Ok),
                Err(panic) => Poll::Ready(Err(panic)),
            });
            assert_eq!(*outcome.await.unwrap_err().downcast_ref::<&str>().unwrap(), "bang");
            assert_eq!(log.take(), [0, 1]);
        }
    });
}

#[test]
fn dropped_half_way_the_calls_are_dropped_and_the_scope_waits_for_their_cleanups() {
    run(async || {
        let begin = now();
        let inside = Cell::new(0);
        let calls = iter(0..5).for_each_concurrent(3, async |_| {
            let _inside = Inside::new(&inside, &Cell::new(0));
            let _guard = defer((), async |()| sleep(20 * MS).await);
            pending().await
        });
        assert!(timeout(10 * MS, calls).await.is_err());
        assert_eq!(inside.get(), 0);
        assert_eq!((now() - begin).as_millis(), 30);
    });
}

#[test]
fn two_panics_in_destructors_are_one_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let dropped = catch_unwind(|| {
        let mut calls = Box::pin(iter(0..2).for_each_concurrent(2, async |_| {
            let _bomb = Bomb;
            pending().await
        }));
        assert!(calls.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    assert_eq!(*dropped.unwrap_err().downcast_ref::<&str>().unwrap(), "in a destructor");
}

#[test]
fn a_call_that_is_idle_is_not_polled() {
    let polls = Cell::new(0);
    block_on(iter([true, false]).map(Ok).try_for_each_concurrent(2, |is_idle| {
        let (polls, mut n) = (&polls, 0);
        std::future::poll_fn(move |cx| {
            if is_idle {
                polls.set(polls.get() + 1);
                return Poll::Pending;
            }
            n += 1;
            cx.waker().wake_by_ref();
            if n == 50 { Poll::Ready(Err(())) } else { Poll::Pending }
        })
    }))
    .unwrap_err();
    assert_eq!(polls.get(), 1);
}

#[test]
fn a_limit_of_zero_is_refused_where_it_was_asked_for() {
    thread_local! {
        static AT: Cell<u32> = const { Cell::new(0) };
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| AT.set(info.location().map_or(0, Location::line))));
    let line = line!() + 1;
    let payload = catch_unwind(|| drop(iter([1]).for_each_concurrent(0, async |_| {}))).unwrap_err();
    let at = AT.get();
    let line_too = line!() + 1;
    catch_unwind(|| drop(iter([Ok::<_, ()>(1)]).try_map_concurrent(0, async |_| Ok(())))).unwrap_err();
    std::panic::set_hook(before);
    assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "with a limit of zero no call would ever begin");
    assert_eq!((at, AT.get()), (line, line_too));
}

/// An endless stream of calls that end at once.
#[test]
fn calls_that_never_wait_give_others_their_turn() {
    let calls = iter(0..100_000).for_each_concurrent(10, async |n| assert!(n < 99_999, "others have no turn"));
    block_on(futures_lite::future::or(calls, yield_now()));
}

#[test]
fn the_future_may_cross_threads_if_what_is_in_it_may() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let text = String::from("borrowed");
    let calls = is_send(iter(0..3).map_concurrent(2, async |n| {
        futures_lite::future::yield_now().await;
        text.len() + n
    }));
    let outputs = std::thread::scope(|scope| scope.spawn(|| block_on(calls)).join().unwrap());
    assert_eq!(outputs, [8, 9, 10]);
}

/// Waits a number of turns, and then perhaps fails.
async fn call((turns, fails): (u8, bool)) -> Result<u8, u8> {
    for _ in 0..turns {
        futures_lite::future::yield_now().await;
    }
    if fails { Err(turns) } else { Ok(turns) }
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

proptest! {
    /// Against a loop: the same outputs, or one of the errors; dropped at any poll.
    #[test]
    fn as_a_loop_would(calls in prop::collection::vec((0..5_u8, prop::bool::weighted(0.05)), 0..12),
        limit in 1..5_usize, stop in 0..80_usize) {
        let n_inside = Cell::new(0);
        let most = Cell::new(0);
        let mut all = Box::pin(iter(calls.clone()).map(Ok).try_map_concurrent(limit, async |step| {
            let _inside = Inside::new(&n_inside, &most);
            call(step).await
        }));
        let outcome = (0..stop).find_map(|_| match poll(all.as_mut()) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        });
        match outcome {
            Some(Ok(outputs)) => {
                prop_assert!(calls.iter().all(|(_, fails)| !fails));
                prop_assert_eq!(outputs, calls.iter().map(|(turns, _)| *turns).collect::<Vec<_>>());
            }
            Some(Err(error)) => prop_assert!(calls.contains(&(error, true))),
            None => prop_assert!(stop < 80),
        }
        drop(all);
        prop_assert!(most.get() <= limit);
        prop_assert_eq!(n_inside.get(), 0);
    }
}

/// What the compiler sees of a stream that is `&mut`: the rest is there afterwards.
#[test]
fn of_a_stream_that_is_lent_the_rest_stays() {
    fn lend<S: Stream + Unpin>(stream: &mut S) -> &mut S {
        stream
    }
    let mut items = iter(0..4);
    block_on(async {
        let outcome =
            lend(&mut items).map(Ok).try_for_each_concurrent(1, async |n| if n == 1 { Err(n) } else { Ok(()) });
        assert_eq!(outcome.await, Err(1));
        assert_eq!(items.next().await, Some(2));
    });
}
