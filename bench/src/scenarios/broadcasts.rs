//! Messages that each of ten receivers gets. An operation is a message that one of them has got: each that is sent
//! counts ten. The sender yields after each message, or after many, so that nobody lags behind.

use std::future::Future;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Tokio};

/// How many messages are kept.
const CAPACITY: usize = 64;
const N_RECEIVERS: u64 = 10;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("broadcast, 10 receivers", 50_000, 5_000)
            .aio("aio::local", |n| received::<Aio, OfAioLocal>(1, n))
            .aio("aio", |n| received::<Aio, OfAio>(1, n))
            .peer("tokio", |n| received::<Tokio, OfTokio>(1, n)),
        Scenario::new("broadcast, 10 receivers, 50 at a time", 50_000, 5_000)
            .aio("aio::local", |n| received::<Aio, OfAioLocal>(50, n))
            .aio("aio", |n| received::<Aio, OfAio>(50, n))
            .peer("tokio", |n| received::<Tokio, OfTokio>(50, n)),
    ]
}

trait Broadcast: 'static {
    type Sender: 'static;
    type Receiver: 'static;

    fn new() -> Self::Sender;
    fn subscribe(sender: &Self::Sender) -> Self::Receiver;
    fn send(sender: &Self::Sender, message: u64);
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

macro_rules! broadcast {
    ($name:ident: $sender:ty, $receiver:ty) => {
        struct $name;

        impl Broadcast for $name {
            type Sender = $sender;
            type Receiver = $receiver;

            fn new() -> $sender {
                <$sender>::new(CAPACITY)
            }

            fn subscribe(sender: &$sender) -> $receiver {
                sender.subscribe()
            }

            fn send(sender: &$sender, message: u64) {
                assert!(sender.send(message).is_ok());
            }

            async fn receive(receiver: &mut $receiver) -> u64 {
                receiver.recv().await.expect("nobody lags behind")
            }
        }
    };
}

broadcast!(OfAioLocal: aio_sync::local::broadcast::Sender<u64>, aio_sync::local::broadcast::Receiver<u64>);
broadcast!(OfAio: aio_sync::broadcast::Sender<u64>, aio_sync::broadcast::Receiver<u64>);
broadcast!(OfTokio: tokio::sync::broadcast::Sender<u64>, tokio::sync::broadcast::Receiver<u64>);

/// `n` messages are sent, and the task yields after `at_a_time` of them.
fn received<R: Local, B: Broadcast>(at_a_time: u64, n: u64) -> Sample {
    R::run(async move {
        let sender = B::new();
        let receive = |mut receiver| async move {
            for message in 0..n {
                assert_eq!(B::receive(&mut receiver).await, message);
            }
        };
        let receivers: Vec<_> = (0..N_RECEIVERS).map(|_| R::spawn(receive(B::subscribe(&sender)))).collect();
        R::yield_now().await;
        let meter = Meter::start();
        for message in 0..n {
            B::send(&sender, message);
            if (message + 1).is_multiple_of(at_a_time) {
                R::yield_now().await;
            }
        }
        for receiver in receivers {
            receiver.await;
        }
        meter.stop(N_RECEIVERS * n)
    })
}
