//! Streams of futures that run in a group, in both homes.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{Reason, cancel_reason, defer, now, spawn};
use aio_group::{GroupError, TaskGroup, local};
use aio_stream::{Stream, StreamExt, generate, iter, poll_fn};
use aio_test::Test;
use aio_timer::{sleep, timeout};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

/// In the order of production, and in a hundred others.
fn run(test: impl AsyncFn()) {
    leak_check(|| {
        Test::new("in_group").run(&test);
        Test::new("in_group").schedules(100).preemptive(true).run(&test);
    });
}

/// Runs a test with groups of both homes: `TaskGroup` is one of them in it.
macro_rules! in_both_homes {
    ($($(#[$meta:meta])* fn $name:ident() $body:block)*) => {$(
        mod $name {
            use super::*;
            $(#[$meta])*
            #[test]
            fn shared() {
                type Group<'env, E> = aio_group::TaskGroup<'env, E>;
                run(async || $body);
            }
            $(#[$meta])*
            #[test]
            fn local() {
                type Group<'env, E> = aio_group::local::TaskGroup<'env, E>;
                run(async || $body);
            }
        }
    )*};
}

fn ms(begin: std::time::Instant) -> u128 {
    (now() - begin).as_millis()
}

async fn after(n: u32) -> u32 {
    sleep(n * MS).await;
    n
}

/// Asks for items, and is busy with each for 100 ms. When each future was ready, and how long it took in all.
async fn busy_consumer(ends: &Mutex<Vec<u128>>, outputs: impl Stream<Item = ()>) -> (Vec<u128>, u128) {
    let begin = now();
    let mut outputs = pin!(outputs);
    while let Some(()) = outputs.next().await {
        sleep(100 * MS).await;
    }
    (ends.lock().unwrap().clone(), ms(begin))
}

/// Three futures with two waits of 10 ms each; `futures` polls them while it is asked for an item and not otherwise.
#[test]
fn buffered_of_futures_stands_still_while_the_caller_is_busy_and_this_does_not() {
    // In the order of production: where it stands still depends on which of two timers of one moment fires first.
    let test = async || {
        let begin = now();
        let ends = Mutex::new(Vec::new());
        let works = || {
            ends.lock().unwrap().clear();
            (0..3).map(|n| {
                let ends = &ends;
                async move {
                    sleep((n + 1) * 10 * MS).await;
                    sleep(10 * MS).await;
                    ends.lock().unwrap().push(ms(begin));
                }
            })
        };
        // The trap: the others end when the caller asks again, however short they are.
        let trap = futures::StreamExt::buffered(futures::stream::iter(works()), 3);
        let (their_ends, _) = busy_consumer(&ends, trap).await;
        assert_eq!(their_ends, [20, 120, 220]);

        let begin_here = ms(begin);
        let group = TaskGroup::new();
        let (our_ends, took) =
            group.join(async { busy_consumer(&ends, iter(works()).buffered_in(&group, 3)).await }).await;
        let our_ends: Vec<_> = our_ends.iter().map(|end| end - begin_here).collect();
        assert_eq!(our_ends, [20, 30, 40]);
        assert_eq!(took, 320);
    };
    leak_check(|| Test::new("in_group").run(test));
}

in_both_homes! {
    fn outputs_come_in_the_order_of_the_futures_or_of_their_ends() {
        let group = Group::new();
        group.join(async {
            let futures = || iter([25, 10, 20]).map(after);
            let begin = now();
            assert_eq!(futures().buffered_in(&group, 3).collect::<Vec<_>>().await, [25, 10, 20]);
            assert_eq!(ms(begin), 25);
            assert_eq!(futures().buffer_unordered_in(&group, 3).collect::<Vec<_>>().await, [10, 20, 25]);
            assert_eq!(futures().buffer_unordered_in(&group, 2).collect::<Vec<_>>().await, [10, 25, 20]);
        }).await;
    }

    fn what_is_outside_of_the_group_may_be_borrowed() {
        let text = String::from("borrowed");
        let group = Group::new();
        let n = group.join(async {
            let lengths = iter(0..3).map(|n| { let text = &text; async move { text.len() + n } });
            lengths.buffered_in(&group, 2).fold(0, |a, b| a + b).await
        }).await;
        assert_eq!(n, 27);
    }

    /// Outputs that nobody has taken count: what is ahead of the caller is never more than the limit.
    fn at_most_so_many_are_begun_and_not_taken() {
        for ordered in [true, false] {
            let begun = Mutex::new(0_usize);
            let group = Group::new();
            group.join(async {
                let begun = &begun;
                let futures = iter(0..20).map(|n| async move {
                    *begun.lock().unwrap() += 1;
                    sleep(n % 3 * MS).await;
                });
                let mut outputs: Pin<Box<dyn Stream<Item = ()>>> = if ordered {
                    Box::pin(futures.buffered_in(&group, 3))
                } else {
                    Box::pin(futures.buffer_unordered_in(&group, 3))
                };
                for n_taken in 0..20 {
                    assert_eq!(outputs.next().await, Some(()));
                    sleep(100 * MS).await;
                    let begun = *begun.lock().unwrap();
                    assert!(begun <= n_taken + 3, "{begun} were begun when {} had been taken", n_taken + 1);
                    assert!(begun > n_taken.min(17));
                }
                assert_eq!(outputs.next().await, None);
                assert_eq!(outputs.next().await, None);
            }).await;
        }
    }

    /// The body goes on at once, and the group ends when the cleanups have.
    fn a_stream_that_is_dropped_cancels_its_futures_and_no_others() {
        let log = Mutex::new(Vec::new());
        let begin = now();
        let group = Group::new();
        group.join(async {
            let log = &log;
            let other = group.spawn_scoped(after(20));
            {
                let mut outputs = pin!(iter([1, 50, 60, 70]).map(|n| async move {
                    let reason = Noted(log);
                    let _guard = defer((), async |()| sleep(100 * MS).await);
                    let n = after(n).await;
                    std::mem::forget(reason);
                    n
                }).buffered_in(&group, 3));
                // With its cleanup.
                assert_eq!(outputs.next().await, Some(1));
                assert_eq!(ms(begin), 101);
            }
            let mut outputs = pin!(iter([1, 50, 60]).map(|n| async move {
                let _reason = Noted(log);
                let _guard = defer((), async |()| sleep(100 * MS).await);
                after(n + 1000).await
            }).buffered_in(&group, 2));
            assert!(timeout(10 * MS, outputs.next()).await.is_err());
            assert_eq!(ms(begin), 111);
            assert_eq!(other.await, 20);
        }).await;
        // The second stream was dropped with the body, at its end.
        assert_eq!(ms(begin), 211);
        let dropped = Some(Reason::Dropped);
        assert_eq!(*log.lock().unwrap(), [dropped.clone(), dropped]);
    }

    fn a_panic_in_a_future_is_a_failure_of_the_group() {
        let group = Group::new();
        let outcome: std::thread::Result<()> = catch_unwind_of(group.join(async {
            let futures = iter([10, 20]).map(|n| async move {
                let n = after(n).await;
                assert!(n < 15, "bang");
                n
            });
            let outputs: Vec<_> = futures.buffer_unordered_in(&group, 2).collect().await;
            panic!("came to an end with {outputs:?}");
        })).await;
        assert_eq!(*outcome.unwrap_err().downcast_ref::<&str>().unwrap(), "bang");
    }

    /// In a group that goes on when children fail, what is left comes.
    fn a_panic_in_a_supervised_group_leaves_the_others() {
        for ordered in [true, false] {
            let outputs = RefCell::new(Vec::new());
            let group = Group::new().supervised();
            let outcome = catch_unwind_of(group.join(async {
                let futures = iter([10, 20, 30, 40]).map(|n| async move {
                    let n = after(n).await;
                    assert!(n != 10, "bang");
                    n
                });
                let outputs = |n| outputs.borrow_mut().push(n);
                if ordered {
                    futures.buffered_in(&group, 2).map(outputs).count().await
                } else {
                    futures.buffer_unordered_in(&group, 2).map(outputs).count().await
                }
            })).await;
            outcome.unwrap_err();
            assert_eq!(outputs.take(), [20, 30, 40]);
        }
    }

    fn the_failure_of_another_child_cancels_the_futures_and_the_caller() {
        let log = Mutex::new(Vec::new());
        let group = Group::new();
        let outcome: Result<(), GroupError<&str>> = group.run(async {
            let log = &log;
            drop(group.try_spawn_scoped(async {
                sleep(10 * MS).await;
                Err::<(), _>("failed")
            }));
            let futures = iter(0..5).map(|_| async move {
                let _reason = Noted(log);
                pending::<()>().await
            });
            let n = futures.buffered_in(&group, 3).count().await;
            panic!("came to an end with {n}");
        }).await;
        assert_eq!(outcome.unwrap_err().errors(), ["failed"]);
        let aborted = Some(Reason::Aborted);
        assert_eq!(*log.lock().unwrap(), [aborted.clone(), aborted.clone(), aborted]);
    }

    /// A group that was cancelled begins nothing, and a stream of futures is not emptied into it.
    fn in_a_group_that_aborts_the_stream_waits() {
        for ordered in [true, false] {
            let taken = Cell::new(0);
            let group = Group::<std::convert::Infallible>::new();
            let outcome: Result<(), _> = group.run(async {
                group.cancel();
                let futures = iter(0..1000).inspect(|_| taken.set(taken.get() + 1)).map(async |n| n);
                let output = if ordered {
                    pin!(futures.buffered_in(&group, 4)).next().await
                } else {
                    pin!(futures.buffer_unordered_in(&group, 4)).next().await
                };
                panic!("gave {output:?}");
            }).await;
            assert!(outcome.unwrap_err().is_cancelled());
            assert_eq!(taken.get(), 4);
        }
    }

    fn a_stream_that_waits_and_futures_that_run_wait_at_the_same_time() {
        let group = Group::new();
        group.join(async {
            let begin = now();
            let futures = generate(async |out| {
                for n in [50, 10, 10] {
                    sleep(20 * MS).await;
                    out.emit(after(n)).await;
                }
            });
            let ends: Vec<_> = futures.buffer_unordered_in(&group, 8).map(|_| ms(begin)).collect().await;
            assert_eq!(ends, [50, 70, 70]);
        }).await;
    }

    fn a_handle_will_do() {
        let group = Group::new();
        let handle = group.handle();
        group.join(async {
            assert_eq!(iter([2, 1]).map(after).buffered_in(&handle, 2).collect::<Vec<_>>().await, [2, 1]);
        }).await;
    }

    fn a_group_with_a_smaller_limit_keeps_it() {
        let group = Group::new().limit(2);
        group.join(async {
            let begin = now();
            assert_eq!(iter([10; 4]).map(after).buffered_in(&group, 4).count().await, 4);
            assert_eq!(ms(begin), 20);
        }).await;
    }

    fn what_is_said_of_the_size_is_true() {
        let group = Group::new();
        group.join(async {
            let mut outputs = pin!(iter([20, 10, 30]).map(after).buffered_in(&group, 2));
            assert_eq!(outputs.size_hint(), (0, Some(3)));
            outputs.next().await;
            assert_eq!(outputs.size_hint(), (1, Some(2)));
            let mut outputs = pin!(iter([20, 10, 30]).map(after).buffer_unordered_in(&group, 2));
            outputs.next().await;
            assert_eq!(outputs.size_hint(), (0, Some(2)));
        }).await;
    }
}

/// Notes why it was dropped.
struct Noted<'a>(&'a Mutex<Vec<Option<Reason>>>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(cancel_reason());
    }
}

async fn catch_unwind_of<T>(future: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

#[test]
fn futures_of_a_local_group_may_hold_what_stays_on_its_thread() {
    run(async || {
        let sum = Rc::new(Cell::new(0));
        let group = local::TaskGroup::new();
        group
            .join(async {
                let adds = iter(1..4).map(|n| {
                    let sum = sum.clone();
                    async move { sum.set(sum.get() + n) }
                });
                assert_eq!(adds.buffer_unordered_in(&group, 2).count().await, 3);
            })
            .await;
        assert_eq!(sum.get(), 6);
    });
}

#[test]
fn futures_may_be_tasks_of_their_own() {
    run(async || {
        let group = TaskGroup::new();
        let names = group
            .join(async {
                let tasks = iter(0..3).map(|n| {
                    spawn(async move {
                        sleep(MS).await;
                        n
                    })
                });
                tasks.buffered_in(&group, 2).collect::<Vec<_>>().await
            })
            .await;
        assert_eq!(names, [0, 1, 2]);
    });
}

/// A child with a task of its own takes the outputs.
#[test]
fn a_child_may_be_the_one_who_asks() {
    let outputs = aio_core::run(async {
        let group = TaskGroup::new();
        let handle = group.handle();
        group
            .join(async {
                let child = group.spawn(async move {
                    iter([2, 1, 0]).map(after_turns).buffered_in(&handle, 2).collect::<Vec<_>>().await
                });
                child.await
            })
            .await
    });
    assert_eq!(outputs, [2, 1, 0]);
}

async fn after_turns(n: u32) -> u32 {
    for _ in 0..n {
        futures_lite::future::yield_now().await;
    }
    n
}

/// Polls its future within the call that wakes it, as another thread might at that moment.
struct AtOnce {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    woken: AtomicBool,
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        // Whoever polls already looks again.
        let Some(mut future) = self.future.lock().unwrap().take() else { return };
        let waker = Waker::from(self.clone());
        while self.woken.swap(false, Ordering::Relaxed) {
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                return;
            }
        }
        *self.future.lock().unwrap() = Some(future);
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The stream fills a group that bears panics, and all that it has begun has panicked before it looks for outputs.
#[test]
fn a_stream_whose_futures_have_all_panicked_goes_on_with_others() {
    leak_check(|| {
        for ordered in [true, false] {
            let group = TaskGroup::new().supervised();
            let handle = group.handle();
            let is_over = Arc::new(AtomicBool::new(false));
            let over = is_over.clone();
            let body = std::future::poll_fn(move |_| match over.load(Ordering::Relaxed) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            });
            let all = async move { catch_unwind_of(group.join(body)).await.unwrap_err() };
            let runner = Arc::new(AtOnce {
                future: Mutex::new(Some(Box::pin(async { drop(all.await) }))),
                woken: AtomicBool::new(false),
            });
            runner.clone().wake();
            let futures = iter(0..6).map(|n| async move {
                assert!(n == 5, "bang");
                n
            });
            let mut outputs: Pin<Box<dyn Stream<Item = u32>>> = match ordered {
                true => Box::pin(futures.buffered_in(&handle, 2)),
                false => Box::pin(futures.buffer_unordered_in(&handle, 2)),
            };
            let wakes = Arc::new(Count::default());
            let waker = Waker::from(wakes.clone());
            let mut items = Vec::new();
            loop {
                match outputs.as_mut().poll_next(&mut Context::from_waker(&waker)) {
                    Poll::Ready(Some(n)) => items.push(n),
                    Poll::Ready(None) => break,
                    Poll::Pending => assert!(wakes.0.swap(0, Ordering::Relaxed) > 0, "waits, and nobody will wake it"),
                }
            }
            assert_eq!(items, [5]);
            is_over.store(true, Ordering::Relaxed);
            runner.clone().wake();
            assert!(runner.future.lock().unwrap().is_none(), "the group has ended");
        }
    });
}

/// Outputs in order wait for the ends of those that were begun beside one that has panicked.
#[test]
fn a_place_without_an_output_is_passed_over_when_the_others_have_ended() {
    run(async || {
        let begin = now();
        let group = TaskGroup::new().supervised();
        let mut taken = Vec::new();
        let outcome = catch_unwind_of(group.join(async {
            let futures = iter([10, 50, 20, 20]).map(|n| async move {
                let n = after(n).await;
                assert!(n != 10, "bang");
                n
            });
            let mut outputs = pin!(futures.buffered_in(&group, 2));
            while let Some(n) = outputs.next().await {
                taken.push((n, ms(begin)));
            }
        }))
        .await;
        outcome.unwrap_err();
        assert_eq!(taken, [(50, 50), (20, 70), (20, 70)]);
    });
}

#[test]
fn a_limit_of_zero_is_refused_where_it_was_asked_for() {
    leak_check(|| {
        thread_local! {
            static AT: Cell<u32> = const { Cell::new(0) };
        }
        let group = TaskGroup::<()>::new();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| AT.set(info.location().map_or(0, Location::line))));
        let line = line!() + 1;
        let ordered = || drop(iter([1]).map(after).buffered_in(&group, 0));
        let unordered = || drop(iter([1]).map(after).buffer_unordered_in(&group, 0));
        let payload = catch_unwind(AssertUnwindSafe(ordered)).unwrap_err();
        let at = AT.get();
        catch_unwind(AssertUnwindSafe(unordered)).unwrap_err();
        std::panic::set_hook(before);
        assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "with a limit of zero no future would ever begin");
        assert_eq!((at, AT.get()), (line, line + 1));
    });
}

proptest! {
    /// Against a loop: the same outputs in the same order, whatever waits for how long, also for a caller who gives up
    /// waiting now and then; and never more ahead than allowed.
    #[test]
    fn in_any_rhythm_outputs_are_those_of_a_loop(
        works in prop::collection::vec((0..30_u32, 0..20_u32), 0..12),
        busy in prop::collection::vec(0..40_u32, 12),
        limit in 1..5_usize,
        ordered in any::<bool>(),
        stop in 0..16_usize,
        seed in any::<u64>(),
    ) {
        let begun = Arc::new(Mutex::new(0_usize));
        let outputs = RefCell::new(Vec::new());
        let test = async || {
            let group = TaskGroup::new();
            *outputs.borrow_mut() = group.join(async {
                let upstream = generate(async |out| {
                    for (n, (wait, work)) in works.iter().copied().enumerate() {
                        sleep(wait * MS).await;
                        let begun = begun.clone();
                        out.emit(async move {
                            *begun.lock().unwrap() += 1;
                            sleep(work * MS).await;
                            n
                        }).await;
                    }
                });
                let mut outputs: Pin<Box<dyn Stream<Item = usize>>> = if ordered {
                    Box::pin(upstream.buffered_in(&group, limit))
                } else {
                    Box::pin(upstream.buffer_unordered_in(&group, limit))
                };
                let mut taken = Vec::new();
                while taken.len() < stop {
                    match timeout(15 * MS, outputs.next()).await {
                        Ok(Some(n)) => taken.push(n),
                        Ok(None) => break,
                        Err(_) => continue,
                    }
                    sleep(busy[taken.len() - 1] * MS).await;
                    assert!(*begun.lock().unwrap() < taken.len() + limit);
                }
                taken
            }).await;
        };
        leak_check(|| Test::new("in_group").seed(seed).run(test));
        let outputs = outputs.into_inner();
        let n = stop.min(works.len());
        let mut sorted = outputs.clone();
        sorted.sort_unstable();
        if ordered || stop >= works.len() {
            prop_assert_eq!(&sorted, &(0..n).collect::<Vec<_>>());
        }
        if ordered {
            prop_assert_eq!(outputs, sorted);
        } else {
            sorted.dedup();
            prop_assert_eq!(sorted.len(), n);
        }
    }
}

#[test]
fn an_upstream_that_has_ended_is_not_polled_again() {
    run(async || {
        let mut has_ended = false;
        let mut n = 0;
        let futures = poll_fn(move |_| {
            assert!(!has_ended, "polled after the end");
            n += 1;
            has_ended = n == 3;
            Poll::Ready((n < 3).then(|| after(n)))
        });
        let group = TaskGroup::new();
        let outputs = group.join(async { futures.buffered_in(&group, 5).collect::<Vec<_>>().await }).await;
        assert_eq!(outputs, [1, 2]);
    });
}
