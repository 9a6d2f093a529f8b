//! monoio, on io_uring where the kernel lets it, else on epoll. It runs a task that yields before all others.

use std::future::Future;
use std::time::{Duration, Instant};

use monoio::blocking::DefaultThreadPool;
use monoio::{FusionDriver, RuntimeBuilder};

use super::{Blocking, Local, Timers};

#[derive(Debug)]
pub(crate) struct Monoio;

/// It has no default for the number of threads that may block.
const THREADS: usize = 4;

impl Local for Monoio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let builder = RuntimeBuilder::<FusionDriver>::new().enable_timer();
        let mut runtime = builder.build().expect("a ring or an epoll instance");
        runtime.block_on(async { monoio::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        monoio::spawn(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        drop(monoio::spawn(task));
    }
}

impl Timers for Monoio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        monoio::time::sleep(duration)
    }

    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static {
        monoio::time::sleep_until(monoio::time::Instant::from_std(at))
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        monoio::time::timeout(duration, future).await.ok()
    }
}

/// The same with threads that may block.
#[derive(Debug)]
pub(crate) struct MonoioThreads;

impl Local for MonoioThreads {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let pool = Box::new(DefaultThreadPool::new(THREADS));
        let builder = RuntimeBuilder::<FusionDriver>::new().attach_thread_pool(pool);
        let mut runtime = builder.build().expect("a ring or an epoll instance");
        runtime.block_on(async { monoio::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        monoio::spawn(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        drop(monoio::spawn(task));
    }
}

impl Blocking for MonoioThreads {
    async fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
        monoio::spawn_blocking(job).await.expect("no job panics")
    }
}
