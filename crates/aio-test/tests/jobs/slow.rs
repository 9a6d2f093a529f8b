//! Jobs that take virtual time, and jobs that take real time.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_blocking::{Pool, PoolConfig, to_thread};
use aio_core::{block_on, now, spawn, yield_now};
use aio_sync::Lock;
use aio_test::jobs::Jobs;
use aio_timer::{sleep, timeout};

use crate::seeded::{Log, event_loop, run_with};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn slow_jobs_take_the_time_that_is_drawn_for_them() {
    leak_check(|| {
        let n_drawn = Rc::new(Cell::new(0));
        let count = n_drawn.clone();
        let jobs = Jobs::new().delay(move || {
            count.set(count.get() + 1);
            count.get() * SECOND
        });
        run_with(jobs, 1, &Log::default(), async {
            let begin = now();
            to_thread(|| ()).await;
            assert_eq!(now() - begin, SECOND);
            to_thread(|| ()).await;
            assert_eq!(now() - begin, 3 * SECOND);
            assert!(timeout(SECOND, to_thread(|| ())).await.is_err());
            assert_eq!(now() - begin, 4 * SECOND);
        });
        assert_eq!(n_drawn.get(), 3);
    });
}

#[test]
fn slow_jobs_keep_their_threads() {
    leak_check(|| {
        for seed in 0..20 {
            let jobs = Jobs::new().delay(|| SECOND);
            run_with(jobs, seed, &Log::default(), async {
                let begin = now();
                let pool = Pool::new(PoolConfig::new().max_threads(2));
                let jobs: Vec<_> = (0..5).map(|_| spawn(pool.run(|| ()))).collect();
                for job in jobs {
                    job.await;
                }
                assert_eq!(now() - begin, 3 * SECOND, "two at a time");
            });
        }
    });
}

#[test]
fn a_job_that_takes_too_long_goes_on_beside_the_loop_and_is_noted() {
    leak_check(|| {
        let jobs = Jobs::new().patience(Duration::from_millis(5));
        let _entered = jobs.enter();
        let line = line!() + 5;
        event_loop(1, &Log::default()).run(async {
            let begin = now();
            let sleeper = spawn(sleep(SECOND));
            // clock: to block is what the job does
            let job = spawn(to_thread(|| thread::sleep(Duration::from_millis(50))));
            job.await;
            assert_eq!(now(), begin, "it is still waited for");
            sleeper.await;
        });
        let [overrun] = &jobs.overruns()[..] else { panic!("{:?}", jobs.overruns()) };
        if cfg!(debug_assertions) {
            assert_eq!(overrun.made_at().line(), line);
        }
        assert!(overrun.to_string().contains("longer than 5ms, or waits for a task"), "{overrun}");
    });
}

#[test]
fn a_job_that_waits_for_a_task_by_a_channel_of_the_standard_library_is_noted() {
    leak_check(|| {
        let jobs = Jobs::new().patience(Duration::from_millis(5));
        let _entered = jobs.enter();
        event_loop(1, &Log::default()).run(async {
            let (sender, receiver) = std::sync::mpsc::channel();
            let job = spawn(to_thread(move || receiver.recv().unwrap()));
            for _ in 0..10 {
                yield_now().await;
            }
            sender.send(7).unwrap();
            assert_eq!(job.await, 7);
        });
        assert_eq!(jobs.overruns().len(), 1);
    });
}

#[test]
fn a_job_that_goes_on_is_waited_for_by_the_end_of_the_loop() {
    leak_check(|| {
        let jobs = Jobs::new().patience(Duration::from_millis(1));
        let _entered = jobs.enter();
        let is_done = Arc::new(AtomicBool::new(false));
        let theirs = is_done.clone();
        let (begun, has_begun) = mpsc::channel();
        event_loop(1, &Log::default()).run(async {
            let job = spawn(to_thread(move || {
                begun.send(()).unwrap();
                // clock: to block is what the job does
                thread::sleep(Duration::from_millis(20));
                theirs.store(true, Ordering::Relaxed);
            }));
            while jobs.overruns().is_empty() {
                yield_now().await;
            }
            has_begun.recv().unwrap();
            drop(job);
        });
        assert!(is_done.load(Ordering::Relaxed));
    });
}

#[test]
fn a_job_that_takes_too_long_inside_of_another_is_waited_for_as_well() {
    leak_check(|| {
        let jobs = Jobs::new().patience(Duration::from_millis(5));
        let _entered = jobs.enter();
        event_loop(1, &Log::default()).run(async {
            let begin = now();
            let sleeper = spawn(sleep(SECOND));
            // clock: to block is what the job does
            let inner = || thread::sleep(Duration::from_millis(100));
            spawn(to_thread(move || block_on(to_thread(inner)))).await;
            assert_eq!(now(), begin);
            sleeper.await;
        });
    });
}

#[test]
fn a_job_that_another_one_wakes_beside_the_loop_is_waited_for_as_well() {
    leak_check(|| {
        let jobs = Jobs::new().patience(Duration::from_millis(5));
        let _entered = jobs.enter();
        event_loop(1, &Log::default()).run(async {
            let begin = now();
            let sleeper = spawn(sleep(SECOND));
            let lock = Arc::new(Lock::new(()));
            let theirs = lock.clone();
            let (begun, has_begun) = mpsc::channel();
            let holder = spawn(to_thread(move || {
                let guard = theirs.lock_blocking();
                begun.send(()).unwrap();
                // clock: to block is what the job does
                thread::sleep(Duration::from_millis(50));
                drop(guard);
            }));
            let waiter = spawn(to_thread(move || {
                has_begun.recv().unwrap();
                // clock: as above; by then nobody stands still for it.
                thread::sleep(Duration::from_millis(10));
                drop(lock.lock_blocking());
                thread::sleep(Duration::from_millis(50)); // clock: as above
            }));
            holder.await;
            waiter.await;
            assert_eq!(now(), begin);
            sleeper.await;
        });
    });
}
