//! Queues and channels with several senders: four to one receiver, and four to four. An operation is an item. What is
//! said in `queues` of homes, executors and workers holds here, too.

use crate::channels::{self as c, Queue, SharedQueue};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, SmolWorkers, Tokio, TokioWorkers};

/// For how many items a bounded queue has room.
const CAPACITY: usize = 64;
/// How many tasks put items.
const N_SENDERS: u64 = 4;
/// How many tasks get them, where there are several.
const N_RECEIVERS: u64 = 4;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("queue of 64, four to one", 1_000_000, 100_000)
            .aio("aio::local", many_to_one::<Aio, c::AioLocal>)
            .aio("aio", many_to_one::<Aio, c::Aio>)
            .aio("aio::local::channel", many_to_one::<Aio, c::AioLocalChannel>)
            .aio("aio::channel", many_to_one::<Aio, c::AioChannel>)
            .peer("tokio", many_to_one::<Tokio, c::Tokio>)
            .peer("async-channel, on smol", many_to_one::<Smol, c::AsyncChannel>)
            .peer("flume, on tokio", many_to_one::<Tokio, c::Flume>)
            .peer("futures, on tokio", many_to_one::<Tokio, c::Futures>),
        Scenario::new("queue unbounded, four to one", 1_000_000, 100_000)
            .aio("aio::local", many_to_one::<Aio, c::AioLocalUnbounded>)
            .aio("aio", many_to_one::<Aio, c::AioUnbounded>)
            .aio("aio::local::channel", many_to_one::<Aio, c::AioLocalChannelUnbounded>)
            .aio("aio::channel", many_to_one::<Aio, c::AioChannelUnbounded>)
            .peer("tokio", many_to_one::<Tokio, c::TokioUnbounded>)
            .peer("async-channel, on smol", many_to_one::<Smol, c::AsyncChannelUnbounded>)
            .peer("flume, on tokio", many_to_one::<Tokio, c::FlumeUnbounded>)
            .peer("futures, on tokio", many_to_one::<Tokio, c::FuturesUnbounded>),
        // Those of tokio and futures have one receiver.
        Scenario::new("queue of 64, four to four", 1_000_000, 100_000)
            .aio("aio::local", many_to_many::<Aio, c::AioLocal>)
            .aio("aio", many_to_many::<Aio, c::Aio>)
            .aio("aio::local::channel", many_to_many::<Aio, c::AioLocalChannel>)
            .aio("aio::channel", many_to_many::<Aio, c::AioChannel>)
            .peer("async-channel, on smol", many_to_many::<Smol, c::AsyncChannel>)
            .peer("flume, on tokio", many_to_many::<Tokio, c::Flume>),
        Scenario::new("queue of 64, four to one, 2 workers", 1_000_000, 100_000)
            .aio("aio", shared_many_to_one::<AioWorkers, c::Aio>)
            .aio("aio::channel", shared_many_to_one::<AioWorkers, c::AioChannel>)
            .peer("tokio", shared_many_to_one::<TokioWorkers, c::Tokio>)
            .peer("async-channel, on smol", shared_many_to_one::<SmolWorkers, c::AsyncChannel>)
            .peer("flume, on tokio", shared_many_to_one::<TokioWorkers, c::Flume>)
            .peer("futures, on tokio", shared_many_to_one::<TokioWorkers, c::Futures>),
        Scenario::new("queue of 64, four to four, 2 workers", 1_000_000, 100_000)
            .aio("aio", shared_many_to_many::<AioWorkers, c::Aio>)
            .aio("aio::channel", shared_many_to_many::<AioWorkers, c::AioChannel>)
            .peer("async-channel, on smol", shared_many_to_many::<SmolWorkers, c::AsyncChannel>)
            .peer("flume, on tokio", shared_many_to_many::<TokioWorkers, c::Flume>),
    ]
}

/// What all receivers together add up, each sender having put the numbers below `n`.
fn sum_of(n: u64) -> u64 {
    N_SENDERS * (n * (n - 1) / 2)
}

/// The same code for both kinds of queue, whose bounds differ.
macro_rules! many {
    ($to_one:ident, $to_many:ident, $runtime:ident, $queue:ident, $meter:expr) => {
        fn $to_one<R: $runtime, Q: $queue<Sender: Clone>>(n: u64) -> Sample {
            R::run(async move {
                let (sender, mut receiver) = Q::bounded(CAPACITY);
                let each = n / N_SENDERS;
                let meter = $meter;
                let put = |mut sender| async move {
                    for i in 0..each {
                        Q::put(&mut sender, i).await;
                    }
                };
                let senders: Vec<_> = (0..N_SENDERS).map(|_| R::spawn(put(sender.clone()))).collect();
                let mut sum = 0;
                for _ in 0..N_SENDERS * each {
                    sum += Q::get(&mut receiver).await;
                }
                for sender in senders {
                    sender.await;
                }
                let sample = meter.stop(N_SENDERS * each);
                assert_eq!(sum, sum_of(each));
                sample
            })
        }

        fn $to_many<R: $runtime, Q: $queue<Sender: Clone, Receiver: Clone>>(n: u64) -> Sample {
            R::run(async move {
                let (sender, receiver) = Q::bounded(CAPACITY);
                let (each, of_one) = (n / N_SENDERS, n / N_SENDERS * N_SENDERS / N_RECEIVERS);
                let meter = $meter;
                let put = |mut sender| async move {
                    for i in 0..each {
                        Q::put(&mut sender, i).await;
                    }
                };
                let get = |mut receiver| async move {
                    let mut sum = 0;
                    for _ in 0..of_one {
                        sum += Q::get(&mut receiver).await;
                    }
                    sum
                };
                let senders: Vec<_> = (0..N_SENDERS).map(|_| R::spawn(put(sender.clone()))).collect();
                let receivers: Vec<_> = (0..N_RECEIVERS).map(|_| R::spawn(get(receiver.clone()))).collect();
                let mut sum = 0;
                for receiver in receivers {
                    sum += receiver.await;
                }
                for sender in senders {
                    sender.await;
                }
                let sample = meter.stop(N_SENDERS * each);
                assert_eq!(sum, sum_of(each));
                sample
            })
        }
    };
}

many!(many_to_one, many_to_many, Local, Queue, Meter::start());
many!(shared_many_to_one, shared_many_to_many, Shared, SharedQueue, R::meter());
