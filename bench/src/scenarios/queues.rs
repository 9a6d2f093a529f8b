//! Bounded queues between two tasks on one thread: a stream of items, and one item to and fro. No peer has one that
//! stays on its thread, so both of ours meet the same peers, each on the executor it comes with; flume comes with none.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol, Tokio};

/// For how many items a queue has room while they stream.
const CAPACITY: usize = 128;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("queue, one to one", 1_000_000, 100_000)
            .aio("aio::local", stream::<Aio, Rc<aio::local::Queue<u64>>>)
            .aio("aio", stream::<Aio, Arc<aio::Queue<u64>>>)
            .peer("tokio", stream::<Tokio, TokioChannel>)
            .peer("async-channel", stream::<Smol, AsyncChannel>)
            .peer("flume, on tokio", stream::<Tokio, Flume>),
        Scenario::new("queue, ping-pong", 200_000, 20_000)
            .aio("aio::local", ping_pong::<Aio, Rc<aio::local::Queue<u64>>>)
            .aio("aio", ping_pong::<Aio, Arc<aio::Queue<u64>>>)
            .peer("tokio", ping_pong::<Tokio, TokioChannel>)
            .peer("async-channel", ping_pong::<Smol, AsyncChannel>)
            .peer("flume, on tokio", ping_pong::<Tokio, Flume>),
    ]
}

/// The two ends of a queue; or one that is both.
trait Queue: 'static {
    type Sender: 'static;
    type Receiver: 'static;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn put(sender: &Self::Sender, item: u64) -> impl Future<Output = ()>;
    fn get(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

macro_rules! queue {
    ($queue:ty: $sender:ty, $receiver:ty, $new:expr, $put:ident, $get:ident) => {
        impl Queue for $queue {
            type Sender = $sender;
            type Receiver = $receiver;

            fn bounded(capacity: usize) -> ($sender, $receiver) {
                $new(capacity)
            }

            async fn put(sender: &$sender, item: u64) {
                assert!(sender.$put(item).await.is_ok());
            }

            async fn get(receiver: &mut $receiver) -> u64 {
                receiver.$get().await.expect("it is open")
            }
        }
    };
}

fn both_ends<Q: Clone>(queue: Q) -> (Q, Q) {
    (queue.clone(), queue)
}

struct TokioChannel;
struct AsyncChannel;
struct Flume;

queue!(Rc<aio::local::Queue<u64>>: Self, Self, |n| both_ends(Rc::new(aio::local::Queue::bounded(n))), put, get);
queue!(Arc<aio::Queue<u64>>: Self, Self, |n| both_ends(Arc::new(aio::Queue::bounded(n))), put, get);
queue!(TokioChannel: mpsc::Sender<u64>, mpsc::Receiver<u64>, mpsc::channel, send, recv);
queue!(AsyncChannel: smol::channel::Sender<u64>, smol::channel::Receiver<u64>, smol::channel::bounded, send, recv);
queue!(Flume: flume::Sender<u64>, flume::Receiver<u64>, flume::bounded, send_async, recv_async);

/// The one puts until there is no room, the other gets until there is nothing.
fn stream<R: Local, Q: Queue>(n: u64) -> Sample {
    R::run(async move {
        let (sender, mut receiver) = Q::bounded(CAPACITY);
        let meter = Meter::start();
        let producer = R::spawn(async move {
            for i in 0..n {
                Q::put(&sender, i).await;
            }
        });
        for i in 0..n {
            assert_eq!(Q::get(&mut receiver).await, i);
        }
        producer.await;
        meter.stop(n)
    })
}

/// Each waits for the other; an operation is a round trip.
fn ping_pong<R: Local, Q: Queue>(n: u64) -> Sample {
    R::run(async move {
        let (ping, mut pinged) = Q::bounded(1);
        let (pong, mut ponged) = Q::bounded(1);
        let meter = Meter::start();
        let other = R::spawn(async move {
            for _ in 0..n {
                let item = Q::get(&mut pinged).await;
                Q::put(&pong, item).await;
            }
        });
        for i in 0..n {
            Q::put(&ping, i).await;
            assert_eq!(Q::get(&mut ponged).await, i);
        }
        other.await;
        meter.stop(n)
    })
}
