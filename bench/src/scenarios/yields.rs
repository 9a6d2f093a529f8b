//! Tasks that let the others run. With one task the queue runs empty each time, which several runtimes take as an
//! occasion to ask their driver.

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Bare, Futures, Local, Monoio, Shared, Smol, Tokio};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("yield, 1 task", 1_000_000, 100_000)
            .aio("aio", |n| local::yields::<Aio>(1, n))
            .peer("tokio", |n| local::yields::<Tokio>(1, n))
            .peer("smol", |n| local::yields::<Smol>(1, n))
            .peer("monoio (unfair)", |n| local::yields::<Monoio>(1, n))
            .peer("futures", |n| local::yields::<Futures>(1, n))
            .floor("async-task, bare", |n| local::yields::<Bare>(1, n)),
        Scenario::new("yield, 1000 tasks", 1_000, 100)
            .aio("aio", |n| local::yields::<Aio>(1_000, n))
            .peer("tokio", |n| local::yields::<Tokio>(1_000, n))
            .peer("smol", |n| local::yields::<Smol>(1_000, n))
            .peer("monoio (unfair)", |n| local::yields::<Monoio>(1_000, n))
            .peer("futures", |n| local::yields::<Futures>(1_000, n))
            .floor("async-task, bare", |n| local::yields::<Bare>(1_000, n)),
        Scenario::new("yield, 1000 tasks Send", 1_000, 100)
            .aio("aio", |n| shared::yields::<Aio>(1_000, n))
            .peer("tokio", |n| shared::yields::<Tokio>(1_000, n))
            .peer("smol", |n| shared::yields::<Smol>(1_000, n)),
    ]
}

macro_rules! bodies {
    ($module:ident, $runtime:ident) => {
        mod $module {
            use super::*;

            /// `n_tasks` tasks that yield `n` times each.
            pub(super) fn yields<R: $runtime>(n_tasks: u64, n: u64) -> Sample {
                R::run(async move {
                    let meter = Meter::start();
                    let yielding = || async move {
                        for _ in 0..n {
                            R::yield_now().await;
                        }
                    };
                    let tasks: Vec<_> = (0..n_tasks).map(|_| R::spawn(yielding())).collect();
                    for task in tasks {
                        task.await;
                    }
                    meter.stop(n_tasks * n)
                })
            }
        }
    };
}

bodies!(local, Local);
bodies!(shared, Shared);
