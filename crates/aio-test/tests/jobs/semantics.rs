//! A job that is a step is a job like any other.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use aio_base::live::leak_check;
use aio_blocking::{Pool, PoolConfig, to_thread};
use aio_core::{ContextVar, all_tasks, defer, now, spawn, yield_now};
use aio_io::{ReadExt, WriteExt};
use aio_test::jobs::Jobs;
use aio_timer::sleep;

use crate::seeded::{Log, event_loop, run, run_with};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn no_time_passes_while_a_job_runs() {
    leak_check(|| {
        for seed in 0..10 {
            run(seed, &Log::default(), async {
                let begin = now();
                let sleeper = spawn(sleep(SECOND));
                // clock: to block is what the job does
                to_thread(|| thread::sleep(Duration::from_millis(2))).await;
                assert_eq!(now(), begin);
                sleeper.await;
                assert_eq!(now() - begin, SECOND);
            });
        }
    });
}

#[test]
fn a_job_runs_in_a_thread_of_its_pool_with_the_context_of_its_task() {
    static USER: ContextVar<&str> = ContextVar::new();
    leak_check(|| {
        run(1, &Log::default(), async {
            let here = thread::current().id();
            let job = to_thread(move || {
                let inherited = USER.get();
                USER.set("thread");
                (inherited, thread::current().id() == here, thread::current().name().map(str::to_owned))
            });
            USER.set("task");
            assert_eq!(job.await, (Some("task"), false, Some("aio-blocking".to_owned())));
            assert_eq!(USER.get(), Some("task"));
        });
    });
}

#[test]
fn jobs_run_in_one_thread_if_one_is_enough() {
    leak_check(|| {
        for seed in 0..20 {
            run(seed, &Log::default(), async {
                let mut threads = HashSet::new();
                for _ in 0..5 {
                    threads.insert(to_thread(|| thread::current().id()).await);
                }
                assert_eq!(threads.len(), 1);
            });
        }
    });
}

#[test]
fn a_pool_with_one_thread_does_its_jobs_as_they_came() {
    leak_check(|| {
        for seed in 0..50 {
            run(seed, &Log::default(), async {
                let pool = Arc::new(Pool::new(PoolConfig::new().max_threads(1)));
                let (submitted, done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
                let tasks: Vec<_> = (0..5)
                    .map(|n| {
                        let (pool, submitted, done) = (pool.clone(), submitted.clone(), done.clone());
                        spawn(async move {
                            submitted.lock().unwrap().push(n);
                            pool.run(move || done.lock().unwrap().push(n)).await;
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await;
                }
                assert_eq!(*submitted.lock().unwrap(), *done.lock().unwrap());
            });
        }
    });
}

#[test]
fn a_panic_goes_on_in_who_awaits() {
    leak_check(|| {
        run(1, &Log::default(), async {
            let error = spawn(to_thread(|| -> u8 { panic!("oh") })).join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"oh"));
            assert_eq!(to_thread(|| 1).await, 1);
        });
    });
}

#[test]
fn a_job_inside_of_a_job_is_a_part_of_its_step() {
    leak_check(|| {
        let log = Log::default();
        let sum = run(1, &log, to_thread(|| aio_core::block_on(async { to_thread(|| 1).await + 1 })));
        assert_eq!(sum, 2);
        assert_eq!(log.take().iter().filter(|line| line.starts_with("to_thread")).count(), 1);
    });
}

#[test]
fn a_job_may_run_a_loop_of_its_own() {
    leak_check(|| {
        let job = to_thread(|| aio_core::run(async { to_thread(|| 1).await + spawn(async { 2 }).await }));
        assert_eq!(run(1, &Log::default(), job), 3);
    });
}

#[test]
fn without_steps_or_after_them_jobs_run_as_ever() {
    leak_check(|| {
        let jobs = Jobs::new();
        let log = Log::default();
        drop(jobs.enter());
        assert_eq!(event_loop(1, &log).run(to_thread(|| 1)), 1);
        assert!(!log.take().iter().any(|line| line.starts_with("to_thread")));
    });
}

#[test]
fn a_step_is_called_to_thread_and_named_after_the_line_of_its_job() {
    leak_check(|| {
        let jobs = Jobs::new().delay(|| SECOND);
        run_with(jobs, 1, &Log::default(), async {
            let line = line!() + 1;
            let job = spawn(to_thread(|| ()));
            while !all_tasks().iter().any(|task| task.name() == Some("to_thread")) {
                yield_now().await;
            }
            let step = all_tasks().into_iter().find(|task| task.name() == Some("to_thread")).unwrap();
            if cfg!(debug_assertions) {
                assert_eq!((step.spawned_at().file(), step.spawned_at().line()), (file!(), line));
            }
            job.await;
            assert!(step.is_finished());
        });
    });
}

#[test]
fn awaiting_a_job_of_a_pool_that_was_dropped_panics() {
    leak_check(|| {
        for seed in 0..20 {
            run(seed, &Log::default(), async {
                let pool = Pool::new(PoolConfig::new());
                let (held, not_begun) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
                let (begun, theirs) = (held.clone(), not_begun.clone());
                let job = spawn(pool.run(move || {
                    let _theirs = theirs;
                    begun.fetch_add(1, Ordering::Relaxed);
                }));
                yield_now().await;
                yield_now().await;
                drop(pool);
                assert_eq!(Arc::strong_count(&not_begun), 1 + usize::from(!job_was_awaited(&not_begun, &held)));
                let outcome = job.join().await;
                assert_eq!(outcome.is_ok(), held.load(Ordering::Relaxed) == 1);
            });
        }
    });
}

/// Whether the closure is gone: it ran, or was refused. (Otherwise its task had no turn so far.)
fn job_was_awaited(closure: &Arc<()>, begun: &AtomicUsize) -> bool {
    Arc::strong_count(closure) == 1 || begun.load(Ordering::Relaxed) == 1
}

#[test]
fn a_cleanup_may_await_jobs_while_the_loop_ends() {
    leak_check(|| {
        for seed in 0..50 {
            let done = Arc::new(AtomicUsize::new(0));
            let theirs = done.clone();
            run(seed, &Log::default(), async {
                spawn(async move {
                    let _cleanup = defer(theirs, async |theirs| {
                        for _ in 0..3 {
                            let theirs = theirs.clone();
                            to_thread(move || theirs.fetch_add(1, Ordering::Relaxed)).await;
                        }
                    });
                    std::future::pending::<()>().await;
                })
                .detach();
                for _ in 0..4 {
                    yield_now().await;
                }
            });
            // None, if the task was cancelled before it had its first turn.
            assert!([0, 3].contains(&done.load(Ordering::Relaxed)));
        }
    });
}

#[test]
fn files_and_names_work_under_virtual_time() {
    leak_check(|| {
        let path = std::env::temp_dir().join(format!("aio-test-jobs-{}", std::process::id()));
        let mut logs = HashSet::new();
        for seed in 0..20 {
            let log_of = || {
                let log = Log::default();
                run(seed, &log, async {
                    let begin = now();
                    let ticks = spawn(async {
                        for _ in 0..5 {
                            yield_now().await;
                        }
                    });
                    let mut file = aio_fs::File::create(&path).await.unwrap();
                    file.write_all(b"some").await.unwrap();
                    file.write_all(b" bytes").await.unwrap();
                    file.flush().await.unwrap();
                    drop(file);
                    let mut text = String::new();
                    aio_fs::File::open(&path).await.unwrap().read_to_string(&mut text).await.unwrap();
                    assert_eq!(text, "some bytes");
                    let mut entries = aio_fs::read_dir(path.parent().unwrap()).await.unwrap();
                    assert!(entries.next_entry().await.unwrap().is_some());
                    assert!(!aio_net::lookup("localhost", 80).await.unwrap().is_empty());
                    assert_eq!(now(), begin);
                    ticks.await;
                });
                log.take()
            };
            let log = log_of();
            assert_eq!(log, log_of());
            logs.insert(log);
        }
        assert!(logs.len() > 1, "the seed makes no difference");
        fs::remove_file(&path).unwrap();
    });
}

#[test]
fn what_a_file_has_taken_is_written_though_the_loop_ends() {
    leak_check(|| {
        let path = std::env::temp_dir().join(format!("aio-test-jobs-dropped-{}", std::process::id()));
        for seed in 0..20 {
            run(seed, &Log::default(), async {
                let mut file = aio_fs::File::create(&path).await.unwrap();
                file.write_all(b"some").await.unwrap();
            });
            assert_eq!(fs::read(&path).unwrap(), b"some");
        }
        fs::remove_file(&path).unwrap();
    });
}
