//! glommio, on three rings. It polls a task for the first time within the call that starts it.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};

use super::{Blocking, Local, Timers};

#[derive(Debug)]
pub(crate) struct Glommio;

/// A tenth of its default, which is for files and more than many systems let a process lock.
pub(crate) const IO_MEMORY: usize = 1 << 20;

fn executor() -> Result<LocalExecutor, glommio::GlommioError<()>> {
    LocalExecutorBuilder::new(Placement::Unbound).io_memory(IO_MEMORY).make()
}

/// Whether the system has what it needs. Tried once; a line says why not.
pub(crate) fn can_start() -> bool {
    static CAN_START: OnceLock<bool> = OnceLock::new();
    *CAN_START.get_or_init(|| match executor() {
        Ok(_) => true,
        Err(error) => {
            eprintln!("skipped: glommio: {error}");
            false
        }
    })
}

impl Local for Glommio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        executor().expect("it could start before").run(async { glommio::spawn_local(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        glommio::spawn_local(task)
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        glommio::spawn_local(task).detach();
    }
}

impl Timers for Glommio {
    async fn sleep(duration: Duration) {
        glommio::timer::Timer::new(duration).await;
    }

    async fn sleep_until(at: Instant) {
        glommio::timer::Timer::new(at.saturating_duration_since(Instant::now())).await;
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        glommio::timer::timeout(duration, async { Ok(future.await) }).await.ok()
    }
}

impl Blocking for Glommio {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        glommio::executor().spawn_blocking(job)
    }
}
