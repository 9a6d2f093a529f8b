//! Jobs that are dropped before they are ready.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use aio_base::live::{self, Kind, leak_check};
use aio_blocking::{Pool, PoolConfig, ToThread, to_thread};
use aio_core::{all_tasks, now, spawn, yield_now};
use aio_test::jobs::Jobs;
use aio_timer::sleep;

use crate::seeded::{Log, run, run_with};

async fn begin<T>(job: &mut ToThread<T>) {
    poll_fn(|cx| {
        assert!(Pin::new(&mut *job).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

async fn settle() {
    while all_tasks().len() > 1 {
        yield_now().await;
    }
}

#[test]
fn a_job_that_is_dropped_before_its_step_never_runs_and_leaves_nothing() {
    leak_check(|| {
        for seed in 0..50 {
            run(seed, &Log::default(), async {
                let closure = Arc::new(());
                let theirs = closure.clone();
                let mut job = to_thread(move || {
                    drop(theirs);
                    panic!("it was dropped");
                });
                begin(&mut job).await;
                drop(job);
                assert_eq!(Arc::strong_count(&closure), 1, "dropped there and then");
                settle().await;
                assert_eq!(live::count(Kind::Job), 0);
                assert_eq!(live::count(Kind::Thread), 0, "none was needed");
            });
        }
    });
}

#[test]
fn a_job_that_is_dropped_after_its_step_has_run() {
    leak_check(|| {
        for seed in 0..20 {
            run(seed, &Log::default(), async {
                let result = Arc::new(());
                let theirs = result.clone();
                let mut job = to_thread(move || theirs);
                begin(&mut job).await;
                settle().await;
                assert_eq!(Arc::strong_count(&result), 2);
                drop(job);
                assert_eq!(Arc::strong_count(&result), 1);
            });
        }
    });
}

#[test]
fn a_task_cancelled_while_its_job_waits_may_be_before_or_after_the_job() {
    leak_check(|| {
        let mut n_ran = 0;
        for seed in 0..100 {
            let ran = Arc::new(AtomicUsize::new(0));
            run(seed, &Log::default(), async {
                let theirs = ran.clone();
                let task = spawn(to_thread(move || theirs.fetch_add(1, Ordering::Relaxed)));
                yield_now().await;
                yield_now().await;
                task.cancel();
                let has_run = ran.load(Ordering::Relaxed) == 1;
                let outcome = task.join().await;
                // The cancellation goes first, also where the result is there.
                assert!(has_run || outcome.is_err());
                settle().await;
            });
            n_ran += ran.load(Ordering::Relaxed);
        }
        assert!(0 < n_ran && n_ran < 100, "{n_ran}");
    });
}

#[test]
fn a_job_that_is_dropped_while_it_is_slow_never_runs_and_no_time_passes() {
    leak_check(|| {
        let jobs = Jobs::new().delay(|| Duration::from_secs(3600));
        run_with(jobs, 1, &Log::default(), async {
            let begin_time = now();
            let mut job = to_thread(|| panic!("it was dropped"));
            begin(&mut job).await;
            sleep(Duration::from_secs(1)).await;
            drop(job);
            settle().await;
            sleep(Duration::from_secs(1)).await;
            assert_eq!(now() - begin_time, Duration::from_secs(2));
        });
    });
}

#[test]
fn a_job_that_is_dropped_makes_room_for_the_next() {
    leak_check(|| {
        for seed in 0..20 {
            let jobs = Jobs::new().delay(|| Duration::from_secs(10));
            run_with(jobs, seed, &Log::default(), async {
                let begin_time = now();
                let pool = Pool::new(PoolConfig::new().max_threads(1));
                let (mut first, mut second) = (pool.run(|| 1), pool.run(|| 2));
                begin(&mut first).await;
                begin(&mut second).await;
                sleep(Duration::from_secs(1)).await;
                drop(first);
                assert_eq!(second.await, 2);
                assert_eq!(now() - begin_time, Duration::from_secs(11));
            });
        }
    });
}
