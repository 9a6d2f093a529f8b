//! Models of a loop with two workers. Each has as little as shows the race: the two threads alone have many schedules.

use std::future::{pending, poll_fn};
use std::task::Poll;

use aio_base::sync::atomic::{AtomicBool, Ordering};
use aio_base::sync::{Arc, Mutex};

use super::{assert_freed, give_waker, shared, start};
use crate::{EventLoop, ThreadPark, block_in_place, defer, local, spawn, yield_now};

fn model(test: impl Fn() + Send + Sync + 'static) {
    model_with(2, test);
}

/// Where a third thread takes part, a second preemption is too much.
fn model_with(preemptions: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(model.preemption_bound.unwrap_or(preemptions).min(preemptions));
    model.max_branches = 20_000;
    model.check(test);
}

fn run<F: Future>(main: F) -> F::Output {
    EventLoop::with_workers(2, ThreadPark::new).run(main)
}

/// Has the second worker look for what is ready here.
fn call_the_other() {
    block_in_place(|| ());
}

/// The second worker begins while the loop ends, for a task that either of them may run.
#[test]
fn a_worker_that_begins_while_the_loop_ends_ends_with_it() {
    model(|| {
        let loop_ = run(async {
            spawn(async {}).detach();
            call_the_other();
            shared()
        });
        assert_freed(loop_);
    });
}

/// Whoever takes it, the first worker sleeps meanwhile or has it itself.
#[test]
fn a_task_that_either_worker_runs_is_joined() {
    model(|| {
        let loop_ = run(async {
            let task = spawn(async { 5 });
            call_the_other();
            assert_eq!(task.await, 5);
            shared()
        });
        assert_freed(loop_);
    });
}

/// The task may be new, waiting, or being polled by the other worker when it is cancelled. Its cleanup comes before its
/// end.
#[test]
fn a_task_that_is_cancelled_elsewhere_ends_after_its_cleanup() {
    model(|| {
        let loop_ = run(async {
            let cleaned = Arc::new(AtomicBool::new(true));
            let theirs = cleaned.clone();
            let task = spawn(async move {
                theirs.store(false, Ordering::Relaxed);
                let _guard = defer(theirs, async |theirs| theirs.store(true, Ordering::Relaxed));
                pending::<()>().await;
            });
            call_the_other();
            task.cancel();
            assert!(task.join().await.unwrap_err().is_cancelled());
            assert!(cleaned.load(Ordering::Relaxed));
            shared()
        });
        assert_freed(loop_);
    });
}

/// The task waits, on the second worker or on the first, when `main` has finished; nobody but the end of the loop
/// wakes it.
#[test]
fn a_task_that_waits_elsewhere_ends_with_the_loop() {
    model(|| {
        let loop_ = run(async {
            spawn(pending::<()>()).detach();
            call_the_other();
            shared()
        });
        assert_freed(loop_);
    });
}

/// A task that whichever worker runs spawns a local one there, which the first worker wakes.
#[test]
fn a_local_task_of_another_worker_is_woken() {
    model(|| {
        let loop_ = run(async {
            let given = Arc::new(Mutex::new((None, None)));
            let theirs = given.clone();
            let task = spawn(async move {
                local::spawn(give_waker(move |waker| {
                    let main = {
                        let mut given = theirs.lock();
                        given.0 = Some(waker);
                        given.1.take()
                    };
                    main.into_iter().for_each(std::task::Waker::wake);
                }))
                .detach();
            });
            call_the_other();
            let waker = poll_fn(|cx| {
                let mut given = given.lock();
                if let Some(waker) = given.0.take() {
                    return Poll::Ready(waker);
                }
                given.1 = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            waker.wake();
            task.await;
            shared()
        });
        assert_freed(loop_);
    });
}

/// The wake comes from a thread that is none of the workers, before, while and after both go to sleep.
#[test]
fn a_wake_from_outside_while_both_workers_fall_asleep_is_seen() {
    model_with(1, || {
        let (other, loop_) = run(async {
            let other = Arc::new(Mutex::new(None));
            let theirs = other.clone();
            let task = spawn(give_waker(move |waker| *theirs.lock() = Some(start(move || waker.wake()))));
            call_the_other();
            task.await;
            let other = other.lock().take();
            (other, shared())
        });
        other.unwrap().join().unwrap();
        assert_freed(loop_);
    });
}

/// The spawn comes before, while and after the loop ends; with two workers, of which the second begins for it.
#[test]
fn a_task_spawned_from_outside_runs_or_is_cancelled() {
    model(|| {
        let (other, loop_) = run(async {
            let handle = crate::Handle::current();
            (start(move || handle.spawn(yield_now())), shared())
        });
        let task = other.join().unwrap();
        assert!(task.is_finished());
        drop(task);
        assert_freed(loop_);
    });
}
