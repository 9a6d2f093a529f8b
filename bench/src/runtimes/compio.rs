//! compio, on a ring.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use compio::runtime::Runtime;
use compio::runtime::time as timer;

use super::{Blocking, Joined, Local, Timers};

#[derive(Debug)]
pub(crate) struct Compio;

/// Whether the system has what it needs. Tried once; a line says why not.
pub(crate) fn can_start() -> bool {
    static CAN_START: OnceLock<bool> = OnceLock::new();
    *CAN_START.get_or_init(|| match Runtime::new() {
        Ok(_) => true,
        Err(error) => {
            eprintln!("skipped: compio: {error}");
            false
        }
    })
}

impl Local for Compio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        Runtime::new().expect("it could start before").block_on(async { Self::spawn(main).await })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        Joined(compio::runtime::spawn(task))
    }

    fn spawn_detached(task: impl Future<Output = ()> + 'static) {
        compio::runtime::spawn(task).detach();
    }
}

impl Timers for Compio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        timer::sleep(duration)
    }

    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static {
        timer::sleep_until(at)
    }

    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        timer::timeout(duration, future).await.ok()
    }
}

impl Blocking for Compio {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static {
        Joined(compio::runtime::spawn_blocking(job))
    }
}
