//! Waiting for many at once, in the best way each peer has: 10, 1k and 100k futures that are ready at once or after one
//! wake. The operation is one child. Combinators wake whatever task they are in; they run on smol's executor here.

use std::future::Future;
use std::hint::black_box;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use futures_concurrency::future::Join;
use tokio::task::JoinSet;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Monoio, Smol, Tokio, YieldOnce};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("gather 10 ready", 10, 10_000, ready),
        scenario("gather 10 yielding", 10, 10_000, yielding),
        scenario("gather 1k ready", 1_000, 200, ready),
        scenario("gather 1k yielding", 1_000, 200, yielding),
        scenario("gather 100k ready", 100_000, 2, ready),
        scenario("gather 100k yielding", 100_000, 2, yielding),
    ]
}

pub(super) async fn ready(i: u64) -> u64 {
    black_box(i)
}

pub(super) async fn yielding(i: u64) -> u64 {
    YieldOnce::default().await;
    black_box(i)
}

/// `repeat` times, `width` children made by `child` are started and all awaited.
fn scenario<F>(name: &'static str, width: u64, repeat: u64, child: fn(u64) -> F) -> Scenario
where
    F: Future<Output = u64> + 'static,
{
    let children = move || (0..width).map(child);
    Scenario::new(name, repeat, repeat.div_ceil(10))
        .aio("aio", move |n| {
            let gather = move || async move { black_box(aio::gather(children().collect::<Vec<_>>()).await).len() };
            repeated::<Aio, _>(n, width, gather)
        })
        .peer("futures join_all", move |n| {
            repeated::<Smol, _>(n, width, move || async move { black_box(join_all(children()).await).len() })
        })
        .peer("FuturesUnordered", move |n| {
            repeated::<Smol, _>(n, width, move || children().collect::<FuturesUnordered<_>>().count())
        })
        .peer("futures-concurrency", move |n| {
            let join = move || async move { black_box(children().collect::<Vec<_>>().join().await).len() };
            repeated::<Smol, _>(n, width, join)
        })
        .peer("tokio JoinSet", move |n| {
            let join = move || async move {
                let mut set = JoinSet::new();
                children().for_each(|child| drop(set.spawn_local(child)));
                set.join_all().await.len()
            };
            repeated::<Tokio, _>(n, width, join)
        })
        .peer("monoio spawn", move |n| {
            let join = move || async move {
                let tasks: Vec<_> = children().map(Monoio::spawn).collect();
                let mut outputs = Vec::with_capacity(tasks.len());
                for task in tasks {
                    outputs.push(task.await);
                }
                black_box(outputs).len()
            };
            repeated::<Monoio, _>(n, width, join)
        })
}

/// Runs `gather` `n` times; it says how many children there were.
pub(super) fn repeated<R: Local, F>(n: u64, width: u64, gather: impl Fn() -> F + 'static) -> Sample
where
    F: Future<Output = usize> + 'static,
{
    R::run(async move {
        let meter = Meter::start();
        for _ in 0..n {
            assert_eq!(gather().await as u64, width, "a child is missing");
        }
        meter.stop(n * width)
    })
}
