//! Queues between two tasks: a stream of items, and one item to and fro. No peer has one that stays on its thread, so
//! both of ours meet the same peers, each on the executor it comes with; flume and futures' channels come with none.
//!
//! On two workers the sender is a task of its own, which may run beside the receiver; or on the same worker, in turns,
//! as is quicker.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::channels::{self, Queue, SharedQueue};
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, SmolWorkers, Tokio, TokioWorkers};

/// For how many items a bounded queue has room while they stream.
const CAPACITY: usize = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    use channels as c;
    vec![
        Scenario::new("queue of 64, one to one", 1_000_000, 100_000)
            .aio("aio::local", stream::<Aio, c::AioLocal>)
            .aio("aio", stream::<Aio, c::Aio>)
            .aio("aio::local::channel", stream::<Aio, c::AioLocalChannel>)
            .aio("aio::channel", stream::<Aio, c::AioChannel>)
            .peer("tokio", stream::<Tokio, c::Tokio>)
            .peer("async-channel, on smol", stream::<Smol, c::AsyncChannel>)
            .peer("flume, on tokio", stream::<Tokio, c::Flume>)
            .peer("futures, on tokio", stream::<Tokio, c::Futures>)
            .python("queue_bounded")
            .floor("VecDeque", deque),
        Scenario::new("queue unbounded, one to one", 1_000_000, 100_000)
            .aio("aio::local", stream::<Aio, c::AioLocalUnbounded>)
            .aio("aio", stream::<Aio, c::AioUnbounded>)
            .aio("aio::local::channel", stream::<Aio, c::AioLocalChannelUnbounded>)
            .aio("aio::channel", stream::<Aio, c::AioChannelUnbounded>)
            .peer("tokio", stream::<Tokio, c::TokioUnbounded>)
            .peer("async-channel, on smol", stream::<Smol, c::AsyncChannelUnbounded>)
            .peer("flume, on tokio", stream::<Tokio, c::FlumeUnbounded>)
            .peer("futures, on tokio", stream::<Tokio, c::FuturesUnbounded>)
            .python("queue_unbounded")
            .floor("VecDeque", deque),
        Scenario::new("queue, ping-pong", 200_000, 20_000)
            .aio("aio::local", ping_pong::<Aio, c::AioLocal>)
            .aio("aio", ping_pong::<Aio, c::Aio>)
            .aio("aio::local::channel", ping_pong::<Aio, c::AioLocalChannel>)
            .aio("aio::channel", ping_pong::<Aio, c::AioChannel>)
            .peer("tokio", ping_pong::<Tokio, c::Tokio>)
            .peer("async-channel, on smol", ping_pong::<Smol, c::AsyncChannel>)
            .peer("flume, on tokio", ping_pong::<Tokio, c::Flume>)
            .peer("futures, on tokio", ping_pong::<Tokio, c::Futures>)
            .python("queue_ping_pong")
            .floor("VecDeques", deques),
        Scenario::new("queue of 64, 2 workers", 1_000_000, 100_000)
            .aio("aio", shared_stream::<AioWorkers, c::Aio>)
            .aio("aio::channel", shared_stream::<AioWorkers, c::AioChannel>)
            .peer("tokio", shared_stream::<TokioWorkers, c::Tokio>)
            .peer("async-channel, on smol", shared_stream::<SmolWorkers, c::AsyncChannel>)
            .peer("flume, on tokio", shared_stream::<TokioWorkers, c::Flume>)
            .peer("futures, on tokio", shared_stream::<TokioWorkers, c::Futures>)
            .floor("two threads, std", two_threads),
        Scenario::new("queue unbounded, 2 workers", 1_000_000, 100_000)
            .aio("aio", shared_stream::<AioWorkers, c::AioUnbounded>)
            .aio("aio::channel", shared_stream::<AioWorkers, c::AioChannelUnbounded>)
            .peer("tokio", shared_stream::<TokioWorkers, c::TokioUnbounded>)
            .peer("async-channel, on smol", shared_stream::<SmolWorkers, c::AsyncChannelUnbounded>)
            .peer("flume, on tokio", shared_stream::<TokioWorkers, c::FlumeUnbounded>)
            .peer("futures, on tokio", shared_stream::<TokioWorkers, c::FuturesUnbounded>),
    ]
}

/// The one puts until there is no room, the other gets until there is nothing.
fn stream<R: Local, Q: Queue>(n: u64) -> Sample {
    R::run(async move {
        let (mut sender, mut receiver) = Q::bounded(CAPACITY);
        let meter = Meter::start();
        let producer = R::spawn(async move {
            for i in 0..n {
                Q::put(&mut sender, i).await;
            }
        });
        for i in 0..n {
            assert_eq!(Q::get(&mut receiver).await, i);
        }
        producer.await;
        meter.stop(n)
    })
}

fn shared_stream<R: Shared, Q: SharedQueue>(n: u64) -> Sample {
    R::run(async move {
        let (mut sender, mut receiver) = Q::bounded(CAPACITY);
        let meter = R::meter();
        let producer = R::spawn(async move {
            for i in 0..n {
                Q::put(&mut sender, i).await;
            }
        });
        for i in 0..n {
            assert_eq!(Q::get(&mut receiver).await, i);
        }
        producer.await;
        meter.stop(n)
    })
}

/// `repeat` times, `n_tasks` tasks wait for an item each, and are given it.
pub(crate) fn getters<R: Local, Q: Queue<Receiver: Clone>>(repeat: u64, n_tasks: u64) -> Sample {
    R::run(async move {
        let (mut sender, receiver) = Q::bounded(CAPACITY);
        let mut sum = 0;
        let meter = Meter::start();
        for _ in 0..repeat {
            let get = |mut receiver| async move { Q::get(&mut receiver).await };
            let tasks: Vec<_> = (0..n_tasks).map(|_| R::spawn(get(receiver.clone()))).collect();
            // All of them come to wait.
            R::yield_now().await;
            for i in 0..n_tasks {
                Q::put(&mut sender, i).await;
            }
            for task in tasks {
                sum += task.await;
            }
        }
        let sample = meter.stop(repeat * n_tasks);
        assert_eq!(sum, repeat * (n_tasks * (n_tasks - 1) / 2));
        sample
    })
}

/// Each waits for the other; an operation is a round trip.
fn ping_pong<R: Local, Q: Queue>(n: u64) -> Sample {
    R::run(async move {
        let (mut ping, mut pinged) = Q::bounded(1);
        let (mut pong, mut ponged) = Q::bounded(1);
        let meter = Meter::start();
        let other = R::spawn(async move {
            for _ in 0..n {
                let item = Q::get(&mut pinged).await;
                Q::put(&mut pong, item).await;
            }
        });
        for i in 0..n {
            Q::put(&mut ping, i).await;
            assert_eq!(Q::get(&mut ponged).await, i);
        }
        other.await;
        meter.stop(n)
    })
}

/// Filled and emptied in turns, by nobody but this function.
fn deque(n: u64) -> Sample {
    let queue = RefCell::new(VecDeque::with_capacity(CAPACITY));
    let (mut put, mut got) = (0, 0);
    let meter = Meter::start();
    while got < n {
        while queue.borrow().len() < CAPACITY && put < n {
            queue.borrow_mut().push_back(black_box(put));
            put += 1;
        }
        loop {
            // A borrow for each item, as a queue with two ends needs.
            let Some(item) = queue.borrow_mut().pop_front() else { break };
            assert_eq!(item, got);
            got += 1;
        }
    }
    meter.stop(n)
}

/// Two tasks that are numbers in a run queue, and an item that goes from the one's queue to the other's.
fn deques(n: u64) -> Sample {
    let queues = [const { RefCell::new(VecDeque::new()) }; 2];
    let mut running = VecDeque::from([0]);
    queues[0].borrow_mut().push_back(0);
    let meter = Meter::start();
    for turn in 0..2 * n {
        let task: usize = running.pop_front().expect("one of them is running");
        let item: u64 = queues[task].borrow_mut().pop_front().expect("it was put there");
        assert_eq!(item, turn);
        let other = 1 - black_box(task);
        queues[other].borrow_mut().push_back(item + 1);
        running.push_back(other);
    }
    meter.stop(n)
}

/// A thread for each end.
fn two_threads(n: u64) -> Sample {
    let (sender, receiver) = sync_channel(CAPACITY);
    thread::scope(|scope| {
        let meter = Meter::start_wall();
        scope.spawn(move || (0..n).try_for_each(|i| sender.send(i)));
        for i in 0..n {
            assert_eq!(receiver.recv(), Ok(i));
        }
        meter.stop(n)
    })
}
