//! Read-write locks that are free, and locks that are not: of the tasks that want one, an eighth wants to write. Each
//! holder yields. No peer has one that stays on its thread, so both of ours meet the same peers, each on the executor
//! it comes with.

use std::future::Future;
use std::sync::Arc;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, SmolWorkers, Tokio, TokioWorkers};

/// How many tasks want the lock.
const N_TASKS: u64 = 64;
/// One of so many of them writes.
const ONE_WRITES: u64 = 8;

type AioLocalLock = aio_sync::local::RwLock<u64>;
type AioLock = aio_sync::RwLock<u64>;
type TokioLock = tokio::sync::RwLock<u64>;
type SmolLock = smol::lock::RwLock<u64>;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("rwlock, free, read", 1_000_000, 100_000)
            .aio("aio::local", free_to_read::<Aio, AioLocalLock>)
            .aio("aio", free_to_read::<Aio, AioLock>)
            .peer("tokio", free_to_read::<Tokio, TokioLock>)
            .peer("async-lock, on smol", free_to_read::<Smol, SmolLock>),
        Scenario::new("rwlock, free, write", 1_000_000, 100_000)
            .aio("aio::local", free_to_write::<Aio, AioLocalLock>)
            .aio("aio", free_to_write::<Aio, AioLock>)
            .peer("tokio", free_to_write::<Tokio, TokioLock>)
            .peer("async-lock, on smol", free_to_write::<Smol, SmolLock>),
        Scenario::new("rwlock, contended", 5_000, 500)
            .aio("aio::local", contended::<Aio, AioLocalLock>)
            .aio("aio", contended::<Aio, AioLock>)
            .peer("tokio", contended::<Tokio, TokioLock>)
            .peer("async-lock, on smol", contended::<Smol, SmolLock>),
        Scenario::new("rwlock, contended, 2 workers", 5_000, 500)
            .aio("aio", shared_contended::<AioWorkers, AioLock>)
            .peer("tokio", shared_contended::<TokioWorkers, TokioLock>)
            .peer("async-lock, on smol", shared_contended::<SmolWorkers, SmolLock>),
    ]
}

/// A lock around a number.
trait RwLock: Default + 'static {
    /// Looks at it, under the lock and after `inside`.
    fn look(&self, inside: impl Future<Output = ()>) -> impl Future<Output = u64>;
    /// Adds one, under the lock and after `inside`.
    fn add_one(&self, inside: impl Future<Output = ()>) -> impl Future<Output = u64>;
}

/// The same, which may cross threads.
trait SharedRwLock: Default + Send + Sync + 'static {
    fn look(&self, inside: impl Future<Output = ()> + Send) -> impl Future<Output = u64> + Send;
    fn add_one(&self, inside: impl Future<Output = ()> + Send) -> impl Future<Output = u64> + Send;
}

macro_rules! lock {
    ($lock:ty: $($contract:ident($($bound:ident)?))+) => {
        $(impl $contract for $lock {
            async fn look(&self, inside: impl Future<Output = ()> $(+ $bound)?) -> u64 {
                let guard = self.read().await;
                inside.await;
                *guard
            }

            async fn add_one(&self, inside: impl Future<Output = ()> $(+ $bound)?) -> u64 {
                let mut guard = self.write().await;
                inside.await;
                *guard += 1;
                *guard
            }
        })+
    };
}

lock!(AioLocalLock: RwLock());
lock!(AioLock: RwLock() SharedRwLock(Send));
lock!(TokioLock: RwLock() SharedRwLock(Send));
lock!(SmolLock: RwLock() SharedRwLock(Send));

fn free_to_read<R: Local, L: RwLock>(n: u64) -> Sample {
    R::run(async move {
        let lock = L::default();
        let meter = Meter::start();
        for _ in 0..n {
            assert_eq!(lock.look(async {}).await, 0);
        }
        meter.stop(n)
    })
}

fn free_to_write<R: Local, L: RwLock>(n: u64) -> Sample {
    R::run(async move {
        let lock = L::default();
        let meter = Meter::start();
        for i in 1..=n {
            assert_eq!(lock.add_one(async {}).await, i);
        }
        meter.stop(n)
    })
}

/// The same code for both kinds of lock, whose bounds differ.
macro_rules! contended {
    ($name:ident, $runtime:ident, $lock:ident, $meter:expr) => {
        fn $name<R: $runtime, L: $lock>(n: u64) -> Sample {
            R::run(async move {
                let lock = Arc::new(L::default());
                let meter = $meter;
                let task = |number: u64| {
                    let lock = lock.clone();
                    async move {
                        for _ in 0..n {
                            if number.is_multiple_of(ONE_WRITES) {
                                lock.add_one(R::yield_now()).await;
                            } else {
                                lock.look(R::yield_now()).await;
                            }
                        }
                    }
                };
                let tasks: Vec<_> = (0..N_TASKS).map(|number| R::spawn(task(number))).collect();
                for task in tasks {
                    task.await;
                }
                let sample = meter.stop(N_TASKS * n);
                assert_eq!(lock.look(async {}).await, N_TASKS / ONE_WRITES * n);
                sample
            })
        }
    };
}

contended!(contended, Local, RwLock, Meter::start());
contended!(shared_contended, Shared, SharedRwLock, R::meter());
