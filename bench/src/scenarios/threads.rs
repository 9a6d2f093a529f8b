//! Jobs for a pool of threads that may block: one after the other, from 64 tasks at once, and 100k at once. How many
//! threads a pool starts decides the last two; tokio is there with its default of 512 and with 4, monoio has no default
//! and gets 4.

use std::hint::black_box;

use crate::floors;
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Blocking, blocking_peers};

const N_TASKS: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    let sequential = Scenario::new("to_thread, one by one", 5_000, 1_000).aio("aio", one_by_one::<Aio>);
    let some = Scenario::new("to_thread, 64 tasks", 500, 50).aio("aio", concurrent::<Aio>);
    let bulk = Scenario::new("to_thread, 100k at once", 100_000, 10_000).rounds(5, 1).aio("aio", at_once::<Aio>);
    vec![
        blocking_peers!(sequential, |n, R| one_by_one::<R>(n))
            .python("to_thread")
            .floor("park, unpark", floors::park_ping_pong)
            .floor("one thread, std mpsc", |n| floors::jobs_by_channel(n, 1)),
        blocking_peers!(some, |n, R| concurrent::<R>(n))
            .python("to_thread_64")
            .floor("one thread, std mpsc", |n| floors::jobs_by_channel(N_TASKS * n, N_TASKS)),
        blocking_peers!(bulk, |n, R| at_once::<R>(n)).floor("one thread, std mpsc", |n| floors::jobs_by_channel(n, n)),
    ]
}

fn one_by_one<R: Blocking>(n: u64) -> Sample {
    R::run(async move {
        // The first job starts a thread.
        R::to_thread(|| {}).await;
        let meter = Meter::start_wall();
        for i in 0..n {
            assert_eq!(R::to_thread(move || black_box(i)).await, i);
        }
        meter.stop(n)
    })
}

fn concurrent<R: Blocking>(n: u64) -> Sample {
    R::run(async move {
        R::to_thread(|| {}).await;
        let meter = Meter::start_wall();
        let jobs = || async move {
            for i in 0..n {
                assert_eq!(R::to_thread(move || black_box(i)).await, i);
            }
        };
        let tasks: Vec<_> = (0..N_TASKS).map(|_| R::spawn(jobs())).collect();
        for task in tasks {
            task.await;
        }
        meter.stop(N_TASKS * n)
    })
}

/// A task for each job.
fn at_once<R: Blocking>(n: u64) -> Sample {
    R::run(async move {
        R::to_thread(|| {}).await;
        let meter = Meter::start_wall();
        let tasks: Vec<_> = (0..n).map(|i| R::spawn(async move { R::to_thread(move || black_box(i)).await })).collect();
        for (i, task) in (0..).zip(tasks) {
            assert_eq!(task.await, i);
        }
        meter.stop(n)
    })
}
