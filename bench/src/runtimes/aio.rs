//! aio itself.

use std::future::Future;
use std::time::{Duration, Instant};

use super::{Blocking, Local, Shared, Timers};

#[derive(Debug)]
pub(crate) struct Aio;

impl Aio {
    /// A loop for `main` alone.
    pub(crate) fn start<F: Future>(main: F) -> F::Output {
        aio_core::EventLoop::new(aio_timer::Timers::new(aio_core::ThreadPark::new())).run(main)
    }
}

impl Local for Aio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        Self::start(async { <Self as Local>::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        aio_core::local::spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        aio_core::yield_now()
    }
}

impl Shared for Aio {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        Self::start(async { <Self as Shared>::spawn(main).await })
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        aio_core::spawn(task)
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        aio_core::yield_now()
    }
}

impl Timers for Aio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        aio_timer::sleep(duration)
    }

    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static {
        aio_timer::sleep_until(at)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        aio_timer::timeout(duration, future).await.ok()
    }
}

impl Blocking for Aio {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        aio_blocking::to_thread(job)
    }
}
