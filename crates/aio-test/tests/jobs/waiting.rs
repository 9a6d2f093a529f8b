//! Jobs that wait, in blocking calls of `aio`, for what tasks do.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_blocking::to_thread;
use aio_core::{defer, now, spawn, yield_now};
use aio_sync::{Lock, Semaphore, channel};
use aio_test::jobs::Jobs;
use aio_timer::sleep;

use crate::seeded::{Log, event_loop, run};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_job_that_waits_for_a_lock_lets_the_loop_go_on_and_time_pass() {
    leak_check(|| {
        for seed in 0..50 {
            run(seed, &Log::default(), async {
                let begin = now();
                let lock = Arc::new(Lock::new(0));
                let theirs = lock.clone();
                let guard = lock.lock().await;
                let job = spawn(to_thread(move || {
                    *theirs.lock_blocking() += 1;
                }));
                sleep(SECOND).await;
                assert!(!job.is_finished());
                drop(guard);
                job.await;
                assert_eq!(*lock.lock().await, 1);
                assert_eq!(now() - begin, SECOND);
            });
        }
    });
}

/// A job and a task that take turns.
async fn ping_pong(log: &Log, seen: &Arc<Mutex<Vec<String>>>) {
    let (to_job, in_job) = channel::bounded(1);
    let (to_task, in_task) = channel::bounded(1);
    let theirs = seen.clone();
    let job = spawn(to_thread(move || {
        while let Ok(n) = in_job.recv_blocking() {
            theirs.lock().unwrap().push(format!("job {n}"));
            to_task.send_blocking(n + 1).unwrap();
        }
    }));
    let theirs = seen.clone();
    let other = spawn(async move {
        for n in 0..5 {
            theirs.lock().unwrap().push(format!("other {n}"));
            yield_now().await;
        }
    });
    for n in 0..3 {
        to_job.send(n).await.unwrap();
        sleep(SECOND).await;
        log.note(format!("{:?}", in_task.recv().await));
    }
    drop(to_job);
    job.await;
    other.await;
}

#[test]
fn a_job_that_waits_again_and_again_is_as_repeatable_as_any() {
    leak_check(|| {
        let mut logs = HashSet::new();
        for seed in 0..20 {
            let log_of = || {
                let (log, seen) = (Log::default(), Arc::default());
                run(seed, &log, ping_pong(&log, &seen));
                let seen = seen.lock().unwrap().clone();
                (log.take(), seen)
            };
            let first = log_of();
            for _ in 0..20 {
                assert_eq!(log_of(), first);
            }
            logs.insert(first);
        }
        assert!(logs.len() > 10, "{}", logs.len());
    });
}

#[test]
fn jobs_that_wait_for_each_other_go_on() {
    leak_check(|| {
        for seed in 0..50 {
            run(seed, &Log::default(), async {
                let semaphore = Arc::new(Semaphore::new(0));
                let (first, second) = (semaphore.clone(), semaphore.clone());
                let waits = spawn(to_thread(move || drop(first.acquire_blocking())));
                let gives = spawn(to_thread(move || second.add_permits(1)));
                waits.await;
                gives.await;
            });
        }
    });
}

#[test]
fn a_job_that_waits_when_its_awaiter_is_gone_still_ends() {
    leak_check(|| {
        for seed in 0..50 {
            run(seed, &Log::default(), async {
                let lock = Arc::new(Lock::new(0));
                let theirs = lock.clone();
                let guard = lock.lock().await;
                let job = spawn(to_thread(move || {
                    *theirs.lock_blocking() += 1;
                }));
                for _ in 0..3 {
                    yield_now().await;
                }
                drop(job);
                yield_now().await;
                drop(guard);
            });
        }
    });
}

#[test]
fn a_job_that_waits_when_the_loop_ends_is_woken_by_what_ends_with_it() {
    leak_check(|| {
        for seed in 0..50 {
            let log_of = || {
                let log = Log::default();
                let seen = Arc::new(Mutex::new(Vec::new()));
                let (in_job, in_cleanup) = (seen.clone(), seen.clone());
                run(seed, &log, async {
                    let (sender, receiver) = channel::bounded(1);
                    spawn(to_thread(move || {
                        while let Ok(n) = receiver.recv_blocking() {
                            in_job.lock().unwrap().push(n);
                        }
                        in_job.lock().unwrap().push(99);
                    }))
                    .detach();
                    spawn(async move {
                        let _sends = defer(sender, async move |sender| {
                            for n in 0..5 {
                                in_cleanup.lock().unwrap().push(10 + n);
                                let _ = sender.send(n).await;
                            }
                        });
                        std::future::pending::<()>().await;
                    })
                    .detach();
                    for _ in 0..4 {
                        yield_now().await;
                    }
                });
                let seen = seen.lock().unwrap().clone();
                (log.take(), seen)
            };
            let first = log_of();
            for _ in 0..5 {
                assert_eq!(log_of(), first);
            }
        }
    });
}

#[test]
fn a_job_may_spawn_a_task_and_block_on_it() {
    leak_check(|| {
        for seed in 0..20 {
            let log = Log::default();
            let jobs = Jobs::new().patience(Duration::from_millis(20));
            let _entered = jobs.enter();
            let event_loop = event_loop(seed, &log);
            let handle = event_loop.handle();
            event_loop.run(async {
                let begin = now();
                let answer = to_thread(move || {
                    aio_core::block_on(handle.spawn(async {
                        yield_now().await;
                        7
                    }))
                });
                assert_eq!(answer.await, 7);
                assert_eq!(now(), begin);
            });
            assert_eq!(jobs.overruns(), []);
        }
    });
}

#[test]
fn a_task_that_a_job_blocks_on_may_sleep() {
    leak_check(|| {
        let log = Log::default();
        let jobs = Jobs::new().patience(Duration::from_millis(20));
        let _entered = jobs.enter();
        let event_loop = event_loop(1, &log);
        let handle = event_loop.handle();
        event_loop.run(async {
            let begin = now();
            to_thread(move || aio_core::block_on(handle.spawn(sleep(SECOND)))).await;
            assert_eq!(now() - begin, SECOND);
        });
        assert_eq!(jobs.overruns(), []);
    });
}

#[test]
fn a_job_that_blocks_on_a_timer_of_its_own_holds_the_clock_of_the_loop() {
    leak_check(|| {
        run(1, &Log::default(), async {
            let begin = now();
            let sleeper = spawn(sleep(SECOND));
            to_thread(|| aio_core::block_on(sleep(Duration::from_millis(5)))).await;
            assert_eq!(now(), begin);
            drop(sleeper);
        });
    });
}
