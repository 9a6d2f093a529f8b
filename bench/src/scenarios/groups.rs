//! A group of 100k concurrent children, which end together. The operation is one child.
//!
//! One floor is what the group may be measured against: as many tasks started and awaited one by one, with nobody who
//! would cancel them, count them or collect their errors. Children that yield are all in the queue again when the last
//! of them has begun.

use std::future::Future;
use std::hint::black_box;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinSet;

use super::gather::{ready, yielding};
use crate::floors::{self, Slab};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, Tokio, TokioWorkers};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        on_its_thread("group 100k ready", ready, 0, "group_ready"),
        on_its_thread("group 100k yielding", yielding, 1, "group_yielding"),
        across_threads("group 100k ready Send", ready),
        across_threads("group 100k yielding Send", yielding),
        on_workers("group 100k ready, 2 workers", ready),
        on_workers("group 100k yielding, 2 workers", yielding),
    ]
}

fn on_its_thread<F>(name: &'static str, child: fn(u64) -> F, times: u64, python: &'static str) -> Scenario
where
    F: Future<Output = u64> + 'static,
{
    Scenario::new(name, 100_000, 20_000)
        .aio("aio", move |n| local::group(1, n, child))
        .peer("tokio JoinSet", move |n| local::join_set(1, n, child))
        .peer("FuturesUnordered", move |n| local::unordered(1, n, child))
        .python(python)
        .floor("aio, bare spawns", move |n| local::spawns(1, n, child))
        .floor("slab, VecDeque", move |n| floors::spawn_join::<Slab<_>>(1, n, times))
}

fn across_threads<F: Future<Output = u64> + Send + 'static>(name: &'static str, child: fn(u64) -> F) -> Scenario {
    Scenario::new(name, 100_000, 20_000)
        .aio("aio", move |n| shared::group::<Aio, F>(1, n, child))
        .peer("tokio JoinSet", move |n| shared::join_set::<Tokio, F>(1, n, child))
        .floor("aio, bare spawns", move |n| shared::spawns::<Aio, F>(1, n, child))
}

fn on_workers<F: Future<Output = u64> + Send + 'static>(name: &'static str, child: fn(u64) -> F) -> Scenario {
    Scenario::new(name, 100_000, 20_000)
        .aio("aio", move |n| shared::group::<AioWorkers, F>(1, n, child))
        .peer("tokio JoinSet", move |n| shared::join_set::<TokioWorkers, F>(1, n, child))
        .floor("aio, bare spawns", move |n| shared::spawns::<AioWorkers, F>(1, n, child))
}

/// `repeat` groups of `width` children.
pub(crate) mod local {
    use super::*;

    pub(crate) fn group<F: Future<Output = u64> + 'static>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample {
        <Aio as Local>::run(async move {
            let meter = Meter::start();
            for _ in 0..repeat {
                let group = aio::local::TaskGroup::new();
                let body = async {
                    for i in 0..width {
                        drop(group.spawn(child(i)));
                    }
                };
                group.join(body).await;
            }
            meter.stop(repeat * width)
        })
    }

    pub(crate) fn join_set<F: Future<Output = u64> + 'static>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample {
        <Tokio as Local>::run(async move {
            let meter = Meter::start();
            for _ in 0..repeat {
                let mut set = JoinSet::new();
                for i in 0..width {
                    drop(set.spawn_local(child(i)));
                }
                let mut ended = 0;
                while let Some(output) = set.join_next().await {
                    black_box(output.expect("no task panics"));
                    ended += 1;
                }
                assert_eq!(ended, width);
            }
            meter.stop(repeat * width)
        })
    }

    pub(crate) fn unordered<F: Future<Output = u64> + 'static>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample {
        <Smol as Local>::run(async move {
            let meter = Meter::start();
            for _ in 0..repeat {
                let children: FuturesUnordered<_> = (0..width).map(child).collect();
                assert_eq!(children.count().await as u64, width);
            }
            meter.stop(repeat * width)
        })
    }

    pub(super) fn spawns<F: Future<Output = u64> + 'static>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample {
        <Aio as Local>::run(async move {
            let meter = Meter::start();
            for _ in 0..repeat {
                let tasks: Vec<_> = (0..width).map(|i| aio::local::spawn(child(i))).collect();
                for (i, task) in (0..).zip(tasks) {
                    assert_eq!(task.await, i);
                }
            }
            meter.stop(repeat * width)
        })
    }
}

/// The same across threads, on one of them or several.
mod shared {
    use super::*;

    pub(super) fn group<R: Shared, F>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample
    where
        F: Future<Output = u64> + Send + 'static,
    {
        R::run(async move {
            let meter = R::meter();
            for _ in 0..repeat {
                let group = aio::TaskGroup::new();
                let body = async {
                    for i in 0..width {
                        drop(group.spawn(child(i)));
                    }
                };
                group.join(body).await;
            }
            meter.stop(repeat * width)
        })
    }

    pub(super) fn join_set<R: Shared, F>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample
    where
        F: Future<Output = u64> + Send + 'static,
    {
        R::run(async move {
            let meter = R::meter();
            for _ in 0..repeat {
                let mut set = JoinSet::new();
                for i in 0..width {
                    drop(set.spawn(child(i)));
                }
                let mut ended = 0;
                while let Some(output) = set.join_next().await {
                    black_box(output.expect("no task panics"));
                    ended += 1;
                }
                assert_eq!(ended, width);
            }
            meter.stop(repeat * width)
        })
    }

    pub(super) fn spawns<R: Shared, F>(repeat: u64, width: u64, child: fn(u64) -> F) -> Sample
    where
        F: Future<Output = u64> + Send + 'static,
    {
        R::run(async move {
            let meter = R::meter();
            for _ in 0..repeat {
                let tasks: Vec<_> = (0..width).map(|i| R::spawn(child(i))).collect();
                for (i, task) in (0..).zip(tasks) {
                    assert_eq!(task.await, i);
                }
            }
            meter.stop(repeat * width)
        })
    }
}
