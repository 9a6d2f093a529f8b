//! One loop that runs several futures, and reaching a loop from elsewhere.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;

use aio_core::{
    ContextVar, EventLoop, Handle, Reason, ThreadPark, block_on, current_task, defer, local, run, spawn, yield_now,
};
use common::check;
use log::Log;

fn event_loop() -> EventLoop<ThreadPark> {
    EventLoop::new(ThreadPark::new())
}

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

#[test]
fn tasks_that_are_left_go_on_in_the_next_run() {
    check(|| {
        let log = Log::default();
        let mut event_loop = event_loop();
        let text = String::from("borrowed");
        let (one, two) = event_loop
            .run_until_complete(async {
                let (mine, theirs) = (log.clone(), log.clone());
                let one = spawn(async move {
                    turns(2).await;
                    mine.note("one");
                    1
                });
                let two = local::spawn(async move {
                    turns(2).await;
                    theirs.note("two");
                    2
                });
                assert_eq!(text, "borrowed");
                (one, two)
            })
            .unwrap();
        assert!(!one.is_finished() && !two.is_finished());
        log.note("between");
        let sum = event_loop.run_until_complete(async { one.await + two.await }).unwrap();
        assert_eq!(sum, 3);
        assert_eq!(log.take(), ["between", "one", "two"]);
        event_loop.close();
    });
}

#[test]
fn a_task_that_is_dropped_between_two_runs_is_cancelled_in_the_next() {
    check(|| {
        let log = Log::default();
        let mut event_loop = event_loop();
        let tasks = event_loop
            .run_until_complete(async {
                let guarded = |name: &'static str| {
                    let log = log.clone();
                    async move {
                        let _guard = defer(log, async move |log: Log| {
                            yield_now().await;
                            log.note(name);
                        });
                        pending::<()>().await;
                    }
                };
                let tasks = (spawn(guarded("shared")), local::spawn(guarded("local")));
                yield_now().await;
                tasks
            })
            .unwrap();
        drop(tasks);
        assert_eq!(log.take(), [""; 0]);
        event_loop.run_until_complete(turns(4)).unwrap();
        let mut ended = log.take();
        ended.sort();
        assert_eq!(ended, ["local", "shared"]);
    });
}

#[test]
fn dropping_a_loop_ends_what_is_left() {
    check(|| {
        let log = Log::default();
        let mut event_loop = event_loop();
        event_loop
            .run_until_complete(async {
                let theirs = log.clone();
                spawn(async move {
                    let _guard = defer(theirs, async |log: Log| {
                        yield_now().await;
                        log.note("cleaned up");
                    });
                    pending::<()>().await;
                })
                .detach();
                yield_now().await;
            })
            .unwrap();
        assert_eq!(log.take(), [""; 0]);
        drop(event_loop);
        assert_eq!(log.take(), ["cleaned up"]);
    });
}

#[test]
fn context_variables_keep_what_a_run_has_set() {
    static USER: ContextVar<&str> = ContextVar::new();
    check(|| {
        let mut event_loop = event_loop();
        event_loop.run_until_complete(async { USER.set("ada") }).unwrap();
        assert_eq!(USER.get(), None);
        assert_eq!(event_loop.run_until_complete(async { USER.get() }).unwrap(), Some("ada"));
        // A run that panics leaves them as they were.
        let error = event_loop.run_until_complete(async {
            USER.set("grace");
            panic!("oh");
        });
        assert!(error.unwrap_err().is_panic());
        assert_eq!(event_loop.run_until_complete(async { USER.get() }).unwrap(), Some("ada"));
    });
}

#[test]
fn a_run_that_panics_leaves_the_loop_usable() {
    check(|| {
        let mut event_loop = event_loop();
        let (other,) = event_loop.run_until_complete(async { (spawn(turns(3)),) }).unwrap();
        let error = event_loop.run_until_complete(async { panic!("oh") }).map(|(): ()| ()).unwrap_err();
        assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"oh"));
        event_loop.run_until_complete(other).unwrap();
    });
}

#[test]
fn a_main_that_is_cancelled_is_told_from_one_that_panics() {
    check(|| {
        let mut event_loop = event_loop();
        let error = event_loop
            .run_until_complete(async {
                current_task().unwrap().cancel_with(Reason::Interrupted);
                yield_now().await;
            })
            .unwrap_err();
        assert_eq!(error.reason(), Some(&Reason::Interrupted));
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run(async {
                current_task().unwrap().cancel();
                yield_now().await;
            });
        }))
        .unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "the main task of the loop was cancelled");
    });
}

#[test]
fn a_loop_does_not_run_inside_of_another_one() {
    check(|| {
        let panic = catch_unwind(|| run(async { drop(event_loop().run_until_complete(async {})) })).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("inside of the loop that was started at"));
    });
}

#[test]
fn another_thread_spawns_and_waits() {
    check(|| {
        run(async {
            let handle = Handle::current();
            let (sender, receiver) = mpsc::channel();
            let thread = thread::spawn(move || {
                let here = thread::current().id();
                let task = handle.spawn(async move {
                    yield_now().await;
                    assert_ne!(thread::current().id(), here);
                    42
                });
                assert!(task.spawned_at().file() == file!());
                sender.send(block_on(task)).unwrap();
                // A panic and a cancellation come back as well.
                assert!(block_on(handle.spawn(async { panic!("oh") }).join()).map(|(): ()| ()).unwrap_err().is_panic());
                let task = handle.spawn(pending::<()>());
                task.cancel_with("enough");
                assert_eq!(block_on(task.join()).unwrap_err().reason(), Some(&Reason::from("enough")));
                // Dropping it cancels, as everywhere.
                drop(handle.spawn(pending::<()>()));
            });
            while !thread.is_finished() {
                yield_now().await;
            }
            thread.join().unwrap();
            assert_eq!(receiver.recv(), Ok(42));
        });
    });
}

#[test]
fn what_is_spawned_after_the_end_of_the_loop_is_cancelled_and_dropped() {
    check(|| {
        let held = std::sync::Arc::new(());
        let handle = run(async { Handle::current() });
        let theirs = held.clone();
        let task = handle.spawn(async move { drop(theirs) });
        assert!(task.is_finished());
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        assert_eq!(block_on(task.join()).unwrap_err().reason(), Some(&Reason::Shutdown));
        assert!(Handle::try_current().is_none());
    });
}

#[test]
fn what_is_spawned_between_two_runs_waits_for_the_next() {
    check(|| {
        let mut event_loop = event_loop();
        let task = event_loop.handle().spawn(async { 7 });
        assert!(!task.is_finished());
        assert_eq!(event_loop.run_until_complete(task).unwrap(), 7);
    });
}

#[test]
fn what_cleanups_spawn_while_the_loop_ends_is_ended_too() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            spawn(async move {
                let _guard = defer(theirs, async |log: Log| {
                    spawn(async move {
                        let _guard = defer(log, async |log: Log| {
                            yield_now().await;
                            log.note("the late one cleaned up");
                        });
                        pending::<()>().await;
                    })
                    .detach();
                    // It begins.
                    yield_now().await;
                });
                pending::<()>().await;
            })
            .detach();
            yield_now().await;
        });
        assert_eq!(log.take(), ["the late one cleaned up"]);
    });
}

/// As in asyncio: what is ready in the turn in which the main future ends runs as well, however much it is.
#[test]
fn the_end_of_main_does_not_cut_its_turn_short() {
    check(|| {
        const MANY: usize = 1_000;
        let woken = Rc::new(Cell::new(0));
        let mut event_loop = event_loop();
        event_loop
            .run_until_complete(async {
                let wakers = Rc::new(RefCell::new(Vec::new()));
                for _ in 0..MANY {
                    let (wakers, woken) = (wakers.clone(), woken.clone());
                    local::spawn(async move {
                        let mut first = true;
                        poll_fn(|cx| {
                            if !std::mem::take(&mut first) {
                                woken.set(woken.get() + 1);
                                return Poll::Ready(());
                            }
                            wakers.borrow_mut().push(cx.waker().clone());
                            Poll::Pending
                        })
                        .await;
                    })
                    .detach();
                }
                yield_now().await;
                // This comes before all of them in the next turn.
                let next = yield_now();
                let mut next = std::pin::pin!(next);
                poll_fn(|cx| {
                    let poll = next.as_mut().poll(cx);
                    wakers.take().into_iter().for_each(Waker::wake);
                    poll
                })
                .await;
            })
            .unwrap();
        assert_eq!(woken.get(), MANY);
        event_loop.close();
    });
}
