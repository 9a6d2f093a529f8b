//! Semaphores with permits left, and without. No peer has one that stays on its thread, so both of ours meet the same
//! peers, each on the executor it comes with.

use std::future::Future;
use std::rc::Rc;

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Local, Smol, Tokio};

/// How many tasks want a permit.
const N_TASKS: u64 = 64;
/// How many of them can have one.
const N_PERMITS: usize = 4;

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("semaphore, free", 1_000_000, 100_000)
            .aio("aio::local", free::<Aio, aio::local::Semaphore>)
            .aio("aio", free::<Aio, aio::Semaphore>)
            .peer("tokio", free::<Tokio, tokio::sync::Semaphore>)
            .peer("async-lock", free::<Smol, smol::lock::Semaphore>),
        Scenario::new("semaphore, contended", 5_000, 500)
            .aio("aio::local", contended_by_some::<Aio, aio::local::Semaphore>)
            .aio("aio", contended_by_some::<Aio, aio::Semaphore>)
            .peer("tokio", contended_by_some::<Tokio, tokio::sync::Semaphore>)
            .peer("async-lock", contended_by_some::<Smol, smol::lock::Semaphore>),
    ]
}

pub(crate) trait Semaphore: 'static {
    fn with_permits(n: usize) -> Self;
    /// Has a permit during `inside`.
    fn hold(&self, inside: impl Future<Output = ()>) -> impl Future<Output = ()>;
}

macro_rules! semaphore {
    ($semaphore:ty, $acquired:ident => $permit:expr) => {
        impl Semaphore for $semaphore {
            fn with_permits(n: usize) -> Self {
                Self::new(n)
            }

            async fn hold(&self, inside: impl Future<Output = ()>) {
                let $acquired = self.acquire().await;
                let _permit = $permit;
                inside.await;
            }
        }
    };
}

semaphore!(aio::local::Semaphore, acquired => acquired);
semaphore!(aio::Semaphore, acquired => acquired);
semaphore!(tokio::sync::Semaphore, acquired => acquired.expect("it is never closed"));
semaphore!(smol::lock::Semaphore, acquired => acquired);

fn free<R: Local, S: Semaphore>(n: u64) -> Sample {
    R::run(async move {
        let semaphore = S::with_permits(N_PERMITS);
        let meter = Meter::start();
        for _ in 0..n {
            semaphore.hold(async {}).await;
        }
        meter.stop(n)
    })
}

fn contended_by_some<R: Local, S: Semaphore>(n: u64) -> Sample {
    contended::<R, S>(1, N_TASKS, n)
}

/// `repeat` times, `n_tasks` tasks want a permit `n` times each. Each holder yields, so that all others stand in the
/// queue; a task that comes back goes to its end.
pub(crate) fn contended<R: Local, S: Semaphore>(repeat: u64, n_tasks: u64, n: u64) -> Sample {
    R::run(async move {
        let semaphore = Rc::new(S::with_permits(N_PERMITS));
        let meter = Meter::start();
        for _ in 0..repeat {
            let task = || {
                let semaphore = semaphore.clone();
                async move {
                    for _ in 0..n {
                        semaphore.hold(R::yield_now()).await;
                    }
                }
            };
            let tasks: Vec<_> = (0..n_tasks).map(|_| R::spawn(task())).collect();
            for task in tasks {
                task.await;
            }
        }
        meter.stop(repeat * n_tasks * n)
    })
}
