//! Tasks that let the others run. With one task the queue runs empty each time, which several runtimes take as an
//! occasion to ask their driver.

//!
//! monoio runs a task that yields before all others, which "fairness" shows.

use crate::floors::{self, Slab};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Bare, Local, Shared, local_peers, shared_peers, worker_peers};

/// Tasks that yield to each other.
const MANY: u64 = 1_000;

pub(super) fn scenarios() -> Vec<Scenario> {
    let alone = Scenario::new("yield, 1 task", 1_000_000, 100_000).aio("aio", |n| local::yields::<Aio>(1, 1, n));
    let many = Scenario::new("yield, 1000 tasks", 1_000, 100).aio("aio", |n| local::yields::<Aio>(1, MANY, n));
    let shared = Scenario::new("yield, 1000 tasks Send", 1_000, 100).aio("aio", |n| shared::yields::<Aio>(1, MANY, n));
    let on_workers = Scenario::new("yield, 1000 tasks, 2 workers", 1_000, 100)
        .aio("aio", |n| shared::yields::<AioWorkers>(1, MANY, n));
    vec![
        local_peers!(alone, |n, R| local::yields::<R>(1, 1, n))
            .python("yield_alone")
            .floor("async-task, bare", |n| local::yields::<Bare>(1, 1, n))
            .floor("a queue", |n| floors::spawn_join::<Slab<_>>(1, 1, n)),
        local_peers!(many, |n, R| local::yields::<R>(1, MANY, n))
            .python("yield_many")
            .floor("async-task, bare", |n| local::yields::<Bare>(1, MANY, n))
            .floor("a queue", |n| floors::spawn_join::<Slab<_>>(1, MANY, n)),
        shared_peers!(shared, |n, R| shared::yields::<R>(1, MANY, n))
            .floor("a queue", |n| floors::spawn_join::<Slab<_>>(1, MANY, n)),
        worker_peers!(on_workers, |n, R| shared::yields::<R>(1, MANY, n)).floor("a queue for each thread", |n| {
            floors::on_two_threads(MANY * n, |half| floors::spawn_join::<Slab<_>>(1, MANY / 2, half / (MANY / 2)))
        }),
    ]
}

macro_rules! bodies {
    ($module:ident, $runtime:ident, $meter:expr) => {
        pub(crate) mod $module {
            use super::*;

            /// `repeat` times, `n_tasks` tasks that yield `n` times each.
            pub(crate) fn yields<R: $runtime>(repeat: u64, n_tasks: u64, n: u64) -> Sample {
                R::run(async move {
                    let yielding = || async move {
                        for _ in 0..n {
                            R::yield_now().await;
                        }
                    };
                    let meter = $meter;
                    for _ in 0..repeat {
                        let tasks: Vec<_> = (0..n_tasks).map(|_| R::spawn(yielding())).collect();
                        for task in tasks {
                            task.await;
                        }
                    }
                    meter.stop(repeat * n_tasks * n)
                })
            }
        }
    };
}

bodies!(local, Local, Meter::start());
bodies!(shared, Shared, R::meter());
