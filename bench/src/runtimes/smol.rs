//! smol: its executors driven by its `block_on`, on one thread or several.

use std::future::Future;
use std::time::{Duration, Instant};

use smol::{Executor, LocalExecutor, Timer};

use smol::channel::{Sender, bounded};

use super::{Blocking, Local, N_WORKERS, Shared, SharedTimers, Timers};
use crate::harness::Meter;

#[derive(Debug)]
pub(crate) struct Smol;

static SHARED: Executor<'static> = Executor::new();

thread_local! {
    // Leaked, so that a spawn costs no count of references that users of smol would not pay.
    static LOCAL: &'static LocalExecutor<'static> = Box::leak(Box::new(LocalExecutor::new()));
}

impl Local for Smol {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let executor = LOCAL.with(|executor| *executor);
        smol::block_on(executor.run(executor.spawn(main)))
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        LOCAL.with(|executor| executor.spawn(task))
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        LOCAL.with(|executor| executor.spawn(task)).detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        smol::future::yield_now()
    }
}

impl Shared for Smol {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        smol::block_on(SHARED.run(SHARED.spawn(main)))
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        SHARED.spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        smol::future::yield_now()
    }
}

impl Timers for Smol {
    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    async fn sleep_until(at: Instant) {
        Timer::at(at).await;
    }

    /// The way its documentation shows: a race, whose timer is only made when the other is not ready.
    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        let elapsed = async {
            Timer::after(duration).await;
            None
        };
        smol::future::or(async { Some(future.await) }, elapsed).await
    }
}

impl Blocking for Smol {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        smol::unblock(job)
    }
}

/// The same on several threads, which its documentation shows how to make.
#[derive(Debug)]
pub(crate) struct SmolWorkers;

impl Shared for SmolWorkers {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        let (stop, stopped): (Sender<()>, _) = bounded(1);
        std::thread::scope(|scope| {
            for _ in 1..N_WORKERS {
                scope.spawn(|| smol::block_on(SHARED.run(stopped.recv())));
            }
            let output = smol::block_on(SHARED.run(SHARED.spawn(main)));
            drop(stop);
            output
        })
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        SHARED.spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        smol::future::yield_now()
    }

    fn meter() -> Meter {
        Meter::start_workers()
    }
}

impl SharedTimers for SmolWorkers {
    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }
}
