//! The first of two, and 1k outputs as they come, in the best way each peer has: futures that are ready at once or
//! after one wake. The operation is one race, or one output. Like those of `gather`, the peers run on smol's executor.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;

use futures::future::{select, select_ok};
use futures::stream::{FuturesUnordered, StreamExt};
use futures_concurrency::future::Race;

use super::gather::{ready, repeated, yielding};
use crate::harness::Scenario;
use crate::runtimes::{Aio, Smol, YieldOnce};

/// Outputs of a stream.
const MANY: u64 = 1_000;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        race("race 2 ready", ready),
        race("race 2 yielding", yielding),
        as_completed("as_completed 1k ready", ready),
        as_completed("as_completed 1k yielding", yielding),
    ]
}

/// What loses every race.
async fn slow(i: u64) -> u64 {
    for _ in 0..8 {
        YieldOnce::default().await;
    }
    black_box(i)
}

/// `first` against [`slow`].
fn race<F>(name: &'static str, first: fn(u64) -> F) -> Scenario
where
    F: Future<Output = u64> + 'static,
{
    Scenario::new(name, 100_000, 10_000)
        .aio("aio", move |n| {
            repeated::<Aio, _>(n, 1, move || async move { black_box(aio::race((first(1), slow(2))).await) as usize })
        })
        .peer("futures select", move |n| {
            let select = move || async move {
                let winner = select(pin!(first(1)), pin!(slow(2))).await.factor_first().0;
                black_box(winner) as usize
            };
            repeated::<Smol, _>(n, 1, select)
        })
        .peer("futures select_ok", move |n| {
            let select = move || async move {
                let wrap = |child: F| async move { Ok::<_, ()>(child.await) };
                let (a, b) = (pin!(wrap(first(1))), pin!(async { Ok::<_, ()>(slow(2).await) }));
                let children: [std::pin::Pin<&mut dyn Future<Output = Result<u64, ()>>>; 2] = [a, b];
                let (winner, _losers) = select_ok(children).await.expect("nobody fails");
                black_box(winner) as usize
            };
            repeated::<Smol, _>(n, 1, select)
        })
        .peer("futures-concurrency", move |n| {
            repeated::<Smol, _>(n, 1, move || async move { black_box((first(1), slow(2)).race().await) as usize })
        })
        .peer("smol race", move |n| {
            let race = move || async move { black_box(smol::future::or(first(1), slow(2)).await) as usize };
            repeated::<Smol, _>(n, 1, race)
        })
}

/// All outputs of as many children, one by one.
fn as_completed<F>(name: &'static str, child: fn(u64) -> F) -> Scenario
where
    F: Future<Output = u64> + 'static,
{
    let children = move || (0..MANY).map(child);
    Scenario::new(name, 200, 20)
        .aio("aio", move |n| {
            let drain = move || async move {
                let (mut outputs, mut seen) = (aio::as_completed(children()), 0);
                while let Some(output) = outputs.next().await {
                    black_box(output);
                    seen += 1;
                }
                seen
            };
            repeated::<Aio, _>(n, MANY, drain)
        })
        .peer("FuturesUnordered", move |n| {
            let drain = move || async move {
                let (mut outputs, mut seen) = (children().collect::<FuturesUnordered<_>>(), 0);
                while let Some(output) = outputs.next().await {
                    black_box(output);
                    seen += 1;
                }
                seen
            };
            repeated::<Smol, _>(n, MANY, drain)
        })
        .peer("futures-concurrency", move |n| {
            let drain = move || async move {
                let mut group = futures_concurrency::future::FutureGroup::with_capacity(MANY as usize);
                children().for_each(|child| _ = group.insert(child));
                let (mut outputs, mut seen) = (pin!(group), 0);
                while let Some(output) = outputs.next().await {
                    black_box(output);
                    seen += 1;
                }
                seen
            };
            repeated::<Smol, _>(n, MANY, drain)
        })
}
