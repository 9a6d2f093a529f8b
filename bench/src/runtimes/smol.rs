//! smol: its executors driven by its `block_on`, on one thread.

use std::future::Future;
use std::time::{Duration, Instant};

use smol::{Executor, LocalExecutor, Timer};

use super::{Blocking, Local, Shared, Timers};

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
