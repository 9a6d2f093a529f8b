//! Items from a generator to a loop that adds them up. Nothing waits, so the executor does not matter.

use std::hint::black_box;
use std::pin::pin;

use futures::stream::{Stream, StreamExt, iter, unfold};

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("generator, per item", 1_000_000, 100_000)
            .aio("aio", |n| consume::<Aio>(n, by_closure(n)))
            .peer("async-stream", |n| consume::<Smol>(n, by_macro(n)))
            .python("generator")
            // Less than a generator: a function from state to state, without control flow.
            .floor("futures unfold", |n| consume::<Smol>(n, by_steps(n)))
            .floor("an iterator", |n| consume::<Smol>(n, iter((0..n).map(black_box)))),
    ]
}

fn by_closure(n: u64) -> impl Stream<Item = u64> {
    aio::generate(async move |out| {
        for i in 0..n {
            out.emit(i).await;
        }
    })
}

fn by_macro(n: u64) -> impl Stream<Item = u64> {
    async_stream::stream! {
        for i in 0..n {
            yield i;
        }
    }
}

fn by_steps(n: u64) -> impl Stream<Item = u64> {
    unfold(0, move |i| async move { (i < n).then_some((i, i + 1)) })
}

fn consume<R: Local>(n: u64, items: impl Stream<Item = u64> + 'static) -> Sample {
    R::run(async move {
        let mut items = pin!(items);
        let meter = Meter::start();
        let mut sum = 0;
        while let Some(item) = items.next().await {
            sum += item;
        }
        let sample = meter.stop(n);
        assert_eq!(sum, n * (n - 1) / 2);
        sample
    })
}
