//! The rules of scopes: what ends when, and that nothing is left behind.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use aio_core::{Scope, SideBySide, run, yield_now};
use aio_timer::CancelScope;
use common::check;
use log::Log;

/// Polls a future once.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future once in the running task, and drops it.
async fn begin_and_drop<F: Future>(future: F) {
    let mut future = Box::pin(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
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

/// A cleanup that says `name` in two turns.
fn twice(name: &'static str) -> impl FnOnce(Log) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send {
    move |log| {
        Box::pin(async move {
            log.note(name);
            yield_now().await;
            log.note(name);
        })
    }
}

/// Says when it is dropped.
struct DropNote(&'static str, Log);

impl Drop for DropNote {
    fn drop(&mut self) {
        self.1.note(self.0);
    }
}

/// Room for something that two share.
type Place<T> = Arc<Mutex<Option<T>>>;

/// Whether the thread for cleanups that nobody takes is running.
fn has_cleanup_thread() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread may end while this looks.
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .any(|name| name.starts_with("aio-cleanup"))
}

/// That of an earlier test may still be about to end.
fn await_no_cleanup_thread() {
    while has_cleanup_thread() {
        std::thread::yield_now();
    }
}

/// Panics when dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("bomb");
        }
    }
}

/// The same tests for what may cross threads and for what stays on its loop.
macro_rules! in_both_homes {
    ($($(#[$attr:meta])* fn $name:ident() $body:block)*) => {
        mod shared {
            use super::*;
            use aio_core::{defer, shield, spawn};
            $(#[test] $(#[$attr])* fn $name() { check(|| $body) })*
        }
        mod local {
            use super::*;
            use aio_core::local::{defer, shield, spawn};
            $(#[test] $(#[$attr])* fn $name() { check(|| $body) })*
        }
    };
}

in_both_homes! {
    fn a_cleanup_runs_when_the_work_is_done() {
        let log = Log::default();
        run(async {
            let guard = defer(log.clone(), slow);
            guard.note("work");
        });
        assert_eq!(log.take(), ["work", "cleanup"]);
    }

    fn a_cleanup_runs_when_the_work_fails() {
        let log = Log::default();
        let outcome: Result<(), &str> = run(async {
            let _guard = defer(log.clone(), slow);
            yield_now().await;
            Err("failed")?;
            unreachable!()
        });
        assert_eq!(outcome, Err("failed"));
        assert_eq!(log.take(), ["cleanup"]);
    }

    fn a_cleanup_runs_before_a_panic_reaches_the_awaiter() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _guard = defer(theirs, slow);
                yield_now().await;
                panic!("work");
            });
            let error = task.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"work"));
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    fn a_cleanup_runs_when_the_task_is_cancelled() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _guard = defer(theirs, slow);
                pending::<()>().await;
            });
            yield_now().await;
            task.cancel();
            assert!(!task.is_finished());
            assert!(task.join().await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    fn a_cleanup_runs_when_an_outer_future_is_dropped() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                begin_and_drop(async {
                    let _guard = defer(theirs.clone(), slow);
                    pending::<()>().await;
                })
                .await;
                theirs.note("work");
            });
            task.await;
            assert_eq!(log.take(), ["work", "cleanup"]);
        });
    }

    fn cleanups_bubble_up_through_dropped_scopes_and_the_outermost_waits() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                begin_and_drop(Scope::new(Scope::new(async {
                    let _guard = defer(theirs.clone(), slow);
                    pending::<()>().await;
                })))
                .await;
                theirs.note("work");
            });
            task.await;
            assert_eq!(log.take(), ["work", "cleanup"]);
        });
    }

    fn cancelling_all_tasks_leaves_cleanups_alone() {
        let log = Log::default();
        run(async {
            drop(defer(log.clone(), slow));
            yield_now().await;
            let others = aio_core::all_tasks().into_iter().filter(|task| task.name() != Some("main"));
            others.for_each(|task| task.cancel());
        });
        assert_eq!(log.take(), ["cleanup"]);
    }

    fn a_scope_ends_before_its_parent_goes_on() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            Scope::new(async {
                let _guard = defer(theirs, slow);
            })
            .await;
            log.note("parent");
        });
        assert_eq!(log.take(), ["cleanup", "parent"]);
    }

    fn cleanups_make_progress_while_the_work_goes_on() {
        let log = Log::default();
        run(async {
            drop(defer(log.clone(), slow));
            turns(10).await;
            log.note("work");
        });
        assert_eq!(log.take(), ["cleanup", "work"]);
    }

    fn what_one_turn_leaves_is_done_one_after_the_other() {
        let log = Log::default();
        run(async {
            for name in ["one", "two", "three"] {
                drop(defer(log.clone(), twice(name)));
            }
        });
        assert_eq!(log.take(), ["one", "one", "two", "two", "three", "three"]);
    }

    fn what_different_turns_leave_is_done_side_by_side() {
        let log = Log::default();
        run(async {
            for name in ["one", "two", "three"] {
                drop(defer(log.clone(), twice(name)));
                yield_now().await;
            }
        });
        // Each begins in the turn in which it was left.
        assert_eq!(log.take(), ["one", "one", "two", "two", "three", "three"]);
        run(async {
            drop(defer(log.clone(), slow));
            yield_now().await;
            drop(defer(log.clone(), twice("later")));
        });
        assert_eq!(log.take(), ["later", "later", "cleanup"]);
    }

    fn nested_guards_clean_up_from_the_inside_out() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _outer = defer(theirs.clone(), twice("outer"));
                let _inner = defer(theirs, async |log: Log| {
                    // What a cleanup leaves is done before the next one begins.
                    drop(defer(log.clone(), twice("inner's")));
                    twice("inner")(log).await;
                });
                pending::<()>().await;
            });
            yield_now().await;
            drop(task);
        });
        assert_eq!(log.take(), ["inner", "inner's", "inner", "inner's", "outer", "outer"]);
    }

    fn a_scope_that_is_dropped_cleans_up_before_the_guards_around_it() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _outer = defer(theirs.clone(), twice("outer"));
                let inner = Scope::new(async {
                    // Of an earlier turn of the scope, and not done when that is dropped.
                    drop(defer(theirs.clone(), slow));
                    yield_now().await;
                    let _inner = defer(theirs.clone(), twice("inner"));
                    pending::<()>().await;
                });
                inner.await;
            });
            turns(2).await;
            drop(task);
        });
        assert_eq!(log.take(), ["inner", "cleanup", "inner", "outer", "outer"]);
    }

    fn a_task_that_is_dropped_ends_before_the_guards_around_it_clean_up() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _outer = defer(theirs.clone(), twice("outer"));
                let _child = spawn(async move {
                    let _guard = defer(theirs, slow);
                    pending::<()>().await;
                });
                pending::<()>().await;
            });
            turns(3).await;
            drop(task);
        });
        assert_eq!(log.take(), ["cleanup", "outer", "outer"]);
    }

    fn parts_of_a_whole_clean_up_side_by_side_and_take_one_place() {
        let log = Log::default();
        run(async {
            drop(defer(log.clone(), twice("before")));
            let parts = SideBySide::new();
            for (outer, inner) in [("a2", "a1"), ("b2", "b1")] {
                parts.run(|| {
                    drop(defer(log.clone(), twice(inner)));
                    drop(defer(log.clone(), twice(outer)));
                });
            }
            drop(parts);
            drop(defer(log.clone(), twice("after")));
        });
        let log = log.take();
        assert_eq!(log[..2], ["before", "before"]);
        assert_eq!(log[10..], ["after", "after"]);
        let of = |part: char| log[2..10].iter().filter(|line| line.starts_with(part)).cloned().collect::<Vec<_>>();
        assert_eq!((of('a').join(" "), of('b').join(" ")), ("a1 a1 a2 a2".into(), "b1 b1 b2 b2".into()));
        assert!(log.iter().position(|line| line == "b1") < log.iter().position(|line| line == "a2"), "{log:?}");
    }

    fn a_part_that_panics_has_its_cleanups_run() {
        let log = Log::default();
        run(async {
            let parts = SideBySide::new();
            let panic = catch_unwind(AssertUnwindSafe(|| {
                parts.run(|| {
                    drop(defer(log.clone(), twice("cleanup")));
                    panic!("part");
                })
            }));
            assert!(panic.is_err());
        });
        assert_eq!(log.take(), ["cleanup", "cleanup"]);
    }

    fn a_panic_of_a_cleanup_does_not_stop_the_next_one() {
        let log = Log::default();
        let theirs = log.clone();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run(async move {
                drop(defer((), async |()| {
                    yield_now().await;
                    panic!("first")
                }));
                drop(defer(theirs.clone(), slow));
                drop(defer((), async |()| panic!("second")));
                drop(defer(theirs, slow));
            });
        }))
        .unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"first"));
        assert_eq!(log.take(), ["cleanup", "cleanup"]);
    }

    fn cleanups_that_are_given_up_are_dropped_with_all_they_would_leave() {
        let log = Log::default();
        run(async {
            let scope = Scope::new(async {
                let _second = defer(DropNote("second", log.clone()), async |_held| unreachable!("not its turn"));
                let _first = defer(DropNote("first", log.clone()), async |held: DropNote| {
                    let _nested = defer((held, DropNote("nested", Log::default())), async |_both| unreachable!());
                    pending::<()>().await;
                });
                pending::<()>().await;
            });
            let mut scope = pin!(scope);
            poll_fn(|cx| {
                assert!(scope.as_mut().poll(cx).is_pending());
                scope.as_mut().cancel();
                assert!(scope.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            let given_up = scope.as_mut().give_up();
            assert_eq!(given_up.len(), 2, "{given_up:?}");
            assert!(given_up[0].starts_with("the cleanup left at ") && given_up[0].contains(file!()), "{given_up:?}");
            assert_eq!(poll_fn(|cx| scope.as_mut().poll(cx)).await, None);
        });
        let mut log = log.take();
        log.sort();
        assert_eq!(log, ["first", "second"]);
    }

    fn a_cleanup_may_leave_another_one() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            spawn(async move {
                drop(defer(theirs, async |log: Log| {
                    yield_now().await;
                    let _guard = defer(log.clone(), async |log: Log| {
                        yield_now().await;
                        let _guard = defer(log.clone(), slow);
                        log.note("second");
                    });
                    log.note("first");
                }));
            })
            .await;
            assert_eq!(log.take(), ["first", "second", "cleanup"]);
        });
    }

    fn a_cleanup_may_spawn_and_await() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            spawn(async move {
                drop(defer(theirs, async |log: Log| {
                    spawn(slow(log.clone())).await;
                    log.note("after");
                }));
            })
            .await;
            assert_eq!(log.take(), ["cleanup", "after"]);
        });
    }

    fn a_panic_of_a_cleanup_ends_its_task_after_the_other_cleanups() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _first = defer(theirs.clone(), slow);
                // Guards are dropped from the last to the first.
                let _second = defer((), async |()| panic!("cleanup"));
                let _third = defer(theirs, slow);
            });
            let error = task.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"cleanup"));
            assert_eq!(log.take(), ["cleanup", "cleanup"]);
        });
    }

    fn an_output_beside_a_panicked_cleanup_is_dropped_inside_the_task() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                drop(defer((), async |()| panic!("cleanup")));
                (Bomb, defer(theirs, slow))
            });
            assert!(task.join().await.is_err_and(|error| error.is_panic()));
        });
        assert_eq!(log.take(), ["cleanup"]);
    }

    fn a_panicking_destructor_of_a_cancelled_future_is_its_outcome_and_cleanups_run() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _guard = defer(theirs, slow);
                let _bomb = Bomb;
                pending::<()>().await;
            });
            yield_now().await;
            task.cancel();
            let error = task.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"bomb"));
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    fn a_disarmed_guard_cleans_nothing_up() {
        let log = Log::default();
        run(async {
            let guard = defer(log.clone(), slow);
            guard.disarm().note("disarmed");
        });
        assert_eq!(log.take(), ["disarmed"]);
    }

    fn a_cleanup_can_be_run_at_once() {
        let log = Log::default();
        run(async {
            defer(log.clone(), slow).run().await;
            log.note("after");
        });
        assert_eq!(log.take(), ["cleanup", "after"]);
    }

    fn a_cleanup_that_is_run_at_once_and_dropped_half_way_goes_on() {
        let log = Log::default();
        run(async {
            begin_and_drop(defer(log.clone(), slow).run()).await;
            log.note("after");
        });
        assert_eq!(log.take(), ["after", "cleanup"]);
    }

    fn a_shield_gives_the_output() {
        run(async {
            let shielded = shield(async {
                turns(2).await;
                7
            });
            assert_eq!(shielded.await, 7);
        });
    }

    fn a_shield_goes_on_when_its_task_is_cancelled() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move { shield(slow(theirs)).await });
            yield_now().await;
            task.cancel();
            assert!(task.join().await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    fn a_shield_that_has_not_begun_is_dropped() {
        let log = Log::default();
        run(async {
            drop(shield(slow(log.clone())));
        });
        assert!(log.take().is_empty());
    }

    fn a_shield_that_panics_is_gone() {
        run(async {
            let task = spawn(async { shield(async { panic!("shielded") }).await });
            let error = task.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"shielded"));
        });
    }

    fn a_dropped_task_has_ended_before_the_scope_that_dropped_it() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            Scope::new(async {
                let task = spawn(async move {
                    let _guard = defer(theirs, slow);
                    pending::<()>().await;
                });
                yield_now().await;
                drop(task);
            })
            .await;
            log.note("after");
        });
        assert_eq!(log.take(), ["cleanup", "after"]);
    }

    fn a_task_may_drop_its_own_handle() {
        let log = Log::default();
        run(async {
            let place = Place::default();
            let (mine, theirs) = (place.clone(), log.clone());
            let task = spawn(async move {
                let _guard = defer(theirs, slow);
                let me = mine.lock().unwrap().take();
                drop(me);
                yield_now().await;
                unreachable!("it was cancelled by the drop");
            });
            let reference = task.task_ref();
            *place.lock().unwrap() = Some(task);
            reference.ended().await;
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    fn a_finalizer_may_drop_the_handle_of_its_task() {
        run(async {
            let place = Place::default();
            let mine = place.clone();
            let task = spawn(async move {
                aio_core::defer((), async |()| {
                    yield_now().await;
                })
                .run()
                .await;
                drop(mine.lock().unwrap().take());
            });
            let reference = task.task_ref();
            *place.lock().unwrap() = Some(task);
            reference.ended().await;
        });
    }

    fn a_task_that_awaits_itself_is_ended_by_the_loop() {
        run(async {
            let place = Place::default();
            let mine = place.clone();
            let task = spawn(async move {
                let me = mine.lock().unwrap().take();
                me.unwrap().await;
            });
            *place.lock().unwrap() = Some(task);
            yield_now().await;
        });
    }

    fn the_output_of_a_detached_task_cleans_up_before_run_returns() {
        await_no_cleanup_thread();
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            spawn(async move {
                let task = spawn(pending::<()>());
                (defer(theirs, slow), task)
            })
            .detach();
            yield_now().await;
        });
        assert_eq!(log.take(), ["cleanup"]);
        assert!(!has_cleanup_thread());
    }

    fn nothing_runs_after_the_loop() {
        let log = Log::default();
        run(async {
            for _ in 0..3 {
                let theirs = log.clone();
                spawn(async move {
                    let _guard = defer(theirs.clone(), async |log: Log| {
                        // Spawned while the loop ends, by a cleanup, and left alone.
                        spawn(async move {
                            let _guard = defer(log, slow);
                            pending::<()>().await;
                        })
                        .detach();
                        yield_now().await;
                    });
                    pending::<()>().await;
                })
                .detach();
            }
            yield_now().await;
        });
        assert_eq!(log.take(), ["cleanup"; 3]);
    }

    fn a_cleanup_leaves_its_scope_open_until_a_pending_one_is_woken() {
        let log = Log::default();
        run(async {
            let waker = Place::<Waker>::default();
            let theirs = (waker.clone(), log.clone());
            let task = spawn(async move {
                drop(defer(theirs, async |(place, log): (Place<Waker>, Log)| {
                    let mut first = true;
                    poll_fn(|cx| {
                        *place.lock().unwrap() = Some(cx.waker().clone());
                        if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
                    })
                    .await;
                    log.note("cleanup");
                }));
            });
            turns(5).await;
            assert!(!task.is_finished());
            waker.lock().unwrap().take().unwrap().wake();
            task.await;
            assert_eq!(log.take(), ["cleanup"]);
        });
    }
}

#[test]
fn a_cleanup_that_stays_on_its_loop_may_be_left_by_a_task_that_may_cross_threads() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            aio_core::spawn(async move {
                {
                    // `Rc` is not `Send`: neither guard nor shield could be held over an `await`.
                    let _guard =
                        aio_core::local::defer(Rc::new(theirs.clone()), async |log| slow((*log).clone()).await);
                    let mut shield = pin!(aio_core::local::shield(slow((*Rc::new(theirs.clone())).clone())));
                    let waker = Waker::noop();
                    assert!(shield.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
                }
                theirs.note("work");
            })
            .await;
            assert_eq!(log.take(), ["work", "cleanup", "cleanup"]);
        });
    });
}

#[test]
fn half_done_cleanups_of_a_dropped_scope_go_on_in_the_next() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = aio_core::spawn(async move {
                // Its future is finished, its cleanup has begun.
                begin_and_drop(Scope::new(async {
                    drop(aio_core::defer(theirs.clone(), async |log: Log| {
                        log.note("begun");
                        slow(log).await;
                    }));
                }))
                .await;
                theirs.note("work");
            });
            task.await;
            assert_eq!(log.take(), ["begun", "work", "cleanup"]);
        });
    });
}

#[test]
fn a_cut_scope_gives_nothing_and_drops_its_future_at_once() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let mut scope = Box::pin(Scope::new(async move {
                let _guard = aio_core::defer(theirs, async |log: Log| log.note("cleanup"));
                pending::<()>().await;
            }));
            assert!(poll_once(scope.as_mut()).is_pending());
            scope.as_mut().cancel();
            assert!(!scope.is_running());
            assert!(log.take().is_empty());
            assert_eq!(scope.await, None);
            assert_eq!(log.take(), ["cleanup"]);
        });
    });
}

#[test]
fn a_value_that_exists_is_not_thrown_away_by_a_cut() {
    check(|| {
        run(async {
            let mut scope = Box::pin(Scope::new(async {
                drop(aio_core::defer((), async |()| turns(3).await));
                5
            }));
            // The value exists, the cleanup is still running.
            assert!(poll_fn(|cx| Poll::Ready(scope.as_mut().poll(cx))).await.is_pending());
            scope.as_mut().cancel();
            assert_eq!(scope.await, Some(5));
        });
    });
}

#[test]
fn a_value_that_exists_is_not_thrown_away_by_a_cancelled_task() {
    check(|| {
        run(async {
            let task = aio_core::spawn(async {
                drop(aio_core::defer((), async |()| turns(3).await));
                5
            });
            turns(2).await;
            assert!(!task.is_finished());
            task.cancel();
            assert_eq!(task.join().await.unwrap(), 5);
        });
    });
}

#[test]
fn a_panic_inside_a_scope_goes_on_in_the_parent_after_its_cleanups_have_been_handed_over() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = aio_core::spawn(async move {
                Scope::new(async {
                    let _guard = aio_core::defer(theirs, slow);
                    panic!("inner");
                })
                .await;
            });
            let error = task.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"inner"));
            assert_eq!(log.take(), ["cleanup"]);
        });
    });
}

#[test]
fn a_scope_may_outlive_its_loop() {
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        let mut scope = Box::pin(Scope::new(async {
            let _guard = aio_core::defer(theirs.clone(), slow);
            drop(aio_core::defer(theirs, slow));
            pending::<()>().await;
        }));
        run(async {
            assert!(poll_fn(|cx| Poll::Ready(scope.as_mut().poll(cx))).await.is_pending());
            // Nobody polls it any more.
            turns(10).await;
        });
        assert!(log.take().is_empty());
        run(async {
            drop(scope);
            log.note("dropped");
        });
        assert_eq!(log.take(), ["dropped", "cleanup", "cleanup"]);
    });
}

#[test]
fn scopes_nest_deeply() {
    fn nest() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let mut future: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
                let _guard = aio_core::defer(theirs, slow);
                pending::<()>().await;
            });
            for _ in 0..10_000 {
                future = Box::pin(async { Scope::new(future).await.unwrap() });
            }
            let task = aio_core::spawn(future);
            yield_now().await;
            task.cancel();
            assert!(task.join().await.unwrap_err().is_cancelled());
            assert_eq!(log.take(), ["cleanup"]);
        });
    }
    check(|| {
        // Futures in futures are polled and dropped in each other, so this takes stack.
        let large = std::thread::Builder::new().stack_size(512 << 20);
        large.spawn(nest).unwrap().join().unwrap();
    });
}

/// Panics when it is dropped, also while the thread is unwinding.
struct Ruthless(&'static str);

impl Drop for Ruthless {
    fn drop(&mut self) {
        std::panic::panic_any(self.0);
    }
}

#[test]
fn cleanups_that_panic_when_they_are_given_up_do_not_end_the_process() {
    check(|| {
        // In one turn and in two, and those of a scope that is dropped.
        let bomb = |name| {
            drop(aio_core::defer((), async move |()| {
                let _bomb = Ruthless(name);
                pending::<()>().await;
            }));
        };
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run(async {
                let mut scope = pin!(Scope::new(async {
                    let inner = Scope::new(async {
                        bomb("first");
                        yield_now().await;
                        bomb("second");
                        pending::<()>().await;
                    });
                    {
                        let mut inner = pin!(inner);
                        poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx).is_ready())).await;
                        poll_fn(|cx| Poll::Ready(inner.as_mut().poll(cx).is_ready())).await;
                    }
                    bomb("third");
                    yield_now().await;
                    bomb("fourth");
                }));
                for _ in 0..2 {
                    assert!(poll_fn(|cx| Poll::Ready(scope.as_mut().poll(cx).is_pending())).await);
                }
                assert_eq!(scope.as_mut().give_up().len(), 4);
                scope.await;
            });
        }))
        .unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"first"));
    });
}

#[test]
fn a_panic_is_the_outcome_also_while_the_thread_is_unwinding() {
    /// Runs a task to its end when it is dropped.
    struct RunOnDrop<'a>(Log, &'a str);
    impl Drop for RunOnDrop<'_> {
        fn drop(&mut self) {
            let eager = || aio_core::Builder::new().eager(true);
            let mut future = eager().spawn_local(async { panic!("future") });
            let mut cleanup = eager().spawn_local(async { drop(aio_core::defer((), async |()| panic!("cleanup"))) });
            let mut cx = Context::from_waker(Waker::noop());
            for task in [&mut future, &mut cleanup] {
                let Poll::Ready(outcome) = task.poll_join(&mut cx) else { unreachable!("it has ended") };
                self.0.note(format!("{}: {}", self.1, outcome.unwrap_err()));
            }
        }
    }
    check(|| {
        let log = Log::default();
        run(async {
            drop(RunOnDrop(log.clone(), "calm"));
            catch_unwind(AssertUnwindSafe(|| {
                let _run = RunOnDrop(log.clone(), "unwinding");
                panic!("outer");
            }))
            .unwrap_err();
        });
        let expected = [
            "calm: panicked: future",
            "calm: panicked: cleanup",
            "unwinding: panicked: future",
            "unwinding: panicked: cleanup",
        ];
        assert_eq!(log.take(), expected);
    });
}

mod without_a_loop {
    use super::*;

    #[test]
    fn block_on_is_a_scope() {
        check(|| {
            let log = Log::default();
            let output = aio_core::block_on(async {
                let _guard = aio_core::defer(log.clone(), slow);
                yield_now().await;
                5
            });
            assert_eq!(output, 5);
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    #[test]
    fn block_on_lets_a_panic_out_after_the_cleanups() {
        check(|| {
            let log = Log::default();
            let theirs = log.clone();
            let panic = catch_unwind(AssertUnwindSafe(|| {
                aio_core::block_on(async {
                    let _guard = aio_core::defer(theirs, slow);
                    panic!("work");
                });
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"work"));
            assert_eq!(log.take(), ["cleanup"]);
        });
    }

    #[test]
    fn a_local_cleanup_runs_in_the_destructor_of_its_guard() {
        check(|| {
            let done = Rc::new(Cell::new(false));
            let theirs = done.clone();
            drop(aio_core::local::defer((), async move |()| {
                turns(3).await;
                theirs.set(true);
            }));
            assert!(done.get());
        });
    }

    #[test]
    fn a_loop_inside_of_block_on_keeps_its_cleanups_to_itself() {
        struct OnDrop(Log);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                drop(aio_core::defer(self.0.clone(), slow));
            }
        }
        check(|| {
            let log = Log::default();
            aio_core::block_on(async {
                run(async {
                    aio_core::loop_local(|| OnDrop(log.clone()));
                });
                log.note("after");
            });
            assert_eq!(log.take(), ["cleanup", "after"]);
        });
    }

    /// A cleanup that tells when it is done.
    async fn telling(done: std::sync::mpsc::Sender<String>) {
        turns(2).await;
        done.send(std::thread::current().name().unwrap_or_default().to_owned()).unwrap();
    }

    /// One that was left under an executor that knows no scopes.
    async fn leave_and_stop(done: std::sync::mpsc::Sender<String>) {
        let _guard = aio_core::defer(done, telling);
        pending::<()>().await;
    }

    #[test]
    fn a_cleanup_left_on_a_bare_thread_runs_on_a_thread_of_the_process() {
        check(|| {
            let (done, said) = std::sync::mpsc::channel();
            for _ in 0..3 {
                let mut future = Box::pin(leave_and_stop(done.clone()));
                assert!(poll_once(future.as_mut()).is_pending());
                drop(future);
                assert_eq!(said.recv().unwrap(), "aio-cleanup");
            }
        });
    }

    #[test]
    fn a_scope_dropped_on_a_bare_thread_hands_its_cleanups_to_the_process() {
        check(|| {
            let (done, said) = std::sync::mpsc::channel();
            let mut scope = Box::pin(Scope::new(leave_and_stop(done)));
            assert!(poll_once(scope.as_mut()).is_pending());
            drop(scope);
            assert_eq!(said.recv().unwrap(), "aio-cleanup");
        });
    }

    #[test]
    fn a_panicking_orphan_does_not_keep_the_next_from_running() {
        check(|| {
            let (done, said) = std::sync::mpsc::channel();
            drop(aio_core::defer((), async |()| panic!("orphan")));
            drop(aio_core::defer(done, telling));
            assert_eq!(said.recv().unwrap(), "aio-cleanup");
        });
    }

    #[test]
    fn an_orphan_may_leave_another_one() {
        check(|| {
            let (done, said) = std::sync::mpsc::channel();
            drop(aio_core::defer(done, async |done| {
                yield_now().await;
                drop(aio_core::defer(done, telling));
            }));
            assert_eq!(said.recv().unwrap(), "aio-cleanup");
        });
    }

    #[test]
    fn cleanups_run_under_other_executors() {
        check(|| {
            let (done, said) = std::sync::mpsc::channel();
            // A scope that lives to its end does its cleanups itself.
            smol::block_on(Scope::new(async { drop(aio_core::defer(done.clone(), telling)) }));
            assert_ne!(said.recv().unwrap(), "aio-cleanup");
            let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
            tokio.block_on(async {
                Scope::new(async { drop(aio_core::defer(done.clone(), telling)) }).await;
                assert_ne!(said.recv().unwrap(), "aio-cleanup");
                let task = tokio::spawn(leave_and_stop(done.clone()));
                tokio::task::yield_now().await;
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            });
            assert_eq!(said.recv().unwrap(), "aio-cleanup");
        });
    }

    #[test]
    fn a_task_dropped_on_another_thread_is_cancelled_and_needs_no_thread() {
        check(|| {
            await_no_cleanup_thread();
            run(async {
                let task = aio_core::spawn(pending::<()>());
                let reference = task.task_ref();
                std::thread::spawn(move || drop(task)).join().unwrap();
                reference.ended().await;
            });
            assert!(!has_cleanup_thread());
        });
    }

    #[test]
    fn a_blocked_thread_waits_for_a_task_that_it_drops() {
        check(|| {
            let log = Log::default();
            run(async {
                let theirs = log.clone();
                let task = aio_core::spawn(async move {
                    let _guard = aio_core::defer(theirs, slow);
                    pending::<()>().await;
                });
                yield_now().await;
                let (ended, theirs) = (CancelScope::new(), log.clone());
                let cut = ended.clone();
                let thread = std::thread::spawn(move || {
                    aio_core::block_on(async { drop(task) });
                    theirs.note("thread");
                    cut.cancel();
                });
                ended.run(pending::<()>()).await.unwrap_err();
                thread.join().unwrap();
            });
            assert_eq!(log.take(), ["cleanup", "thread"]);
        });
    }
}
