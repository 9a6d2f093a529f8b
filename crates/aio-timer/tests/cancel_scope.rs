//! Cancelling a part of a task: by hand, by a deadline, from another thread, with a grace period.

#![cfg(not(aio_loom))]

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aio_base::live::leak_check as check;
use aio_core::{EventLoop, Reason, ThreadPark, VirtualTime, cancel_reason, defer, now, shield, spawn, yield_now};
use aio_timer::{CancelScope, Elapsed, Timers, fail_after, move_on_after, sleep};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn run<F: Future>(main: F) -> F::Output {
    EventLoop::new(Timers::new(ThreadPark::new())).run(main)
}

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// A cleanup that takes some turns.
async fn slow(log: Log) {
    turns(3).await;
    log.note("cleanup");
}

/// A time that no test will see the end of.
const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(2);

/// Whether it was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One of two that run in a scope comes back after the deadline was moved, and is then the first of those who watch.
/// The other one, which was the first before, leaves or comes back.
#[test]
fn who_runs_in_a_scope_hears_of_its_end_after_the_deadline_was_moved() {
    for leaves in [true, false] {
        check(|| {
            run(async {
                let scope = CancelScope::new();
                let (mut first, mut second) = (Box::pin(scope.run(pending::<()>())), pin!(scope.run(pending::<()>())));
                let (noop, flag) = (&mut Context::from_waker(Waker::noop()), Arc::new(Flag::default()));
                let waker = Waker::from(flag.clone());
                let cx = &mut Context::from_waker(&waker);
                assert!(first.as_mut().poll(noop).is_pending() && second.as_mut().poll(cx).is_pending());
                scope.set_timeout(LONG);
                assert!(second.as_mut().poll(cx).is_pending());
                if leaves {
                    drop(first);
                } else {
                    assert!(first.as_mut().poll(noop).is_pending());
                }
                flag.0.store(false, Ordering::Relaxed);
                scope.cancel();
                assert!(flag.0.load(Ordering::Relaxed), "it was not woken");
                second.await.unwrap_err();
            });
        });
    }
}

#[test]
fn a_scope_cancelled_beforehand_does_not_begin() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            scope.cancel();
            assert!(scope.is_cancelled());
            scope.run(async { unreachable!() }).await.map(|(): ()| ()).unwrap_err();
        });
    });
}

#[test]
fn cancelling_a_scope_cuts_all_that_runs_in_it_and_waits_for_its_cleanups() {
    check(|| {
        let log = Log::default();
        run(async {
            let scope = CancelScope::new();
            let tasks = [(); 3].map(|()| {
                let (scope, log) = (scope.clone(), log.clone());
                spawn(async move {
                    let outcome = scope
                        .run(async {
                            let _guard = defer(log.clone(), slow);
                            pending::<()>().await;
                        })
                        .await;
                    log.note("outcome");
                    outcome
                })
            });
            turns(2).await;
            scope.cancel();
            scope.cancel();
            for task in tasks {
                task.await.unwrap_err();
            }
        });
        let mut log = log.take();
        log.sort();
        assert_eq!(log, ["cleanup", "cleanup", "cleanup", "outcome", "outcome", "outcome"]);
    });
}

#[test]
fn a_scope_cut_by_its_own_work_ends_at_the_next_await() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            let outcome = scope.run(async {
                scope.cancel();
                yield_now().await;
                unreachable!()
            });
            outcome.await.map(|(): ()| ()).unwrap_err();
        });
    });
}

#[test]
fn a_scope_cancelled_in_its_last_poll_keeps_its_value() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            let outcome = scope.run(async {
                scope.cancel();
                3
            });
            assert_eq!(outcome.await, Ok(3));
        });
    });
}

#[test]
fn a_scope_cancelled_while_a_cleanup_is_pending_keeps_its_value() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            let work = scope.run(async {
                drop(defer((), async |()| turns(5).await));
                3
            });
            let handle = scope.clone();
            aio_core::local::spawn(async move {
                turns(2).await;
                handle.cancel();
            })
            .detach();
            assert_eq!(work.await, Ok(3));
            assert!(scope.is_cancelled());
        });
    });
}

#[test]
fn a_scope_is_cancelled_from_another_thread() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            let handle = scope.clone();
            let thread = std::thread::spawn(move || handle.cancel());
            scope.run(pending::<()>()).await.unwrap_err();
            thread.join().unwrap();
        });
    });
}

#[test]
fn a_run_that_is_dropped_is_forgotten_by_its_scope() {
    check(|| {
        let scope = CancelScope::new();
        run(async {
            let mut work = Box::pin(scope.run(pending::<()>()));
            poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_pending())).await;
        });
        // The check would see its registration.
        scope.cancel();
    });
}

#[test]
fn inner_and_outer_cancellation_are_not_confused() {
    check(|| {
        run(async {
            let (outer, inner) = (CancelScope::new(), CancelScope::new());
            let outcome = outer
                .run(async {
                    inner.cancel();
                    inner.run(pending::<()>()).await.unwrap_err();
                    1
                })
                .await;
            assert_eq!(outcome, Ok(1));
            let outcome = outer
                .run(async {
                    outer.cancel();
                    CancelScope::new().run(pending::<()>()).await.unwrap_err();
                    unreachable!()
                })
                .await;
            outcome.unwrap_err();
        });
    });
}

#[test]
fn the_reason_reaches_the_work_and_whoever_waits_for_it() {
    check(|| {
        let log = Log::default();
        run(async {
            let scope = CancelScope::new();
            let work = scope.run(async {
                let _guard = defer(log.clone(), async |log: Log| {
                    yield_now().await;
                    log.note(cancel_reason().unwrap().to_string());
                });
                scope.cancel_with("first");
                scope.cancel_with("second");
                pending::<()>().await;
            });
            let error = work.await.unwrap_err();
            assert_eq!(error.to_string(), "cancelled: first");
            assert_eq!((error.reason(), error.is_timeout()), (&Reason::from("first"), false));
            assert_eq!(scope.reason(), Some(Reason::from("first")));
        });
        assert_eq!(log.take(), ["first"]);
    });
}

#[test]
fn a_deadline_cancels_the_scope_for_good() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            scope.set_timeout(SHORT);
            let error = scope.run(pending::<()>()).await.unwrap_err();
            assert!(error.is_timeout());
            // Also if it is moved afterwards.
            scope.set_deadline(None);
            assert_eq!(scope.reason(), Some(Reason::TimedOut));
            assert!(scope.run(async { unreachable!() }).await.map(|(): ()| ()).unwrap_err().is_timeout());
        });
    });
}

#[test]
fn a_deadline_is_moved_while_the_work_runs() {
    check(|| {
        run(async {
            // Later.
            let scope = CancelScope::new();
            scope.set_timeout(SHORT);
            let work = scope.run(async {
                scope.set_timeout(LONG);
                sleep(SHORT * 3).await;
                "done"
            });
            assert_eq!(work.await, Ok("done"));
            // To no time at all.
            scope.set_timeout(SHORT);
            let work = scope.run(async {
                scope.set_deadline(None);
                sleep(SHORT * 3).await;
                "done"
            });
            assert_eq!(work.await, Ok("done"));
            // Earlier, from another task.
            scope.set_timeout(LONG);
            assert!(scope.deadline().is_some());
            let handle = scope.clone();
            let other = spawn(async move {
                yield_now().await;
                handle.set_timeout(SHORT);
            });
            assert!(scope.run(pending::<()>()).await.unwrap_err().is_timeout());
            other.await;
        });
    });
}

#[test]
fn work_that_moves_the_deadline_when_it_comes_goes_on() {
    check(|| {
        EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
            let scope = CancelScope::new();
            scope.set_timeout(LONG);
            let begin = now();
            let outcome = scope.run(async {
                // It began to sleep when the scope did, and is polled before the deadline is looked at.
                sleep(LONG).await;
                scope.set_timeout(LONG);
                assert!(!scope.is_cancelled());
                pending::<()>().await;
            });
            assert!(outcome.await.unwrap_err().is_timeout());
            assert_eq!(now() - begin, 2 * LONG);
        });
    });
}

#[test]
fn a_result_that_is_there_goes_before_the_deadline() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            scope.set_timeout(Duration::ZERO);
            assert_eq!(scope.run(async { 1 }).await, Ok(1));
            assert!(scope.run(pending::<()>()).await.unwrap_err().is_timeout());
        });
    });
}

#[test]
fn one_waits_for_the_cancellation_of_a_scope() {
    check(|| {
        run(async {
            let scope = CancelScope::new();
            let handle = scope.clone();
            let waiter = spawn(async move { handle.cancelled().await });
            let mut dropped = Box::pin(scope.cancelled());
            poll_fn(|cx| Poll::Ready(dropped.as_mut().poll(cx).is_pending())).await;
            drop(dropped);
            yield_now().await;
            assert!(!waiter.is_finished());
            scope.cancel_with("now");
            assert_eq!(waiter.await, Reason::from("now"));
            assert_eq!(scope.cancelled().await, Reason::from("now"));
            let scope = CancelScope::new();
            scope.set_timeout(SHORT);
            assert_eq!(scope.cancelled().await, Reason::TimedOut);
            assert!(scope.is_cancelled());
        });
    });
}

#[test]
fn shielded_work_is_not_cut_and_the_scope_ends_after_it() {
    check(|| {
        let log = Log::default();
        run(async {
            let scope = CancelScope::new();
            let theirs = log.clone();
            let work = scope.run(async {
                shield(async move {
                    turns(5).await;
                    theirs.note("saved");
                })
                .await;
                unreachable!("the scope is cancelled");
            });
            let handle = scope.clone();
            let other = spawn(async move {
                yield_now().await;
                handle.cancel();
            });
            work.await.map(|(): ()| ()).unwrap_err();
            log.note("ended");
            other.await;
        });
        assert_eq!(log.take(), ["saved", "ended"]);
    });
}

#[test]
fn cleanups_that_overrun_their_grace_period_are_dropped_and_named() {
    check(|| {
        let log = Log::default();
        run(async {
            let scope = CancelScope::new().grace(SHORT);
            let work = scope.run(async {
                let _child = spawn(async {
                    let _guard = defer((), async |()| sleep(SHORT * 10).await);
                    pending::<()>().await;
                });
                let _never_begins = defer(log.clone(), async |log: Log| log.note("unreachable"));
                let _stuck = defer((), async |()| pending().await);
                let _quick = defer(log.clone(), slow);
                scope.cancel();
                pending::<()>().await;
            });
            let error = work.await.unwrap_err();
            assert_eq!(log.take(), ["cleanup"]);
            let overran = error.overran();
            assert_eq!(overran.len(), 3, "{overran:?}");
            assert!(overran[0].starts_with("the cleanup left at ") && overran[0].contains(file!()));
            assert!(overran[2].starts_with("waiting for Task-"), "{overran:?}");
            assert!(error.to_string().starts_with("cancelled; gave up the cleanup left at "), "{error}");
        });
        assert_eq!(log.take(), [""; 0]);
    });
}

#[test]
fn cleanups_within_their_grace_period_are_waited_for() {
    check(|| {
        let log = Log::default();
        run(async {
            let scope = CancelScope::new().grace(LONG);
            let work = scope.run(async {
                let _guard = defer(log.clone(), slow);
                scope.cancel();
                pending::<()>().await;
            });
            assert_eq!(work.await.unwrap_err().overran(), [""; 0]);
        });
        assert_eq!(log.take(), ["cleanup"]);
    });
}

#[test]
fn trio_knows_two_kinds_of_timeouts() {
    check(|| {
        run(async {
            assert_eq!(move_on_after(SHORT, pending::<()>()).await, None);
            assert_eq!(move_on_after(LONG, async { 1 }).await, Some(1));
            assert_eq!(fail_after(SHORT, pending::<()>()).await, Err(Elapsed));
            assert_eq!(fail_after(LONG, async { 1 }).await, Ok(1));
        });
    });
}

/// Dropped after any number of polls, a run leaves no timer, no registration, and each cleanup runs once.
#[test]
fn a_run_may_be_dropped_after_any_number_of_polls() {
    for polls in 0..8 {
        check(|| {
            let log = Log::default();
            run(async {
                let scope = CancelScope::new().grace(LONG);
                scope.set_timeout(LONG);
                let mut work = Box::pin(scope.run(async {
                    let _guard = defer(log.clone(), slow);
                    turns(2).await;
                    scope.cancel();
                    pending::<()>().await;
                }));
                let mut done = false;
                for _ in 0..polls {
                    if !done {
                        done = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready())).await;
                    }
                    yield_now().await;
                }
                drop(work);
            });
            assert_eq!(log.take().len(), usize::from(polls > 0), "after {polls} polls");
        });
    }
}

#[test]
fn a_scope_shows_what_it_is() {
    check(|| {
        let scope = CancelScope::new().grace(SHORT);
        scope.cancel_with("why");
        let text = format!("{scope:?} {:?} {:?}", scope.run(async {}), scope.cancelled());
        assert!(
            text.contains(r#"Other("why")"#) && text.contains("Cancellable") && text.contains("WaitCancelled"),
            "{text}"
        );
        // Without a loop, too.
        let mut cancelled = pin!(scope.cancelled());
        let poll = cancelled.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(poll, Poll::Ready(Reason::from("why")));
    });
}
