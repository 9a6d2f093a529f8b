//! Queues and channels behind one face: two ends, for one sender and one receiver each; more of them are
//! clones.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use aio_sync::channel;
use aio_sync::local::channel as local_channel;
use futures::channel::mpsc as futures_mpsc;
use futures::{SinkExt, StreamExt};
use tokio::sync::mpsc as tokio_mpsc;

/// The two ends of a queue; or one that is both.
pub(crate) trait Queue: 'static {
    type Sender: 'static;
    type Receiver: 'static;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn put(sender: &mut Self::Sender, item: u64) -> impl Future<Output = ()>;
    fn get(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

/// The same for ends that may cross threads.
pub(crate) trait SharedQueue: 'static {
    type Sender: Send + 'static;
    type Receiver: Send + 'static;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn put(sender: &mut Self::Sender, item: u64) -> impl Future<Output = ()> + Send;
    fn get(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

pub(crate) struct AioLocal;
pub(crate) struct AioLocalUnbounded;
pub(crate) struct Aio;
pub(crate) struct AioUnbounded;
pub(crate) struct AioLocalChannel;
pub(crate) struct AioLocalChannelUnbounded;
pub(crate) struct AioChannel;
pub(crate) struct AioChannelUnbounded;
pub(crate) struct Tokio;
pub(crate) struct TokioUnbounded;
pub(crate) struct AsyncChannel;
pub(crate) struct AsyncChannelUnbounded;
pub(crate) struct Flume;
pub(crate) struct FlumeUnbounded;
pub(crate) struct Futures;
pub(crate) struct FuturesUnbounded;

macro_rules! queue {
    (
        $($contract:ident),+ for $name:ident: $sender:ty, $receiver:ty;
        new($capacity:ident) $new:expr;
        put($end:ident, $item:ident) $put:expr;
        get($other:ident) $get:expr;
    ) => {
        $(queue!(@ $contract, $name, $sender, $receiver, $capacity, $new, $end, $item, $put, $other, $get);)+
    };
    (
        @ $contract:ident, $name:ident, $sender:ty, $receiver:ty, $capacity:ident, $new:expr,
        $end:ident, $item:ident, $put:expr, $other:ident, $get:expr
    ) => {
        impl $contract for $name {
            type Sender = $sender;
            type Receiver = $receiver;

            fn bounded($capacity: usize) -> ($sender, $receiver) {
                $new
            }

            async fn put($end: &mut $sender, $item: u64) {
                assert!($put.is_ok());
            }

            async fn get($other: &mut $receiver) -> u64 {
                $get.expect("it is open")
            }
        }
    };
}

fn both_ends<Q: Clone>(queue: Q) -> (Q, Q) {
    (queue.clone(), queue)
}

type AioLocalEnd = Rc<aio::local::Queue<u64>>;
type AioEnd = Arc<aio::Queue<u64>>;

queue! {
    Queue for AioLocal: AioLocalEnd, AioLocalEnd;
    new(n) both_ends(Rc::new(aio::local::Queue::bounded(n)));
    put(end, item) end.put(item).await;
    get(end) end.get().await;
}
queue! {
    Queue for AioLocalUnbounded: AioLocalEnd, AioLocalEnd;
    new(_n) both_ends(Rc::new(aio::local::Queue::unbounded()));
    put(end, item) end.put(item).await;
    get(end) end.get().await;
}
queue! {
    Queue, SharedQueue for Aio: AioEnd, AioEnd;
    new(n) both_ends(Arc::new(aio::Queue::bounded(n)));
    put(end, item) end.put(item).await;
    get(end) end.get().await;
}
queue! {
    Queue, SharedQueue for AioUnbounded: AioEnd, AioEnd;
    new(_n) both_ends(Arc::new(aio::Queue::unbounded()));
    put(end, item) end.put(item).await;
    get(end) end.get().await;
}
queue! {
    Queue for AioLocalChannel: local_channel::Sender<u64>, local_channel::Receiver<u64>;
    new(n) local_channel::bounded(n);
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue for AioLocalChannelUnbounded: local_channel::Sender<u64>, local_channel::Receiver<u64>;
    new(_n) local_channel::unbounded();
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for AioChannel: channel::Sender<u64>, channel::Receiver<u64>;
    new(n) channel::bounded(n);
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for AioChannelUnbounded: channel::Sender<u64>, channel::Receiver<u64>;
    new(_n) channel::unbounded();
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for Tokio: tokio_mpsc::Sender<u64>, tokio_mpsc::Receiver<u64>;
    new(n) tokio_mpsc::channel(n);
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for TokioUnbounded: tokio_mpsc::UnboundedSender<u64>, tokio_mpsc::UnboundedReceiver<u64>;
    new(_n) tokio_mpsc::unbounded_channel();
    put(end, item) end.send(item);
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for AsyncChannel: smol::channel::Sender<u64>, smol::channel::Receiver<u64>;
    new(n) smol::channel::bounded(n);
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for AsyncChannelUnbounded: smol::channel::Sender<u64>, smol::channel::Receiver<u64>;
    new(_n) smol::channel::unbounded();
    put(end, item) end.send(item).await;
    get(end) end.recv().await;
}
queue! {
    Queue, SharedQueue for Flume: flume::Sender<u64>, flume::Receiver<u64>;
    new(n) flume::bounded(n);
    put(end, item) end.send_async(item).await;
    get(end) end.recv_async().await;
}
queue! {
    Queue, SharedQueue for FlumeUnbounded: flume::Sender<u64>, flume::Receiver<u64>;
    new(_n) flume::unbounded();
    put(end, item) end.send(item);
    get(end) end.recv_async().await;
}
// It has room for one more for each sender.
queue! {
    Queue, SharedQueue for Futures: futures_mpsc::Sender<u64>, futures_mpsc::Receiver<u64>;
    new(n) futures_mpsc::channel(n - 1);
    put(end, item) end.send(item).await;
    get(end) end.next().await;
}
queue! {
    Queue, SharedQueue for FuturesUnbounded: futures_mpsc::UnboundedSender<u64>, futures_mpsc::UnboundedReceiver<u64>;
    new(_n) futures_mpsc::unbounded();
    put(end, item) end.unbounded_send(item);
    get(end) end.next().await;
}
