//! The runtimes behind one face, each in its file. The face costs nothing: everything is inlined.

mod aio;
mod bare;
mod futures;
mod monoio;
mod smol;
mod tokio;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

pub(crate) use aio::Aio;
pub(crate) use bare::Bare;
pub(crate) use futures::Futures;
pub(crate) use monoio::{Monoio, MonoioThreads};
pub(crate) use smol::Smol;
pub(crate) use tokio::{Tokio, TokioFewThreads};

/// One thread, and tasks that stay on it.
pub(crate) trait Local: 'static {
    /// Runs `main` as a task, not as the root future, which several runtimes poll in a slower way.
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T;
    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static;
    fn yield_now() -> impl Future<Output = ()> + Send + 'static;
}

/// One thread, and tasks that could be moved to another.
pub(crate) trait Shared: 'static {
    /// Runs `main` as a task, not as the root future.
    fn run<T: Send + 'static>(main: impl Future<Output = T> + Send + 'static) -> T;
    fn spawn<T: Send + 'static>(
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static;
    fn yield_now() -> impl Future<Output = ()> + Send + 'static;
}

/// Timers of the loop that [`Local`] runs.
pub(crate) trait Timers: Local {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static;
    fn sleep_until(at: Instant) -> impl Future<Output = ()> + 'static;
    /// The output of `future`, or `None` if `duration` was over first.
    fn timeout<F: Future>(duration: Duration, future: F) -> impl Future<Output = Option<F::Output>>;
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
