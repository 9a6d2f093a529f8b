//! The executors of `futures`.

use std::cell::RefCell;
use std::future::Future;

use std::sync::LazyLock;

use futures::executor::{LocalPool, LocalSpawner, ThreadPool};
use futures::task::{LocalSpawnExt, SpawnExt};

use super::{Local, N_WORKERS, Shared};
use crate::harness::Meter;

#[derive(Debug)]
pub(crate) struct Futures;

thread_local! {
    static SPAWNER: RefCell<Option<LocalSpawner>> = const { RefCell::new(None) };
}

impl Local for Futures {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let mut pool = LocalPool::new();
        SPAWNER.set(Some(pool.spawner()));
        let main = Self::spawn(main);
        pool.run_until(main)
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        with_spawner(|spawner| spawner.spawn_local_with_handle(task).expect("the pool is there"))
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        with_spawner(|spawner| spawner.spawn_local(task).expect("the pool is there"));
    }
}

fn with_spawner<T>(f: impl FnOnce(&LocalSpawner) -> T) -> T {
    SPAWNER.with_borrow(|spawner| f(spawner.as_ref().expect("called by a task of `run`")))
}

/// Its thread pool: workers with one queue for all.
#[derive(Debug)]
pub(crate) struct FuturesPool;

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let mut builder = ThreadPool::builder();
    builder.pool_size(N_WORKERS).create().expect("threads can be started")
});

impl Shared for FuturesPool {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        futures::executor::block_on(Self::spawn(main))
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        POOL.spawn_with_handle(task).expect("the pool is there")
    }

    fn meter() -> Meter {
        Meter::start_workers()
    }
}
