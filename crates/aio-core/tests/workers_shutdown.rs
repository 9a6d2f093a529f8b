//! The end of a loop that runs on several threads.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/crew.rs"]
mod crew;
#[path = "common/log.rs"]
mod log;

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use aio_base::live::{ENABLED, Kind, count};
use aio_core::{Builder, Handle, Reason, Task, block_on, cancel_reason, defer, local, loop_local, spawn, yield_now};
use common::check;
use crew::{elsewhere, here, hop, occupy_other, on_each, turns, wait_for, workers};
use log::Log;

fn sorted(log: &Log) -> Vec<String> {
    let mut log = log.take();
    log.sort();
    log
}

/// Notes how it was cancelled, after some turns.
async fn forever(log: Log, name: &'static str) {
    let _guard = defer(log, async move |log: Log| {
        turns(3).await;
        log.note(format!("{name}: {}", cancel_reason().unwrap()));
    });
    pending::<()>().await;
}

#[test]
fn everything_on_all_workers_is_cancelled_and_all_threads_are_joined() {
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        workers(3).run(async move {
            on_each(3, move || {
                spawn(forever(theirs.clone(), "shared")).detach();
                local::spawn(forever(theirs.clone(), "local")).detach();
                // These have not begun when they are cancelled, or have.
                spawn(pending::<()>()).detach();
            })
            .await;
            if ENABLED {
                assert_eq!(count(Kind::Thread), 2);
            }
            turns(5).await;
            // Wherever they are, they begin.
            on_each(3, || ()).await;
            on_each(3, || ()).await;
        });
        if ENABLED {
            assert_eq!((count(Kind::Thread), count(Kind::Task)), (0, 0));
        }
        let log = sorted(&log);
        assert!(log.len() <= 6 && log.iter().all(|line| line.ends_with(": the event loop ends")), "{log:?}");
        assert!(log.len() >= 3, "{log:?}");
    });
}

#[test]
fn what_is_spawned_while_it_is_cancelled_is_ended_too() {
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        workers(3).run(async move {
            let begun = Arc::new(AtomicUsize::new(0));
            let counted = begun.clone();
            on_each(3, move || {
                let (log, begun) = (theirs.clone(), counted.clone());
                local::spawn(async move {
                    let _guard = defer(log, async |log: Log| {
                        let (one, two) = (spawn(forever(log.clone(), "late")), log.clone());
                        local::spawn(forever(two, "late")).detach();
                        turns(2).await;
                        one.detach();
                        log.note("early");
                    });
                    begun.fetch_add(1, Ordering::SeqCst);
                    pending::<()>().await;
                })
                .detach();
            })
            .await;
            while begun.load(Ordering::SeqCst) < 3 {
                yield_now().await;
            }
        });
        let log = log.take();
        assert_eq!(log.iter().filter(|line| *line == "early").count(), 3, "{log:?}");
        // Those that had begun before they were cancelled have cleaned up.
        assert!(log.iter().all(|line| line == "early" || line == "late: the event loop ends"), "{log:?}");
    });
}

#[test]
fn cleanups_wait_for_tasks_of_other_workers() {
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        workers(2).run(async move {
            let mine = theirs.clone();
            let local_there = elsewhere(move || {
                let task = local::spawn(forever(mine, "first"));
                let reference = task.task_ref();
                task.detach();
                reference
            })
            .await;
            let begun = Arc::new(AtomicBool::new(false));
            let begins = begun.clone();
            spawn(async move {
                let _guard = defer((theirs, local_there), async |(log, there): (Log, aio_core::TaskRef)| {
                    there.ended().await;
                    log.note("then");
                    // A new one, on whichever worker: it is not cancelled before those that there were have ended.
                    spawn(turns(2)).await;
                    hop().await;
                    log.note("last");
                });
                begins.store(true, Ordering::SeqCst);
                pending::<()>().await;
            })
            .detach();
            while !begun.load(Ordering::SeqCst) {
                yield_now().await;
            }
            elsewhere(|| ()).await;
            elsewhere(|| ()).await;
        });
        let log = log.take();
        assert_eq!(log[log.len() - 2..], ["then", "last"]);
    });
}

#[test]
fn a_grace_period_bounds_what_is_stuck_on_any_worker() {
    check(|| {
        let reports = Log::default();
        let theirs = reports.clone();
        let event_loop = workers(3).shutdown_grace(Duration::from_millis(5));
        event_loop.on_failure(move |failure| theirs.note(failure.to_string())).run(async {
            let begun = Arc::new(AtomicUsize::new(0));
            let counted = begun.clone();
            on_each(3, move || {
                let stuck = || {
                    let begun = counted.clone();
                    async move {
                        let _guard = defer((), async |()| pending().await);
                        begun.fetch_add(1, Ordering::SeqCst);
                        pending::<()>().await;
                    }
                };
                local::spawn(stuck()).detach();
                spawn(stuck()).detach();
            })
            .await;
            while begun.load(Ordering::SeqCst) < 6 {
                yield_now().await;
            }
        });
        let reports = reports.take();
        assert_eq!(reports.len(), 6, "{reports:?}");
        assert!(reports.iter().all(|report| report.contains("did not end in time, and was given up:")), "{reports:?}");
    });
}

/// A waker that is called on the other one of two workers, when a task there has ended. It waits until the loop
/// believes that all has, and then calls `then`.
struct Late<F>(ThreadId, Handle, F);

impl<F: Fn() + Send + Sync> Wake for Late<F> {
    fn wake(self: Arc<Self>) {
        if here() != self.0 {
            wait_for(&self.1, "stopping: true");
            (self.2)();
        }
    }
}

/// Has `then` called on the other one of two workers when all seems to have ended.
async fn comes_late(kept: Arc<Mutex<Vec<Task<()>>>>, then: impl Fn() + Send + Sync + 'static) {
    let waker = Waker::from(Arc::new(Late(here(), Handle::current(), then)));
    let barrier = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let barrier = barrier.clone();
        let mut task = spawn(async move {
            barrier.wait();
        });
        assert!(task.poll_finished(&mut Context::from_waker(&waker)).is_pending());
        kept.lock().unwrap().push(task);
    }
    while kept.lock().unwrap().iter().any(|task| !task.is_finished()) {
        yield_now().await;
    }
}

#[test]
fn what_comes_when_all_seemed_to_have_ended_is_ended_too() {
    check(|| {
        let (log, kept) = (Log::default(), Arc::default());
        let theirs = log.clone();
        workers(2).run(comes_late(Arc::clone(&kept), move || {
            // They begin at once, to have something to clean up.
            Builder::new().eager(true).spawn_local(forever(theirs.clone(), "local")).detach();
            Builder::new().eager(true).spawn(forever(theirs.clone(), "shared")).detach();
        }));
        assert_eq!(sorted(&log), ["local: the event loop ends", "shared: the event loop ends"]);
    });
}

#[test]
fn the_grace_period_is_for_what_comes_last_as_well() {
    check(|| {
        let (reports, kept) = (Log::default(), Arc::default());
        let theirs = reports.clone();
        let event_loop = workers(2).shutdown_grace(Duration::from_millis(5));
        event_loop.on_failure(move |failure| theirs.note(failure.to_string())).run(comes_late(
            Arc::clone(&kept),
            || {
                let stuck = || async {
                    let _guard = defer((), async |()| pending().await);
                    pending::<()>().await;
                };
                Builder::new().name("stuck").eager(true).spawn_local(stuck()).detach();
                Builder::new().name("stuck").eager(true).spawn(stuck()).detach();
            },
        ));
        let reports = reports.take();
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert!(reports.iter().all(|report| report.starts_with("task `stuck` ")), "{reports:?}");
    });
}

#[test]
fn an_output_that_nobody_takes_is_dropped_before_its_task_counts_as_ended() {
    struct Output(Handle, mpsc::Sender<String>);
    impl Drop for Output {
        fn drop(&mut self) {
            wait_for(&self.0, "closing: true");
            // What it says of the loop while others have time to end it.
            for _ in 0..100 {
                thread::yield_now();
            }
            self.1.send(format!("{:?}", self.0)).unwrap();
        }
    }
    check(|| {
        let (sender, receiver) = mpsc::channel();
        workers(2).run(async move {
            let (from, barrier) = (here(), Arc::new(Barrier::new(2)));
            for _ in 0..2 {
                let (barrier, sender) = (barrier.clone(), sender.clone());
                spawn(async move {
                    barrier.wait();
                    (here() != from).then(|| Output(Handle::current(), sender))
                })
                .detach();
            }
            while Arc::strong_count(&barrier) > 1 {
                yield_now().await;
            }
        });
        let report = receiver.recv().unwrap();
        assert!(report.starts_with("Handle { tasks: 1, injected: 0, closing: true, stopping: false"), "{report}");
    });
}

#[test]
fn what_other_threads_spawn_runs_or_is_cancelled_by_the_end() {
    check(|| {
        for n in [1, 2, 3] {
            for round in 0..20 {
                let mut event_loop = workers(n);
                let (handle, over) = (event_loop.handle(), Arc::new(AtomicBool::new(false)));
                let start = Arc::new(Barrier::new(3));
                let threads: Vec<_> = (0..2)
                    .map(|_| {
                        let (handle, start, over) = (handle.clone(), start.clone(), over.clone());
                        thread::spawn(move || {
                            start.wait();
                            let (mut ran, mut cancelled) = (0, 0);
                            while !over.load(Ordering::SeqCst) || ran + cancelled < 20 {
                                match block_on(handle.spawn(turns(ran % 3)).join()) {
                                    Ok(()) => ran += 1,
                                    Err(error) => {
                                        assert_eq!(error.reason(), Some(&Reason::Shutdown));
                                        cancelled += 1;
                                    }
                                }
                            }
                            // After the end they are refused.
                            assert!(block_on(handle.spawn(async {}).join()).is_err());
                            ran + cancelled
                        })
                    })
                    .collect();
                event_loop
                    .run_until_complete(async {
                        start.wait();
                        turns(round * 10).await;
                    })
                    .unwrap();
                event_loop.close();
                over.store(true, Ordering::SeqCst);
                for thread in threads {
                    assert!(thread.join().unwrap() >= 20);
                }
            }
        }
    });
}

#[test]
fn tasks_references_and_wakers_outlive_the_loop() {
    check(|| {
        let wakers = Arc::new(Mutex::new(Vec::<Waker>::new()));
        let collected = wakers.clone();
        let (handle, kept) = workers(3).run(async move {
            let kept = on_each(3, move || {
                let give = || {
                    let wakers = collected.clone();
                    poll_fn(move |cx| {
                        wakers.lock().unwrap().push(cx.waker().clone());
                        Poll::<()>::Pending
                    })
                };
                let local = local::spawn(give());
                let local_ref = local.task_ref();
                local.detach();
                (spawn(give()), local_ref, spawn(async { String::from("output") }))
            })
            .await;
            on_each(3, || ()).await;
            (Handle::current(), kept)
        });
        let thread = thread::spawn(move || {
            for waker in wakers.lock().unwrap().drain(..) {
                waker.wake_by_ref();
                drop(waker.clone());
                waker.wake();
            }
            for (shared, local, finished) in kept {
                assert!(shared.is_finished() && local.is_finished() && finished.is_finished());
                local.cancel();
                block_on(local.ended());
                assert_eq!(block_on(shared.join()).unwrap_err().reason(), Some(&Reason::Shutdown));
                match block_on(finished.join()) {
                    Ok(output) => assert_eq!(output, "output"),
                    Err(error) => assert_eq!(error.reason(), Some(&Reason::Shutdown)),
                }
            }
            assert!(
                format!("{handle:?}").contains("tasks: 0, injected: 0, closing: true, stopping: true"),
                "{handle:?}"
            );
        });
        thread.join().unwrap();
    });
}

#[test]
fn a_panic_of_main_comes_after_the_end_of_all_workers() {
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            workers(2).run(async move {
                let begun = Arc::new(AtomicBool::new(false));
                let begins = begun.clone();
                elsewhere(move || {
                    local::spawn(async move {
                        begins.store(true, Ordering::SeqCst);
                        forever(theirs, "there").await;
                    })
                    .detach();
                })
                .await;
                while !begun.load(Ordering::SeqCst) {
                    yield_now().await;
                }
                panic!("main")
            })
        }))
        .map(|(): ()| ())
        .unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"main"));
        assert_eq!(log.take(), ["there: the event loop ends"]);
    });
}

#[test]
fn values_of_the_loop_are_dropped_after_all_workers_have_ended() {
    struct Value(Log);
    impl Drop for Value {
        fn drop(&mut self) {
            let live = if ENABLED { count(Kind::Thread) } else { 0 };
            self.0.note(format!("value, {live} threads"));
            // What it leaves is ended by the one worker that is left.
            let log = self.0.clone();
            Builder::new().eager(true).spawn(forever(log.clone(), "shared")).detach();
            Builder::new().eager(true).spawn_local(forever(log, "local")).detach();
        }
    }
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        workers(2).run(async move {
            elsewhere(move || drop(loop_local(|| Value(theirs)))).await;
        });
        let log = log.take();
        assert_eq!(log[0], "value, 0 threads");
        assert_eq!(log.len(), 3, "{log:?}");
    });
}

#[test]
fn a_loop_that_is_dropped_or_closed_without_a_run_ends_what_was_spawned() {
    check(|| {
        for close in [false, true] {
            let event_loop = workers(2);
            let handle = event_loop.handle();
            let tasks: Vec<Task<()>> = (0..3).map(|_| handle.spawn(pending())).collect();
            if close {
                event_loop.close();
            } else {
                drop(event_loop);
            }
            for task in tasks {
                assert_eq!(block_on(task.join()).unwrap_err().reason(), Some(&Reason::Shutdown));
            }
        }
    });
}

#[test]
fn a_worker_in_the_middle_of_a_poll_is_waited_for() {
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        let (home, mut event_loop) = (here(), workers(2));
        let handle = event_loop.handle();
        let occupied = event_loop.run_until_complete(occupy_other()).unwrap();
        let thread = thread::spawn(move || {
            wait_for(&handle, "closing: true");
            theirs.note("it may end");
            drop(occupied);
        });
        event_loop.close();
        log.note("it has ended");
        thread.join().unwrap();
        assert_eq!((log.take(), here()), (vec!["it may end".to_owned(), "it has ended".to_owned()], home));
    });
}
