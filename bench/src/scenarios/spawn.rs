//! Tasks that do nothing, started all at once or one after the other.
//!
//! "spawn+join" starts 100k tasks and then awaits each: the run queue and the allocator are under load. "chain" awaits
//! each before it starts the next: the path from a finished child to its parent.

use std::hint::black_box;

use crate::floors::{self, Boxed, Slab};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioEager, AioWorkers, Bare, Local, Shared, local_peers, shared_peers, worker_peers};

pub(super) fn scenarios() -> Vec<Scenario> {
    let all_local = Scenario::new("spawn+join local", 100_000, 20_000).aio("aio", |n| local::spawn_join::<Aio>(1, n));
    let all_shared = Scenario::new("spawn+join Send", 100_000, 20_000).aio("aio", |n| shared::spawn_join::<Aio>(1, n));
    let on_workers =
        Scenario::new("spawn+join, 2 workers", 100_000, 20_000).aio("aio", |n| shared::spawn_join::<AioWorkers>(1, n));
    let chain_local = Scenario::new("chain local", 200_000, 20_000)
        .aio("aio", local::chain::<Aio>)
        .aio("aio, eager", local::chain::<AioEager>);
    let chain_shared = Scenario::new("chain Send", 200_000, 20_000).aio("aio", shared::chain::<Aio>);
    vec![
        local_peers!(all_local, |n, R| local::spawn_join::<R>(1, n))
            .python("spawn_join")
            .floor("async-task, bare", |n| local::spawn_join::<Bare>(1, n))
            .floor("malloc, VecDeque", |n| floors::spawn_join::<Boxed<_>>(1, n, 0))
            .floor("slab, VecDeque", |n| floors::spawn_join::<Slab<_>>(1, n, 0)),
        shared_peers!(all_shared, |n, R| shared::spawn_join::<R>(1, n))
            .floor("malloc, VecDeque", |n| floors::spawn_join::<Boxed<_>>(1, n, 0)),
        worker_peers!(on_workers, |n, R| shared::spawn_join::<R>(1, n)).floor("a slab for each thread", |n| {
            floors::on_two_threads(n, |half| floors::spawn_join::<Slab<_>>(1, half, 0))
        }),
        local_peers!(chain_local, |n, R| local::chain::<R>(n))
            .python("chain")
            .floor("async-task, bare", local::chain::<Bare>)
            .floor("malloc, VecDeque", |n| floors::spawn_join::<Boxed<_>>(n, 1, 0))
            .floor("slab, VecDeque", |n| floors::spawn_join::<Slab<_>>(n, 1, 0)),
        shared_peers!(chain_shared, |n, R| shared::chain::<R>(n))
            .floor("malloc, VecDeque", |n| floors::spawn_join::<Boxed<_>>(n, 1, 0)),
    ]
}

/// The same code for both kinds of runtime, whose bounds differ.
macro_rules! bodies {
    ($module:ident, $runtime:ident, $meter:expr) => {
        pub(crate) mod $module {
            use super::*;

            /// `repeat` times, `width` tasks at once.
            pub(crate) fn spawn_join<R: $runtime>(repeat: u64, width: u64) -> Sample {
                R::run(async move {
                    let mut tasks = Vec::with_capacity(usize::try_from(width).expect("it fits"));
                    let meter = $meter;
                    for _ in 0..repeat {
                        for i in 0..width {
                            tasks.push(R::spawn(async move { black_box(i) }));
                        }
                        for (i, task) in (0..).zip(tasks.drain(..)) {
                            assert_eq!(task.await, i);
                        }
                    }
                    meter.stop(repeat * width)
                })
            }

            pub(super) fn chain<R: $runtime>(n: u64) -> Sample {
                R::run(async move {
                    let meter = $meter;
                    for i in 0..n {
                        assert_eq!(R::spawn(async move { black_box(i) }).await, i);
                    }
                    meter.stop(n)
                })
            }
        }
    };
}

bodies!(local, Local, Meter::start());
bodies!(shared, Shared, R::meter());
