//! The same seed gives the same log.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_blocking::{Pool, PoolConfig, to_thread};
use aio_core::{local, now, spawn, yield_now};
use aio_test::jobs::Jobs;
use aio_timer::sleep;

use crate::seeded::{Log, run, run_with};

/// Several jobs and tasks, which note what they do.
async fn program(log: Log) {
    let begin = now();
    let from_jobs = Arc::new(Mutex::new(Vec::new()));
    let pool = Arc::new(Pool::new(PoolConfig::new().max_threads(2)));
    let mut tasks = Vec::new();
    for n in 0..3u32 {
        let (log, from_jobs, pool) = (log.clone(), from_jobs.clone(), pool.clone());
        tasks.push(local::spawn(async move {
            let theirs = from_jobs.clone();
            let double = to_thread(move || {
                theirs.lock().unwrap().push(format!("job {n}"));
                2 * n
            });
            log.note(format!("doubled {}", double.await));
            sleep(Duration::from_millis(u64::from(n % 2))).await;
            let theirs = from_jobs.clone();
            pool.run(move || theirs.lock().unwrap().push(format!("pooled job {n}"))).await;
            yield_now().await;
            log.note(format!("{n} at {:?}", now() - begin));
        }));
    }
    // These are not told from each other by the log of the jobs if a job runs beside them.
    let counters: Vec<_> = (0..2)
        .map(|n| {
            let (log, from_jobs) = (log.clone(), from_jobs.clone());
            local::spawn(async move {
                for _ in 0..4 {
                    let seen = from_jobs.lock().unwrap().len();
                    log.note(format!("{n} sees {seen}"));
                    yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await;
    }
    for counter in counters {
        counter.await;
    }
    log.note(from_jobs.lock().unwrap().join(", "));
}

fn log_of(seed: u64) -> Vec<String> {
    let log = Log::default();
    run(seed, &log, program(log.clone()));
    log.take()
}

#[test]
fn the_same_seed_gives_the_same_log_a_thousand_times() {
    leak_check(|| {
        for seed in 0..10 {
            let first = log_of(seed);
            for _ in 0..100 {
                assert_eq!(log_of(seed), first);
            }
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_log_with_slow_jobs() {
    leak_check(|| {
        let log_of = |seed| {
            let log = Log::default();
            let mut rng = fastrand::Rng::with_seed(seed);
            let jobs = Jobs::new().delay(move || Duration::from_millis(rng.u64(0..5)));
            run_with(jobs, seed, &log, program(log.clone()));
            log.take()
        };
        for seed in 0..10 {
            let first = log_of(seed);
            for _ in 0..20 {
                assert_eq!(log_of(seed), first);
            }
        }
    });
}

#[test]
fn seeds_put_a_job_before_and_after_each_step_of_a_task() {
    leak_check(|| {
        let mut seen = HashSet::new();
        for seed in 0..200 {
            seen.insert(run(seed, &Log::default(), async {
                let steps = Arc::new(AtomicUsize::new(0));
                let theirs = steps.clone();
                let job = spawn(to_thread(move || theirs.load(Ordering::Relaxed)));
                for _ in 0..3 {
                    yield_now().await;
                    steps.fetch_add(1, Ordering::Relaxed);
                }
                job.await
            }));
        }
        assert_eq!(seen, HashSet::from([0, 1, 2, 3]));
    });
}

#[test]
fn seeds_change_the_order_of_jobs() {
    leak_check(|| {
        let mut orders = HashSet::new();
        for seed in 0..200 {
            let order = Arc::new(Mutex::new(Vec::new()));
            run(seed, &Log::default(), async {
                let jobs: Vec<_> = (0..3)
                    .map(|n| {
                        let order = order.clone();
                        spawn(to_thread(move || order.lock().unwrap().push(n)))
                    })
                    .collect();
                for job in jobs {
                    job.await;
                }
            });
            let order = order.lock().unwrap().clone();
            orders.insert(order);
        }
        assert_eq!(orders.len(), 6);
    });
}

/// What a job has woken is ready before the next step: also if that is a task of the loop, and not its awaiter.
#[test]
fn what_a_job_wakes_is_ready_when_it_is_over() {
    leak_check(|| {
        for seed in 0..100 {
            let event = Arc::new(aio_sync::Event::new());
            let log = Log::default();
            run(seed, &log, async {
                let theirs = event.clone();
                let waiter = spawn(async move { theirs.wait().await });
                to_thread(move || {
                    event.set();
                })
                .await;
                waiter.await;
            });
            let logs: Vec<_> = log.take();
            assert!(logs.len() <= 6, "{logs:?}");
        }
    });
}
