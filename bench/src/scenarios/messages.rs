//! Tasks that do nothing but wake each other: tokens that go round in a ring of 1,000 tasks, an operation being a step
//! to the next one; and 64 pairs, in each of which one item goes to and fro, an operation being a round trip.

use std::collections::VecDeque;
use std::hint::black_box;

use crate::channels::{self as c, Queue, SharedQueue};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, SmolWorkers, Tokio, TokioWorkers};

const N_TASKS: usize = 1_000;
/// Tokens on their way, evenly spread.
const N_TOKENS: usize = 100;
const N_PAIRS: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        // The size is in rounds that every token makes.
        Scenario::new("ring of 1000 tasks", 10, 2)
            .aio("aio::local", ring::<Aio, c::AioLocalUnbounded>)
            .aio("aio", ring::<Aio, c::AioUnbounded>)
            .peer("tokio", ring::<Tokio, c::TokioUnbounded>)
            .peer("async-channel, on smol", ring::<Smol, c::AsyncChannelUnbounded>)
            .peer("flume, on tokio", ring::<Tokio, c::FlumeUnbounded>)
            .peer("futures, on tokio", ring::<Tokio, c::FuturesUnbounded>)
            .python("ring")
            .floor("a VecDeque", tokens),
        Scenario::new("ring of 1000 tasks, 2 workers", 10, 2)
            .aio("aio", shared_ring::<AioWorkers, c::AioUnbounded>)
            .peer("tokio", shared_ring::<TokioWorkers, c::TokioUnbounded>)
            .peer("async-channel, on smol", shared_ring::<SmolWorkers, c::AsyncChannelUnbounded>)
            .peer("flume, on tokio", shared_ring::<TokioWorkers, c::FlumeUnbounded>)
            .peer("futures, on tokio", shared_ring::<TokioWorkers, c::FuturesUnbounded>),
        Scenario::new("64 pairs, 2 workers", 5_000, 500)
            .aio("aio", pairs::<AioWorkers, c::Aio>)
            .peer("tokio", pairs::<TokioWorkers, c::Tokio>)
            .peer("async-channel, on smol", pairs::<SmolWorkers, c::AsyncChannel>)
            .peer("flume, on tokio", pairs::<TokioWorkers, c::Flume>)
            .peer("futures, on tokio", pairs::<TokioWorkers, c::Futures>),
    ]
}

/// For how many items a task waits: each of the tokens comes to it once in each round.
fn steps(n: u64) -> u64 {
    n * N_TOKENS as u64
}

/// The same code for both kinds of queue, whose bounds differ.
macro_rules! ring {
    ($name:ident, $runtime:ident, $queue:ident, $meter:expr) => {
        fn $name<R: $runtime, Q: $queue>(n: u64) -> Sample {
            R::run(async move {
                let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..N_TASKS).map(|_| Q::bounded(N_TOKENS)).collect();
                for i in 0..N_TOKENS {
                    Q::put(&mut senders[i * N_TASKS / N_TOKENS], 0).await;
                }
                // Each passes on to the next.
                senders.rotate_left(1);
                let meter = $meter;
                let task = move |(mut sender, mut receiver)| async move {
                    let mut seen = 0;
                    for _ in 0..steps(n) {
                        let token = Q::get(&mut receiver).await;
                        seen += token;
                        Q::put(&mut sender, token + 1).await;
                    }
                    // The last tokens are still in the queues: those may close now.
                    (seen, sender, receiver)
                };
                let tasks: Vec<_> = senders.into_iter().zip(receivers).map(|ends| R::spawn(task(ends))).collect();
                let mut seen = 0;
                let mut ends = Vec::new();
                for task in tasks {
                    let (some, sender, receiver) = task.await;
                    seen += some;
                    ends.push((sender, receiver));
                }
                let n_steps = steps(n) * N_TASKS as u64;
                let sample = meter.stop(n_steps);
                // Every token counts its steps from 0.
                let of_one = n_steps / N_TOKENS as u64;
                assert_eq!(seen, N_TOKENS as u64 * (of_one * (of_one - 1) / 2));
                sample
            })
        }
    };
}

ring!(ring, Local, Queue, Meter::start());
ring!(shared_ring, Shared, SharedQueue, R::meter());

/// Each of the pairs makes `n` round trips.
fn pairs<R: Shared, Q: SharedQueue>(n: u64) -> Sample {
    R::run(async move {
        let meter = R::meter();
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for _ in 0..N_PAIRS {
            let (mut ping, mut pinged) = Q::bounded(1);
            let (mut pong, mut ponged) = Q::bounded(1);
            ones.push(R::spawn(async move {
                for i in 0..n {
                    Q::put(&mut ping, i).await;
                    assert_eq!(Q::get(&mut ponged).await, i);
                }
            }));
            others.push(R::spawn(async move {
                for _ in 0..n {
                    let item = Q::get(&mut pinged).await;
                    Q::put(&mut pong, item).await;
                }
            }));
        }
        for (one, other) in ones.into_iter().zip(others) {
            one.await;
            other.await;
        }
        meter.stop(N_PAIRS * n)
    })
}

/// Who has the token is the next in the queue.
fn tokens(n: u64) -> Sample {
    let mut queue: VecDeque<(usize, u64)> = (0..N_TOKENS).map(|i| (i * N_TASKS / N_TOKENS, 0)).collect();
    let mut seen = [0; N_TASKS];
    let n_steps = steps(n) * N_TASKS as u64;
    let meter = Meter::start();
    for _ in 0..n_steps {
        let (task, token) = queue.pop_front().expect("no token is lost");
        seen[task] += black_box(1);
        queue.push_back(((task + 1) % N_TASKS, token + 1));
    }
    let sample = meter.stop(n_steps);
    assert_eq!(seen.iter().sum::<u64>(), n_steps);
    sample
}
