//! async-executor without smol: its executors that live as long as the program, which know their place and so need not
//! count who refers to them.

use std::future::Future;
use std::sync::LazyLock;

use async_executor::{Executor, LocalExecutor, StaticLocalExecutor};

use super::{Local, Shared};

#[derive(Debug)]
pub(crate) struct StaticExecutor;

static SHARED: LazyLock<&async_executor::StaticExecutor> = LazyLock::new(|| Executor::new().leak());

thread_local! {
    static LOCAL: &'static StaticLocalExecutor = LocalExecutor::new().leak();
}

impl Local for StaticExecutor {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let executor = LOCAL.with(|executor| *executor);
        smol::block_on(executor.run(executor.spawn(main)))
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        LOCAL.with(|executor| *executor).spawn(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        LOCAL.with(|executor| *executor).spawn(task).detach();
    }
}

impl Shared for StaticExecutor {
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T {
        smol::block_on(SHARED.run(SHARED.spawn(main)))
    }

    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        SHARED.spawn(task)
    }
}
