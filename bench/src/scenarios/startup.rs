//! A whole runtime for nothing, and waiting for nothing without one. The operation is a call.

use std::hint::black_box;

use futures::executor::LocalPool;
use monoio::{FusionDriver, RuntimeBuilder};
use tokio::runtime::Builder;

use crate::harness::{Meter, Sample, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("run(async {})", 2_000, 500)
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
            .peer("monoio", |n| {
                repeated(n, || {
                    let runtime = RuntimeBuilder::<FusionDriver>::new().enable_timer().build();
                    runtime.expect("a ring or an epoll instance").block_on(async {});
                })
            })
            .peer("futures", |n| repeated(n, || LocalPool::new().run_until(async {}))),
        Scenario::new("block_on(ready)", 1_000_000, 100_000)
            .aio("aio", |n| repeated(n, || aio::block_on(async { black_box(()) })))
            .peer("tokio", |n| {
                let runtime = Builder::new_current_thread().build().expect("it needs nothing");
                repeated(n, || runtime.block_on(async { black_box(()) }))
            })
            .peer("smol", |n| repeated(n, || smol::block_on(async { black_box(()) })))
            .peer("futures", |n| repeated(n, || futures::executor::block_on(async { black_box(()) }))),
    ]
}

fn repeated(n: u64, mut call: impl FnMut()) -> Sample {
    let meter = Meter::start();
    for _ in 0..n {
        call();
    }
    meter.stop(n)
}
