//! Tasks that do nothing, started all at once or one after the other.
//!
//! "spawn+join" starts 100k tasks and then awaits each: the run queue and the allocator are under load. "chain" awaits
//! each before it starts the next: the path from a finished child to its parent.

use std::hint::black_box;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Bare, Futures, Local, Monoio, Shared, Smol, Tokio};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("spawn+join local", 100_000, 20_000)
            .aio("aio", local::spawn_join::<Aio>)
            .peer("tokio", local::spawn_join::<Tokio>)
            .peer("smol", local::spawn_join::<Smol>)
            .peer("monoio", local::spawn_join::<Monoio>)
            .peer("futures", local::spawn_join::<Futures>)
            .floor("async-task, bare", local::spawn_join::<Bare>),
        Scenario::new("spawn+join Send", 100_000, 20_000)
            .aio("aio", shared::spawn_join::<Aio>)
            .peer("tokio", shared::spawn_join::<Tokio>)
            .peer("smol", shared::spawn_join::<Smol>),
        Scenario::new("chain local", 200_000, 20_000)
            .aio("aio", local::chain::<Aio>)
            .peer("tokio", local::chain::<Tokio>)
            .peer("smol", local::chain::<Smol>)
            .peer("monoio", local::chain::<Monoio>)
            .peer("futures", local::chain::<Futures>)
            .floor("async-task, bare", local::chain::<Bare>),
        Scenario::new("chain Send", 200_000, 20_000)
            .aio("aio", shared::chain::<Aio>)
            .peer("tokio", shared::chain::<Tokio>)
            .peer("smol", shared::chain::<Smol>),
    ]
}

/// The same code for both kinds of runtime, whose bounds differ.
macro_rules! bodies {
    ($module:ident, $runtime:ident) => {
        mod $module {
            use super::*;

            pub(super) fn spawn_join<R: $runtime>(n: u64) -> Sample {
                R::run(async move {
                    let mut tasks = Vec::with_capacity(usize::try_from(n).expect("it fits"));
                    let meter = Meter::start();
                    for i in 0..n {
                        tasks.push(R::spawn(async move { black_box(i) }));
                    }
                    for task in tasks {
                        black_box(task.await);
                    }
                    meter.stop(n)
                })
            }

            pub(super) fn chain<R: $runtime>(n: u64) -> Sample {
                R::run(async move {
                    let meter = Meter::start();
                    for i in 0..n {
                        black_box(R::spawn(async move { black_box(i) }).await);
                    }
                    meter.stop(n)
                })
            }
        }
    };
}

bodies!(local, Local);
bodies!(shared, Shared);
