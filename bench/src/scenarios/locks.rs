//! Locks that are free, and locks that are not. No peer has one that stays on its thread, so both of ours meet the same
//! peers, each on the executor it comes with.

use std::future::Future;
use std::rc::Rc;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol, Tokio};

/// How many tasks want the lock.
const N_TASKS: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("lock, free", 1_000_000, 100_000)
            .aio("aio::local", free::<Aio, aio::local::Lock<u64>>)
            .aio("aio", free::<Aio, aio::Lock<u64>>)
            .peer("tokio", free::<Tokio, tokio::sync::Mutex<u64>>)
            .peer("async-lock", free::<Smol, smol::lock::Mutex<u64>>)
            .peer("futures", free::<Smol, futures::lock::Mutex<u64>>),
        Scenario::new("lock, contended", 5_000, 500)
            .aio("aio::local", contended::<Aio, aio::local::Lock<u64>>)
            .aio("aio", contended::<Aio, aio::Lock<u64>>)
            .peer("tokio", contended::<Tokio, tokio::sync::Mutex<u64>>)
            .peer("async-lock", contended::<Smol, smol::lock::Mutex<u64>>)
            .peer("futures", contended::<Smol, futures::lock::Mutex<u64>>),
    ]
}

/// A lock around a number.
trait Lock: Default + 'static {
    /// Adds one, under the lock and after `inside`.
    fn add_one(&self, inside: impl Future<Output = ()>) -> impl Future<Output = u64>;
}

macro_rules! lock {
    ($lock:ty) => {
        impl Lock for $lock {
            async fn add_one(&self, inside: impl Future<Output = ()>) -> u64 {
                let mut guard = self.lock().await;
                inside.await;
                *guard += 1;
                *guard
            }
        }
    };
}

lock!(aio::local::Lock<u64>);
lock!(aio::Lock<u64>);
lock!(tokio::sync::Mutex<u64>);
lock!(smol::lock::Mutex<u64>);
lock!(futures::lock::Mutex<u64>);

fn free<R: Local, L: Lock>(n: u64) -> Sample {
    R::run(async move {
        let lock = L::default();
        let meter = Meter::start();
        for i in 1..=n {
            assert_eq!(lock.add_one(async {}).await, i);
        }
        meter.stop(n)
    })
}

/// Each holder yields, so that all others stand in the queue; a task that comes back goes to its end.
fn contended<R: Local, L: Lock>(n: u64) -> Sample {
    R::run(async move {
        let lock = Rc::new(L::default());
        let meter = Meter::start();
        let tasks: Vec<_> = (0..N_TASKS)
            .map(|_| {
                let lock = lock.clone();
                R::spawn(async move {
                    for _ in 0..n {
                        lock.add_one(R::yield_now()).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await;
        }
        let sample = meter.stop(N_TASKS * n);
        assert_eq!(lock.add_one(async {}).await, N_TASKS * n + 1);
        sample
    })
}
