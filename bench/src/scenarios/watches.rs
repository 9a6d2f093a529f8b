//! A value that changes, and tasks that each look at every change. An operation is a look: with ten receivers, each
//! value that is sent counts ten.

use std::future::Future;

use aio_sync::local::watch as local_watch;
use aio_sync::watch;
use tokio::sync::watch as tokio_watch;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Tokio, TokioWorkers};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("watch, 1 receiver", 500_000, 50_000)
            .aio("aio::local", |n| looked_at::<Aio, OfAioLocal>(1, n))
            .aio("aio", |n| looked_at::<Aio, OfAio>(1, n))
            .peer("tokio", |n| looked_at::<Tokio, OfTokio>(1, n)),
        Scenario::new("watch, 10 receivers", 50_000, 5_000)
            .aio("aio::local", |n| looked_at::<Aio, OfAioLocal>(10, n))
            .aio("aio", |n| looked_at::<Aio, OfAio>(10, n))
            .peer("tokio", |n| looked_at::<Tokio, OfTokio>(10, n)),
        Scenario::new("watch, 1000 receivers", 500, 50)
            .aio("aio::local", |n| looked_at::<Aio, OfAioLocal>(1_000, n))
            .aio("aio", |n| looked_at::<Aio, OfAio>(1_000, n))
            .peer("tokio", |n| looked_at::<Tokio, OfTokio>(1_000, n)),
        // Nobody waits for those that have not looked yet: how many values there are for each look differs.
        Scenario::new("watch, 10 receivers, 2 workers", 50_000, 5_000)
            .aio("aio", |n| shared_looked_at::<AioWorkers, OfAio>(10, n))
            .peer("tokio", |n| shared_looked_at::<TokioWorkers, OfTokio>(10, n)),
    ]
}

trait Watch: 'static {
    type Sender: 'static;
    type Receiver: Clone + 'static;

    fn watch() -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64);
    /// The value after the next change.
    fn changed(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

/// The same for what may cross threads.
trait SharedWatch: 'static {
    type Sender: Send + 'static;
    type Receiver: Clone + Send + 'static;

    fn watch() -> (Self::Sender, Self::Receiver);
    fn send(sender: &Self::Sender, value: u64);
    fn changed(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

macro_rules! watch {
    ($name:ident: $module:ident, $($contract:ident)+) => {
        struct $name;

        $(impl $contract for $name {
            type Sender = $module::Sender<u64>;
            type Receiver = $module::Receiver<u64>;

            fn watch() -> (Self::Sender, Self::Receiver) {
                $module::channel(0)
            }

            fn send(sender: &Self::Sender, value: u64) {
                assert!(sender.send(value).is_ok());
            }

            async fn changed(receiver: &mut Self::Receiver) -> u64 {
                assert!(receiver.changed().await.is_ok());
                *receiver.borrow_and_update()
            }
        })+
    };
}

watch!(OfAioLocal: local_watch, Watch);
watch!(OfAio: watch, Watch SharedWatch);
watch!(OfTokio: tokio_watch, Watch SharedWatch);

/// The same code for both kinds, whose bounds differ.
macro_rules! looked_at {
    ($name:ident, $runtime:ident, $watch:ident, $meter:expr) => {
        /// `n` values are sent, and the task yields after each of them.
        fn $name<R: $runtime, W: $watch>(n_receivers: u64, n: u64) -> Sample {
            R::run(async move {
                let (sender, receiver) = W::watch();
                let look = |mut receiver| async move {
                    let mut looks = 0;
                    loop {
                        looks += 1;
                        if W::changed(&mut receiver).await == n {
                            return looks;
                        }
                    }
                };
                let receivers: Vec<_> = (0..n_receivers).map(|_| R::spawn(look(receiver.clone()))).collect();
                R::yield_now().await;
                let meter = $meter;
                for value in 1..=n {
                    W::send(&sender, value);
                    R::yield_now().await;
                }
                let mut looks: u64 = 0;
                for receiver in receivers {
                    looks += receiver.await;
                }
                meter.stop(looks)
            })
        }
    };
}

looked_at!(looked_at, Local, Watch, Meter::start());
looked_at!(shared_looked_at, Shared, SharedWatch, R::meter());
