//! aio itself.

use std::future::Future;
use std::time::{Duration, Instant};

use super::{Blocking, Local, Shared, Timers};

#[derive(Debug)]
pub(crate) struct Aio;

impl Local for Aio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        aio::run(async { <Self as Local>::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        aio::local::spawn(task)
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
