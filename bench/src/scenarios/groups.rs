//! A group of 100k concurrent children, which end together. The operation is one child.
//!
//! The floor is what the group may be measured against: as many tasks started and awaited one by one, with nobody who
//! would cancel them, count them or collect their errors. Children that yield are all in the queue again when the last
//! of them has begun.

use std::future::Future;
use std::hint::black_box;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinSet;

use crate::harness::{Meter, Scenario};
use crate::runtimes::{Aio, Local, Shared, Smol, Tokio, YieldOnce};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        local("group 100k ready", ready),
        local("group 100k yielding", yielding),
        shared("group 100k ready Send", ready),
        shared("group 100k yielding Send", yielding),
    ]
}

async fn ready(i: u64) -> u64 {
    black_box(i)
}

async fn yielding(i: u64) -> u64 {
    YieldOnce::default().await;
    black_box(i)
}

fn local<F>(name: &'static str, child: fn(u64) -> F) -> Scenario
where
    F: Future<Output = u64> + 'static,
{
    Scenario::new(name, 100_000, 20_000)
        .aio("aio", move |n| {
            <Aio as Local>::run(async move {
                let group = aio::local::TaskGroup::new();
                let meter = Meter::start();
                let body = async {
                    for i in 0..n {
                        drop(group.spawn(child(i)));
                    }
                };
                group.join(body).await;
                meter.stop(n)
            })
        })
        .peer("tokio JoinSet", move |n| {
            <Tokio as Local>::run(async move {
                let mut set = JoinSet::new();
                let meter = Meter::start();
                for i in 0..n {
                    drop(set.spawn_local(child(i)));
                }
                while let Some(output) = set.join_next().await {
                    black_box(output.expect("no task panics"));
                }
                meter.stop(n)
            })
        })
        .peer("FuturesUnordered", move |n| {
            <Smol as Local>::run(async move {
                let meter = Meter::start();
                let children: FuturesUnordered<_> = (0..n).map(child).collect();
                black_box(children.count().await);
                meter.stop(n)
            })
        })
        .floor("aio, bare spawns", move |n| {
            <Aio as Local>::run(async move {
                let meter = Meter::start();
                let tasks: Vec<_> = (0..n).map(|i| aio::local::spawn(child(i))).collect();
                for task in tasks {
                    black_box(task.await);
                }
                meter.stop(n)
            })
        })
}

fn shared<F>(name: &'static str, child: fn(u64) -> F) -> Scenario
where
    F: Future<Output = u64> + Send + 'static,
{
    Scenario::new(name, 100_000, 20_000)
        .aio("aio", move |n| {
            <Aio as Shared>::run(async move {
                let group = aio::TaskGroup::new();
                let meter = Meter::start();
                let body = async {
                    for i in 0..n {
                        drop(group.spawn(child(i)));
                    }
                };
                group.join(body).await;
                meter.stop(n)
            })
        })
        .peer("tokio JoinSet", move |n| {
            <Tokio as Shared>::run(async move {
                let mut set = JoinSet::new();
                let meter = Meter::start();
                for i in 0..n {
                    drop(set.spawn(child(i)));
                }
                while let Some(output) = set.join_next().await {
                    black_box(output.expect("no task panics"));
                }
                meter.stop(n)
            })
        })
        .floor("aio, bare spawns", move |n| {
            <Aio as Shared>::run(async move {
                let meter = Meter::start();
                let tasks: Vec<_> = (0..n).map(|i| aio::spawn(child(i))).collect();
                for task in tasks {
                    black_box(task.await);
                }
                meter.stop(n)
            })
        })
}
