//! tokio: its local runtime for tasks that stay on one thread, its current-thread one for tasks that need not, and its
//! multi-thread one. Without the I/O driver, which would only slow it down here.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use super::{Blocking, Joined, Local, N_WORKERS, Shared, SharedTimers, Timers};
use crate::harness::Meter;

#[derive(Debug)]
pub(crate) struct Tokio;

impl Local for Tokio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let runtime = Builder::new_current_thread().enable_time().build_local(Default::default());
        runtime.expect("it needs nothing").block_on(async { <Self as Local>::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        Joined(tokio::task::spawn_local(task))
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        drop(tokio::task::spawn_local(task));
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }
}

impl Shared for Tokio {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = Builder::new_current_thread().enable_time().build();
        runtime.expect("it needs nothing").block_on(async { <Self as Shared>::spawn(main).await })
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        Joined(tokio::spawn(task))
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }
}

impl Timers for Tokio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(duration)
    }

    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep_until(at.into())
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        tokio::time::timeout(duration, future).await.ok()
    }
}

impl Blocking for Tokio {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        Joined(tokio::task::spawn_blocking(job))
    }
}

/// The same with as many threads that may block as monoio gets here; the default is 512.
#[derive(Debug)]
pub(crate) struct TokioFewThreads;

impl Local for TokioFewThreads {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let runtime = Builder::new_current_thread().max_blocking_threads(4).build_local(Default::default());
        runtime.expect("it needs nothing").block_on(async { <Self as Local>::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        <Tokio as Local>::spawn(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        Tokio::spawn_detached(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }
}

impl Blocking for TokioFewThreads {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        Tokio::to_thread(job)
    }
}

/// The same on several workers. The root future is on none of them; all the work is done by tasks.
#[derive(Debug)]
pub(crate) struct TokioWorkers;

impl Shared for TokioWorkers {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        let runtime = Builder::new_multi_thread().worker_threads(N_WORKERS).enable_time().build();
        runtime.expect("threads can be started").block_on(async { Self::spawn(main).await })
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        Joined(tokio::spawn(task))
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        tokio::task::yield_now()
    }

    fn meter() -> Meter {
        Meter::start_workers()
    }
}

impl SharedTimers for TokioWorkers {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }
}
