//! A whole runtime for nothing, and waiting for nothing without one. The operation is a call.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use futures::executor::LocalPool;
use tokio::runtime::Builder;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Local, ring_peers, rows};

pub(super) fn scenarios() -> Vec<Scenario> {
    let run = Scenario::new("run(async {})", 2_000, 500)
        .aio("aio", |n| repeated(n, || aio::run(async {})))
        .peer("tokio", |n| {
            repeated(n, || Builder::new_current_thread().build().expect("it needs nothing").block_on(async {}))
        })
        .peer("smol", |n| {
            repeated(n, || {
                let executor = smol::LocalExecutor::new();
                smol::block_on(executor.run(async {}));
            })
        })
        .peer("futures", |n| repeated(n, || LocalPool::new().run_until(async {})));
    // With a task, which the other rows do without: next to nothing of what these take.
    let run = rows!(run, |n, R| repeated(n, || R::run(async {})); #[cfg(unix)] "monoio" Monoio,);
    let run = ring_peers!(run, |n, R| repeated(n, || R::run(async {})));
    vec![
        run.python("run_empty"),
        Scenario::new("block_on(ready)", 1_000_000, 100_000)
            .aio("aio", |n| repeated(n, || aio::block_on(async { black_box(()) })))
            .peer("tokio", |n| {
                let runtime = Builder::new_current_thread().build().expect("it needs nothing");
                repeated(n, || runtime.block_on(async { black_box(()) }))
            })
            .peer("smol", |n| repeated(n, || smol::block_on(async { black_box(()) })))
            .peer("futures", |n| repeated(n, || futures::executor::block_on(async { black_box(()) })))
            .floor("a poll", |n| {
                repeated(n, || {
                    let polled = pin!(async { black_box(()) }).poll(&mut Context::from_waker(Waker::noop()));
                    assert!(polled.is_ready());
                })
            }),
    ]
}

fn repeated(n: u64, mut call: impl FnMut()) -> Sample {
    let meter = Meter::start();
    for _ in 0..n {
        call();
    }
    meter.stop(n)
}
