//! aio itself.

use std::future::Future;
use std::time::{Duration, Instant};

use super::{Blocking, Local, N_WORKERS, Shared, SharedTimers, Timers};
use crate::harness::Meter;

#[derive(Debug)]
pub(crate) struct Aio;

impl Local for Aio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        aio::run(async { <Self as Local>::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        aio::local::spawn(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        aio::local::spawn(task).detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        aio::yield_now()
    }
}

impl Shared for Aio {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        aio::run(async { <Self as Shared>::spawn(main).await })
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        aio::spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        aio::yield_now()
    }
}

impl Timers for Aio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        aio::sleep(duration)
    }

    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static {
        aio::sleep_until(at)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        aio::timeout(duration, future).await.ok()
    }
}

impl Blocking for Aio {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        aio::to_thread(job)
    }
}

/// The same with tasks that have their first turn within the call that starts them.
#[derive(Debug)]
pub(crate) struct AioEager;

impl Local for AioEager {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        <Aio as Local>::run(main)
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        aio::Builder::new().eager(true).spawn_local(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        aio::Builder::new().eager(true).spawn_local(task).detach();
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        aio::yield_now()
    }
}

/// Runs `main` on `n` workers.
fn run_on_workers<F: Future>(n: usize, main: F) -> F::Output {
    let mut runner = aio::Runner::new().workers(n);
    let output = runner.run(main);
    runner.close();
    output
}

/// The same on several workers.
#[derive(Debug)]
pub(crate) struct AioWorkers;

impl Shared for AioWorkers {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        run_on_workers(N_WORKERS, async { Self::spawn(main).await })
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        aio::spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        aio::yield_now()
    }

    fn meter() -> Meter {
        Meter::start_workers()
    }
}

impl SharedTimers for AioWorkers {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        aio::sleep(duration)
    }
}
