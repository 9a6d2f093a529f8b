//! The executor of `futures`.

use std::cell::RefCell;
use std::future::Future;

use futures::executor::{LocalPool, LocalSpawner};
use futures::task::LocalSpawnExt;

use super::{Local, YieldOnce};

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
        SPAWNER.with_borrow(|spawner| {
            let spawner = spawner.as_ref().expect("called by a task of `run`");
            spawner.spawn_local_with_handle(task).expect("the pool is there")
        })
    }

    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        YieldOnce::default()
    }
}
