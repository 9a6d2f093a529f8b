//! Waiting for many at once, in the best way each peer has: 10, 1k and 100k futures that are ready at once or after one
//! wake. The operation is one child. Combinators wake whatever task they are in; they run on smol's executor here.

use std::future::Future;
use std::hint::black_box;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use futures_concurrency::future::Join;
use tokio::task::JoinSet;

use crate::floors::{self, Slab};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol, Tokio, YieldOnce, ring_peers, rows};

pub(super) fn scenarios() -> Vec<Scenario> {
    // The last two: how often a child yields, and what CPython's work is called.
    vec![
        scenario("gather 10 ready", 10, 10_000, ready, 0, Some("gather_10_ready")),
        scenario("gather 10 yielding", 10, 10_000, yielding, 1, Some("gather_10_yielding")),
        scenario("gather 1k ready", 1_000, 200, ready, 0, Some("gather_1k_ready")),
        scenario("gather 1k yielding", 1_000, 200, yielding, 1, Some("gather_1k_yielding")),
        scenario("gather 100k ready", 100_000, 2, ready, 0, None),
        scenario("gather 100k yielding", 100_000, 2, yielding, 1, None),
    ]
}

pub(crate) async fn ready(i: u64) -> u64 {
    black_box(i)
}

pub(crate) async fn yielding(i: u64) -> u64 {
    YieldOnce::default().await;
    black_box(i)
}

/// `repeat` times, `width` children made by `child` are started and all awaited.
fn scenario<F>(
    name: &'static str,
    width: u64,
    repeat: u64,
    child: fn(u64) -> F,
    times: u64,
    python: Option<&'static str>,
) -> Scenario
where
    F: Future<Output = u64> + 'static,
{
    let scenario = Scenario::new(name, repeat, repeat.div_ceil(10))
        .aio("aio", move |n| by_aio(n, width, child))
        .peer("futures join_all", move |n| by_join_all(n, width, child))
        .peer("FuturesUnordered", move |n| by_unordered(n, width, child))
        .peer("futures-concurrency", move |n| by_concurrency(n, width, child))
        .peer("tokio JoinSet", move |n| by_join_set(n, width, child));
    let scenario = rows!(scenario, |n, R| by_spawns::<R, F>(n, width, child); #[cfg(unix)] "monoio" Monoio,);
    let scenario = ring_peers!(scenario, |n, R| by_spawns::<R, F>(n, width, child));
    let scenario = if let Some(work) = python { scenario.python(work) } else { scenario };
    scenario.floor("slab, VecDeque", move |n| floors::spawn_join::<Slab<_>>(n, width, times))
}

pub(crate) fn by_aio<F: Future<Output = u64> + 'static>(n: u64, width: u64, child: fn(u64) -> F) -> Sample {
    repeated::<Aio, _>(n, width, move || async move {
        black_box(aio::gather((0..width).map(child).collect::<Vec<_>>()).await).len()
    })
}

fn by_join_all<F: Future<Output = u64> + 'static>(n: u64, width: u64, child: fn(u64) -> F) -> Sample {
    repeated::<Smol, _>(n, width, move || async move { black_box(join_all((0..width).map(child)).await).len() })
}

pub(crate) fn by_unordered<F: Future<Output = u64> + 'static>(n: u64, width: u64, child: fn(u64) -> F) -> Sample {
    repeated::<Smol, _>(n, width, move || (0..width).map(child).collect::<FuturesUnordered<_>>().count())
}

pub(crate) fn by_concurrency<F: Future<Output = u64> + 'static>(n: u64, width: u64, child: fn(u64) -> F) -> Sample {
    repeated::<Smol, _>(n, width, move || async move {
        black_box((0..width).map(child).collect::<Vec<_>>().join().await).len()
    })
}

pub(crate) fn by_join_set<F: Future<Output = u64> + 'static>(n: u64, width: u64, child: fn(u64) -> F) -> Sample {
    repeated::<Tokio, _>(n, width, move || async move {
        let mut set = JoinSet::new();
        (0..width).map(child).for_each(|child| drop(set.spawn_local(child)));
        set.join_all().await.len()
    })
}

/// For those that have nothing else: a task for each, and their outputs in order.
#[cfg_attr(not(unix), expect(dead_code, reason = "nobody needs it here"))]
fn by_spawns<R: Local, F: Future<Output = u64> + 'static>(n: u64, width: u64, child: fn(u64) -> F) -> Sample {
    repeated::<R, _>(n, width, move || async move {
        let tasks: Vec<_> = (0..width).map(child).map(R::spawn).collect();
        let mut outputs = Vec::with_capacity(tasks.len());
        for task in tasks {
            outputs.push(task.await);
        }
        black_box(outputs).len()
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
