//! Jobs for a pool of threads that may block: one after the other, and from 64 tasks at once. How many threads a pool
//! starts decides the second; tokio is there with its default of 512 and with 4, monoio has no default and gets 4.

use std::hint::black_box;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Blocking, MonoioThreads, Smol, Tokio, TokioFewThreads};

const N_TASKS: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("to_thread, one by one", 5_000, 1_000)
            .aio("aio", one_by_one::<Aio>)
            .peer("tokio", one_by_one::<Tokio>)
            .peer("tokio, 4 threads", one_by_one::<TokioFewThreads>)
            .peer("smol", one_by_one::<Smol>)
            .peer("monoio, 4 threads", one_by_one::<MonoioThreads>),
        Scenario::new("to_thread, 64 tasks", 500, 50)
            .aio("aio", concurrent::<Aio>)
            .peer("tokio", concurrent::<Tokio>)
            .peer("tokio, 4 threads", concurrent::<TokioFewThreads>)
            .peer("smol", concurrent::<Smol>)
            .peer("monoio, 4 threads", concurrent::<MonoioThreads>),
    ]
}

fn one_by_one<R: Blocking>(n: u64) -> Sample {
    R::run(async move {
        // The first job starts a thread.
        R::to_thread(|| {}).await;
        let meter = Meter::start_wall();
        for i in 0..n {
            black_box(R::to_thread(move || black_box(i)).await);
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
                black_box(R::to_thread(move || black_box(i)).await);
            }
        };
        let tasks: Vec<_> = (0..N_TASKS).map(|_| R::spawn(jobs())).collect();
        for task in tasks {
            task.await;
        }
        meter.stop(N_TASKS * n)
    })
}
