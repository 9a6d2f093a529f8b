//! Adapters of streams, merged streams, and streams of futures of which some run at a time. An operation is an item.
//! Nothing here depends on the executor but what is woken.

use std::future::ready;
use std::hint::black_box;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures::stream::{self, Stream, StreamExt as _};
use futures_concurrency::stream::Merge;

use super::gather::yielding;
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol};

/// How many streams are merged, and how many futures run at a time.
const WIDTH: usize = 10;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("stream: map, filter and take_while", 1_000_000, 100_000)
            .aio("aio", |n| consume::<Aio>(n, adapted(n)))
            .peer("futures", |n| consume::<Smol>(n, adapted_by_futures(n)))
            .floor("an iterator", |n| consume::<Smol>(n, stream::iter(iterated(n)))),
        Scenario::new("stream: merge 10, ready", 1_000_000, 100_000)
            .aio("aio", |n| consume::<Aio>(n, aio_stream::merge_all(streams(n, stream::iter))))
            .peer("futures select_all", |n| consume::<Smol>(n, stream::select_all(streams(n, stream::iter))))
            .peer("futures-concurrency", |n| consume::<Smol>(n, streams(n, stream::iter).merge())),
        Scenario::new("stream: merge 10, yielding", 200_000, 20_000)
            .aio("aio", |n| consume::<Aio>(n, aio_stream::merge_all(streams(n, Waiting::of))))
            .peer("futures select_all", |n| consume::<Smol>(n, stream::select_all(streams(n, Waiting::of))))
            .peer("futures-concurrency", |n| consume::<Smol>(n, streams(n, Waiting::of).merge())),
        Scenario::new("stream: 10 futures at a time", 200_000, 20_000)
            .aio("map_concurrent", map_concurrent)
            .aio("buffered_in", buffered_in)
            .peer("futures buffered", |n| consume::<Smol>(n, stream::iter(0..n).map(yielding).buffered(WIDTH)))
            .peer("futures buffer_unordered", |n| {
                consume::<Smol>(n, stream::iter(0..n).map(yielding).buffer_unordered(WIDTH))
            }),
    ]
}

/// Nothing is filtered out, and the end is not reached, but nobody knows that.
fn is_wanted(i: &u64) -> bool {
    black_box(*i) != u64::MAX
}

fn adapted(n: u64) -> impl Stream<Item = u64> {
    use aio_stream::StreamExt as Of;

    let mapped = Of::map(aio_stream::iter(0..n), black_box);
    Of::take_while(Of::filter(mapped, is_wanted), is_wanted)
}

fn adapted_by_futures(n: u64) -> impl Stream<Item = u64> {
    stream::iter(0..n).map(black_box).filter(|i| ready(is_wanted(i))).take_while(|i| ready(is_wanted(i)))
}

fn iterated(n: u64) -> impl Iterator<Item = u64> {
    (0..n).map(black_box).filter(is_wanted).take_while(is_wanted)
}

/// The numbers below `n` in as many streams as are merged.
fn streams<S>(n: u64, stream: impl Fn(Range<u64>) -> S) -> Vec<S> {
    let n_streams = WIDTH as u64;
    (0..n_streams).map(|i| stream(n * i / n_streams..n * (i + 1) / n_streams)).collect()
}

/// Numbers, each after a wake.
struct Waiting {
    left: Range<u64>,
    woken: bool,
}

impl Waiting {
    fn of(left: Range<u64>) -> Self {
        Self { left, woken: false }
    }
}

impl Stream for Waiting {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        self.woken = !self.woken;
        if self.woken {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.left.next())
    }
}

fn map_concurrent(n: u64) -> Sample {
    Aio::run(async move {
        let meter = Meter::start();
        let items = aio_stream::StreamExt::map_concurrent(aio_stream::iter(0..n), WIDTH, yielding).await;
        let sample = meter.stop(n);
        assert_eq!(items.into_iter().sum::<u64>(), n * (n - 1) / 2);
        sample
    })
}

fn buffered_in(n: u64) -> Sample {
    Aio::run(async move {
        let group = aio::local::TaskGroup::<std::convert::Infallible>::new();
        let body = async {
            let futures = aio_stream::StreamExt::map(aio_stream::iter(0..n), yielding);
            sum(n, aio_stream::StreamExt::buffered_in(futures, &group, WIDTH)).await
        };
        group.join(body).await
    })
}

async fn sum(n: u64, items: impl Stream<Item = u64>) -> Sample {
    let mut items = pin!(items);
    let meter = Meter::start();
    let mut sum = 0;
    while let Some(item) = items.next().await {
        sum += item;
    }
    let sample = meter.stop(n);
    assert_eq!(sum, n * (n - 1) / 2);
    sample
}

fn consume<R: Local>(n: u64, items: impl Stream<Item = u64> + 'static) -> Sample {
    R::run(sum(n, items))
}
