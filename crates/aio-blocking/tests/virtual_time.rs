//! `to_thread` on a loop with a clock of its own.
#![cfg(not(aio_loom))]

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_blocking::{Pool, PoolConfig, ToThread, to_thread};
use aio_core::{EventLoop, ThreadPark, VirtualTime, now, spawn, yield_now};
use aio_timer::{Timers, sleep};

const HOUR: Duration = Duration::from_secs(3600);

/// Longer than the loop takes to park, and to move a clock that it should not move.
const A_WHILE: Duration = Duration::from_millis(20);

/// Runs `main`, in which no deadlock is to be seen.
fn run<F: Future>(main: F) -> F::Output {
    let virtual_time = VirtualTime::new(ThreadPark::new()).on_deadlock(|| panic!("it is no deadlock"));
    EventLoop::new(Timers::new(virtual_time)).run(main)
}

async fn begin<T>(job: &mut ToThread<T>) {
    poll_fn(|cx| {
        assert!(std::pin::Pin::new(&mut *job).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[test]
fn no_time_passes_while_a_job_runs_and_it_goes_on_afterwards() {
    leak_check(|| {
        run(async {
            let begin = now();
            let sleeper = spawn(async {
                sleep(HOUR).await;
                now()
            });
            // clock: to block is what the job does
            to_thread(|| thread::sleep(A_WHILE)).await;
            assert_eq!(now(), begin);
            assert_eq!(sleeper.await - begin, HOUR);
        });
    });
}

#[test]
fn no_time_passes_while_a_job_waits_for_a_thread() {
    leak_check(|| {
        run(async {
            let pool = Pool::new(PoolConfig::new().max_threads(1));
            let begin = now();
            let sleeper = spawn(sleep(HOUR));
            // clock: to block is what the job does
            let jobs: Vec<_> = (0..3).map(|_| spawn(pool.run(|| thread::sleep(A_WHILE / 4)))).collect();
            for job in jobs {
                job.await;
                assert_eq!(now(), begin);
            }
            assert!(!sleeper.is_finished());
        });
    });
}

#[test]
fn a_job_that_is_not_done_is_no_deadlock() {
    leak_check(|| {
        // clock: to block is what the job does
        run(to_thread(|| thread::sleep(A_WHILE)));
    });
}

#[test]
fn a_job_whose_awaiter_is_gone_still_holds_the_clock() {
    leak_check(|| {
        run(async {
            let begin_time = now();
            let (waker, ran) = (poll_fn(|cx| Poll::Ready(cx.waker().clone())).await, Arc::new(AtomicUsize::new(0)));
            let (begun, has_begun) = mpsc::channel();
            let theirs = ran.clone();
            let mut job = to_thread(move || {
                begun.send(()).unwrap();
                // clock: to block is what the job does
                thread::sleep(A_WHILE);
                theirs.store(1, Ordering::Relaxed);
                waker.wake();
            });
            begin(&mut job).await;
            has_begun.recv().unwrap();
            drop(job);
            let sleeper = spawn(sleep(HOUR));
            poll_fn(|_| if ran.load(Ordering::Relaxed) == 1 { Poll::Ready(()) } else { Poll::Pending }).await;
            assert_eq!(now(), begin_time);
            drop(sleeper);
        });
    });
}

/// Whether the clock moves, though the jobs before this have not all been run.
async fn assert_that_time_goes_on() {
    let (begin, real) = (now(), Instant::now());
    sleep(HOUR).await;
    assert_eq!(now() - begin, HOUR);
    assert!(real.elapsed() < HOUR);
}

#[test]
fn a_job_that_was_taken_back_does_not_hold_the_clock() {
    leak_check(|| {
        run(async {
            let pool = Pool::new(PoolConfig::new().max_threads(1));
            let (gate, opened) = mpsc::channel::<()>();
            let mut busy = pool.run(move || {
                let _ = opened.recv();
            });
            begin(&mut busy).await;
            let mut cancelled = pool.run(|| panic!("it was cancelled"));
            begin(&mut cancelled).await;
            drop(cancelled);
            drop(gate);
            busy.await;
            assert_that_time_goes_on().await;
        });
    });
}

#[test]
fn a_job_that_panicked_does_not_hold_the_clock() {
    leak_check(|| {
        run(async {
            let job = spawn(to_thread(|| panic!("oh")));
            assert!(job.join().await.is_err());
            assert_that_time_goes_on().await;
        });
    });
}

#[test]
fn a_job_refused_by_a_pool_that_is_dropped_does_not_hold_the_clock() {
    leak_check(|| {
        run(async {
            let pool = Pool::new(PoolConfig::new().max_threads(1));
            let (gate, opened) = mpsc::channel::<()>();
            let (begun, has_begun) = mpsc::channel();
            let busy = spawn(pool.run(move || {
                begun.send(()).unwrap();
                let _ = opened.recv();
            }));
            let refused = spawn(pool.run(|| ()));
            yield_now().await;
            has_begun.recv().unwrap();
            drop(gate);
            drop(pool);
            busy.await;
            let _ = refused.join().await;
            assert_that_time_goes_on().await;
        });
    });
}

#[test]
fn a_deadlock_is_seen_when_all_jobs_are_done() {
    leak_check(|| {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let virtual_time = VirtualTime::new(ThreadPark::new()).on_deadlock(move || {
            count.fetch_add(1, Ordering::Relaxed);
            aio_core::all_tasks().into_iter().for_each(|task| task.cancel());
        });
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            EventLoop::new(virtual_time).run(async {
                to_thread(|| ()).await;
                std::future::pending::<()>().await;
            });
        }));
        assert!(outcome.is_err());
        assert_eq!(seen.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn many_jobs_and_sleepers_take_exactly_the_time_of_the_sleepers() {
    leak_check(|| {
        run(async {
            let begin = now();
            let tasks: Vec<_> = (0..20)
                .map(|n| {
                    spawn(async move {
                        for _ in 0..20 {
                            to_thread(|| ()).await;
                            sleep(Duration::from_millis(n)).await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await;
            }
            assert_eq!(now() - begin, Duration::from_millis(20 * 19));
        });
    });
}
