//! The runtimes behind one face, each in its file. The face costs nothing: everything is inlined.
//!
//! [`local_peers`], [`shared_peers`] and the other macros here add one row for each peer to a scenario, so that a peer
//! is named once. A peer that this system has not, or that cannot start, has no rows.

mod aio;
mod bare;
#[cfg(all(feature = "rings", target_os = "linux"))]
mod compio;
mod executor;
mod futures;
#[cfg(all(feature = "rings", target_os = "linux"))]
mod glommio;
#[cfg(unix)]
mod monoio;
mod smol;
mod tokio;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::harness::Meter;

pub(crate) use aio::{Aio, AioEager, AioWorkers};
pub(crate) use bare::Bare;
#[cfg(all(feature = "rings", target_os = "linux"))]
pub(crate) use compio::{Compio, can_start as compio_can_start};
pub(crate) use executor::StaticExecutor;
pub(crate) use futures::{Futures, FuturesPool};
#[cfg(all(feature = "rings", target_os = "linux"))]
pub(crate) use glommio::{Glommio, IO_MEMORY as GLOMMIO_IO_MEMORY, can_start as glommio_can_start};
#[cfg(unix)]
pub(crate) use monoio::{Monoio, MonoioThreads};
pub(crate) use smol::{Smol, SmolWorkers};
pub(crate) use tokio::{Tokio, TokioFewThreads, TokioWorkers};

/// How many workers there are where there are several.
pub(crate) const N_WORKERS: usize = 2;

/// One thread, and tasks that stay on it.
pub(crate) trait Local: 'static {
    /// Runs `main` as a task, not as the root future, which several runtimes poll in a slower way.
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T;
    /// Starts a task; what is returned is its handle and nothing more.
    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static;
    /// Starts a task that nobody waits for.
    fn spawn_detached(task: impl Future<Output = ()> + 'static);
    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        YieldOnce::default()
    }
}

/// Tasks that could be moved to another thread; on one, or on [`N_WORKERS`].
pub(crate) trait Shared: 'static {
    /// Runs `main` as a task, not as the root future.
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T;
    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static;
    fn yield_now() -> impl Future<Output = ()> + Send + 'static {
        YieldOnce::default()
    }
    /// What its work is measured by.
    fn meter() -> Meter {
        Meter::start()
    }
}

/// Timers of the loop that [`Local`] runs.
pub(crate) trait Timers: Local {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static;
    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static;
    /// The output of `future`, or `None` if `duration` was over first.
    fn timeout<F: Future>(duration: Duration, future: F) -> impl Future<Output = Option<F::Output>>;
}

/// Timers of the workers that [`Shared`] runs.
pub(crate) trait SharedTimers: Shared {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;
}

/// Threads that may block, of the loop that [`Local`] runs.
pub(crate) trait Blocking: Local {
    fn to_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + 'static;
}

/// What most runtimes call `yield_now`: pending once, having woken itself.
#[derive(Debug, Default)]
pub(crate) struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A handle as large as the one in it, whose tasks do not fail.
#[derive(Debug)]
struct Joined<H>(H);

impl<T, E: std::fmt::Debug, H: Future<Output = Result<T, E>> + Unpin> Future for Joined<H> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|output| output.expect("no task panics"))
    }
}

/// Adds a row for each of the named peers: `$call`, in which `$runtime` is that peer and `$n` the size.
macro_rules! rows {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr; $($(#[$cfg:meta])* $name:literal $peer:ident,)*) => {{
        let scenario = $scenario;
        $(
            $(#[$cfg])*
            let scenario = {
                type $runtime = $crate::runtimes::$peer;
                scenario.peer($name, move |$n| $call)
            };
        )*
        scenario
    }};
}

/// Rows of those with tasks that stay on their thread.
macro_rules! local_peers {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr) => {{
        let scenario = $crate::runtimes::rows!($scenario, |$n, $runtime| $call;
            "tokio" Tokio,
            "smol" Smol,
            "async-executor, static" StaticExecutor,
            "futures" Futures,
            #[cfg(unix)]
            "monoio" Monoio,
        );
        $crate::runtimes::ring_peers!(scenario, |$n, $runtime| $call)
    }};
}

/// Rows of those with timers for such tasks.
macro_rules! timer_peers {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr) => {{
        let scenario = $crate::runtimes::rows!($scenario, |$n, $runtime| $call;
            "tokio" Tokio,
            "smol" Smol,
            #[cfg(unix)]
            "monoio" Monoio,
        );
        $crate::runtimes::ring_peers!(scenario, |$n, $runtime| $call)
    }};
}

/// Rows of those with threads that may block.
macro_rules! blocking_peers {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr) => {{
        let scenario = $crate::runtimes::rows!($scenario, |$n, $runtime| $call;
            "tokio" Tokio,
            "tokio, 4 threads" TokioFewThreads,
            "smol" Smol,
            #[cfg(unix)]
            "monoio, 4 threads" MonoioThreads,
        );
        $crate::runtimes::ring_peers!(scenario, |$n, $runtime| $call)
    }};
}

/// Rows of those that only run on a ring.
macro_rules! ring_peers {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr) => {{
        let scenario = $scenario;
        #[cfg(all(feature = "rings", target_os = "linux"))]
        let scenario = if $crate::runtimes::compio_can_start() {
            $crate::runtimes::rows!(scenario, |$n, $runtime| $call; "compio" Compio,)
        } else {
            scenario
        };
        #[cfg(all(feature = "rings", target_os = "linux"))]
        let scenario = if $crate::runtimes::glommio_can_start() {
            $crate::runtimes::rows!(scenario, |$n, $runtime| $call; "glommio" Glommio,)
        } else {
            scenario
        };
        scenario
    }};
}

/// Rows of those whose tasks may cross threads, on one thread.
macro_rules! shared_peers {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr) => {
        $crate::runtimes::rows!($scenario, |$n, $runtime| $call;
            "tokio" Tokio,
            "smol" Smol,
            "async-executor, static" StaticExecutor,
        )
    };
}

/// Rows of those that have workers.
macro_rules! worker_peers {
    ($scenario:expr, |$n:ident, $runtime:ident| $call:expr) => {
        $crate::runtimes::rows!($scenario, |$n, $runtime| $call;
            "tokio" TokioWorkers,
            "smol" SmolWorkers,
            "futures ThreadPool" FuturesPool,
        )
    };
}

pub(crate) use {blocking_peers, local_peers, ring_peers, rows, shared_peers, timer_peers, worker_peers};
