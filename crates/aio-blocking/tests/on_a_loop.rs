//! `to_thread` on a loop of `aio`.
#![cfg(not(aio_loom))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use aio_base::live::{self, Kind, leak_check};
use aio_blocking::{Pool, PoolConfig, to_thread};
use aio_core::{ContextVar, EventLoop, ThreadPark, run, spawn, yield_now};

#[test]
fn nothing_of_the_pool_is_left_when_the_loop_has_ended() {
    leak_check(|| {
        let sum: u64 = run(async {
            let jobs: Vec<_> = (0..64u64).map(|n| spawn(to_thread(move || n))).collect();
            let mut sum = 0;
            for job in jobs {
                sum += job.await;
            }
            sum
        });
        assert_eq!(sum, 63 * 64 / 2);
        assert_eq!(live::count(Kind::Thread), 0);
        assert_eq!(live::count(Kind::Job), 0);
    });
}

#[test]
fn the_loop_goes_on_while_a_job_blocks() {
    leak_check(|| {
        run(async {
            let (gate, opened) = mpsc::channel();
            let job = spawn(to_thread(move || opened.recv().unwrap()));
            yield_now().await;
            gate.send(7).unwrap();
            assert_eq!(job.await, 7);
        });
    });
}

#[test]
fn the_end_of_the_loop_waits_for_a_job_that_runs() {
    leak_check(|| {
        let has_ended = Arc::new(AtomicBool::new(false));
        let theirs = has_ended.clone();
        let (begun, has_begun) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        let (main_runs, main_has_ended) = mpsc::channel::<()>();
        // The gate opens only after `main` is gone, so the job ends while the loop does.
        let opener = thread::spawn(move || {
            assert!(main_has_ended.recv().is_err());
            drop(gate);
        });
        run(async move {
            let _main_runs = main_runs;
            spawn(to_thread(move || {
                begun.send(()).unwrap();
                let _ = opened.recv();
                theirs.store(true, Ordering::SeqCst);
            }))
            .detach();
            yield_now().await;
            has_begun.recv().unwrap();
        });
        assert!(has_ended.load(Ordering::SeqCst));
        assert_eq!(live::count(Kind::Thread), 0);
        opener.join().unwrap();
    });
}

#[test]
fn the_job_sees_the_context_of_the_task_that_awaits_it() {
    static USER: ContextVar<&str> = ContextVar::new();
    leak_check(|| {
        run(async {
            let job = to_thread(|| {
                let inherited = USER.get();
                USER.set("thread");
                inherited
            });
            USER.set("task");
            assert_eq!(job.await, Some("task"));
            assert_eq!(USER.get(), Some("task"), "what the job sets stays with the job");
        });
    });
}

#[test]
fn the_loop_may_be_given_a_pool() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new().max_threads(1));
        EventLoop::new(ThreadPark::new()).with_local(pool).run(async {
            let jobs: Vec<_> = (0..8).map(|_| spawn(to_thread(|| thread::current().id()))).collect();
            let mut threads = std::collections::HashSet::new();
            for job in jobs {
                threads.insert(job.await);
            }
            assert_eq!(threads.len(), 1);
        });
    });
}

#[test]
fn a_job_may_run_a_loop_of_its_own() {
    leak_check(|| {
        let sum = run(to_thread(|| run(async { to_thread(|| 1).await + spawn(async { 2 }).await })));
        assert_eq!(sum, 3);
    });
}

#[test]
fn a_job_that_does_not_end_is_given_up_when_the_grace_period_is_over() {
    leak_check(|| {
        let (sender, receiver) = mpsc::channel::<()>();
        let failures = Arc::new(Mutex::new(Vec::new()));
        let log = failures.clone();
        EventLoop::new(ThreadPark::new())
            .on_failure(move |failure| log.lock().unwrap().push(failure.to_string()))
            .shutdown_grace(Duration::from_millis(20))
            .run(async move {
                let stuck = to_thread(move || receiver.recv().is_err());
                assert_eq!(to_thread(|| 1).await, 1);
                // Begun, for the pool has more than one thread.
                let mut stuck = Box::pin(stuck);
                std::future::poll_fn(|cx| Poll::Ready(stuck.as_mut().poll(cx).is_pending())).await;
                assert_eq!(to_thread(|| 2).await, 2);
            });
        assert_eq!(
            *failures.lock().unwrap(),
            ["the event loop did not end in time, and was given up:\n  1 jobs in threads of the blocking pool"]
        );
        drop(sender);
    });
}

#[test]
fn a_thread_without_a_job_is_no_job_that_does_not_end() {
    // As often as it takes to find the thread still about to end.
    for _ in 0..50 {
        leak_check(|| {
            let failures = Arc::new(Mutex::new(Vec::new()));
            let log = failures.clone();
            EventLoop::new(ThreadPark::new())
                .on_failure(move |failure| log.lock().unwrap().push(failure.to_string()))
                .shutdown_grace(Duration::ZERO)
                .run(async { assert_eq!(to_thread(|| 1).await, 1) });
            assert_eq!(*failures.lock().unwrap(), [""; 0]);
        });
    }
}
