//! Locks that are free, and locks that are not. No peer has one that stays on its thread, so both of ours meet the same
//! peers, each on the executor it comes with.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, Smol, SmolWorkers, Tokio, TokioWorkers};

/// How many tasks want the lock.
const N_TASKS: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("lock, free", 1_000_000, 100_000)
            .aio("aio::local", free::<Aio, aio::local::Lock<u64>>)
            .aio("aio", free::<Aio, aio::Lock<u64>>)
            .peer("tokio", free::<Tokio, tokio::sync::Mutex<u64>>)
            .peer("async-lock, on smol", free::<Smol, smol::lock::Mutex<u64>>)
            .peer("futures, on smol", free::<Smol, futures::lock::Mutex<u64>>)
            .python("lock_free")
            .floor("a Cell", cell),
        Scenario::new("lock, contended", 5_000, 500)
            .aio("aio::local", contended_by_some::<Aio, aio::local::Lock<u64>>)
            .aio("aio", contended_by_some::<Aio, aio::Lock<u64>>)
            .peer("tokio", contended_by_some::<Tokio, tokio::sync::Mutex<u64>>)
            .peer("async-lock, on smol", contended_by_some::<Smol, smol::lock::Mutex<u64>>)
            .peer("futures, on smol", contended_by_some::<Smol, futures::lock::Mutex<u64>>)
            .python("lock_contended")
            .floor("two VecDeques", queues),
        Scenario::new("lock, contended, 2 workers", 5_000, 500)
            .aio("aio", shared_contended::<AioWorkers, aio::Lock<u64>>)
            .peer("tokio", shared_contended::<TokioWorkers, tokio::sync::Mutex<u64>>)
            .peer("async-lock, on smol", shared_contended::<SmolWorkers, smol::lock::Mutex<u64>>)
            .peer("futures, on smol", shared_contended::<SmolWorkers, futures::lock::Mutex<u64>>),
    ]
}

/// A lock around a number.
pub(crate) trait Lock: Default + 'static {
    /// Adds one, under the lock and after `inside`.
    fn add_one(&self, inside: impl Future<Output = ()>) -> impl Future<Output = u64>;
}

/// The same, which may cross threads.
trait SharedLock: Default + Send + Sync + 'static {
    fn add_one(&self, inside: impl Future<Output = ()> + Send) -> impl Future<Output = u64> + Send;
}

macro_rules! lock {
    ($lock:ty: $($contract:ident($($bound:ident)?))+) => {
        $(impl $contract for $lock {
            async fn add_one(&self, inside: impl Future<Output = ()> $(+ $bound)?) -> u64 {
                let mut guard = self.lock().await;
                inside.await;
                *guard += 1;
                *guard
            }
        })+
    };
}

lock!(aio::local::Lock<u64>: Lock());
lock!(aio::Lock<u64>: Lock() SharedLock(Send));
lock!(tokio::sync::Mutex<u64>: Lock() SharedLock(Send));
lock!(smol::lock::Mutex<u64>: Lock() SharedLock(Send));
lock!(futures::lock::Mutex<u64>: Lock() SharedLock(Send));

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

fn contended_by_some<R: Local, L: Lock>(n: u64) -> Sample {
    contended::<R, L>(1, N_TASKS, n)
}

/// `repeat` times, `n_tasks` tasks want the lock `n` times each. Each holder yields, so that all others stand in the
/// queue; a task that comes back goes to its end.
pub(crate) fn contended<R: Local, L: Lock>(repeat: u64, n_tasks: u64, n: u64) -> Sample {
    R::run(async move {
        let lock = Rc::new(L::default());
        let meter = Meter::start();
        for _ in 0..repeat {
            let task = || {
                let lock = lock.clone();
                async move {
                    for _ in 0..n {
                        lock.add_one(R::yield_now()).await;
                    }
                }
            };
            let tasks: Vec<_> = (0..n_tasks).map(|_| R::spawn(task())).collect();
            for task in tasks {
                task.await;
            }
        }
        let sample = meter.stop(repeat * n_tasks * n);
        assert_eq!(lock.add_one(async {}).await, repeat * n_tasks * n + 1);
        sample
    })
}

fn shared_contended<R: Shared, L: SharedLock>(n: u64) -> Sample {
    R::run(async move {
        let lock = Arc::new(L::default());
        let meter = R::meter();
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

/// A flag that is looked at, set and taken back.
fn cell(n: u64) -> Sample {
    let (locked, mut number) = (Cell::new(false), 0);
    let locked = std::hint::black_box(&locked);
    let meter = Meter::start();
    for i in 1..=n {
        assert!(!std::hint::black_box(locked).replace(true));
        number += 1;
        locked.set(false);
        assert_eq!(std::hint::black_box(number), i);
    }
    meter.stop(n)
}

/// The queue of the lock and the run queue: whoever holds the lock goes once through the one, and back to the other.
fn queues(n: u64) -> Sample {
    let mut waiting: VecDeque<(u64, u64)> = (0..N_TASKS).map(|task| (task, n)).collect();
    let mut running = VecDeque::from_iter(waiting.pop_front());
    let mut number = 0;
    let meter = Meter::start();
    while let Some(holder) = running.pop_front() {
        // It yields, and has its turn again.
        running.push_back(std::hint::black_box(holder));
        let (task, left) = running.pop_front().expect("it is there");
        number += 1;
        if left > 1 {
            waiting.push_back((task, left - 1));
        }
        running.extend(waiting.pop_front());
    }
    let sample = meter.stop(N_TASKS * n);
    assert_eq!(number, N_TASKS * n);
    sample
}
