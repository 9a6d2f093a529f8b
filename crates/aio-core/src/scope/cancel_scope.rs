//! Cancelling a part of a task.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicBool, Ordering};
use aio_base::{WakerKey, WakerSet};
use pin_project_lite::pin_project;

use super::Scope;

/// A part of a task that can be cancelled on its own, from anywhere.
///
/// Clones are handles to the same scope. A cancelled scope stays cancelled.
///
/// ```
/// use aio_core::{CancelScope, Cancelled, yield_now};
///
/// aio_core::run(async {
///     let scope = CancelScope::new();
///     let handle = scope.clone();
///     let outcome = scope.run(async {
///         handle.cancel();
///         yield_now().await;
///         unreachable!("cut at the first await after the cancellation");
///     });
///     assert_eq!(outcome.await, Err::<(), _>(Cancelled));
/// });
/// ```
#[derive(Clone, Debug)]
pub struct CancelScope(Arc<State>);

#[derive(Debug)]
struct State {
    cancelled: AtomicBool,
    runs: WakerSet,
}

impl CancelScope {
    /// A scope that is not cancelled.
    pub fn new() -> Self {
        Self(Arc::new(State { cancelled: AtomicBool::new(false), runs: WakerSet::new() }))
    }

    /// Runs `future` until it is finished or the scope is cancelled, and in both cases until its cleanups are done.
    ///
    /// # Errors
    /// [`Cancelled`], if the scope was cancelled before `future` was finished; `future` was dropped then, inside the
    /// scope. In an already cancelled scope `future` does not begin.
    pub fn run<F: Future>(&self, future: F) -> Cancellable<F> {
        Cancellable { scope: Scope::new(future), state: self.0.clone(), key: WakerKey::default() }
    }

    /// Cancels what runs in this scope now, and what will be run in it later.
    ///
    /// # Panics
    /// If a waker of the tasks concerned does; all of them are woken nevertheless.
    pub fn cancel(&self) {
        // SeqCst: either the run sees the flag after it has registered, or this sees the registration. The lock inside
        // the set orders the two; SeqCst on the flag says so without a look at it.
        if !self.0.cancelled.swap(true, Ordering::SeqCst) {
            self.0.runs.wake_all();
        }
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl State {
    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        Self::new()
    }
}

/// The error of work whose scope was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl Error for Cancelled {}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Cancellable<F: Future> {
        #[pin]
        scope: Scope<F>,
        state: Arc<State>,
        key: WakerKey,
    }

    impl<F: Future> PinnedDrop for Cancellable<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.state.runs.remove(this.key);
        }
    }
}

impl<F: Future> Future for Cancellable<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if this.scope.is_running() {
            this.state.runs.register(this.key, cx.waker());
            if this.state.is_cancelled() {
                this.scope.as_mut().cancel();
            }
        }
        let output = ready!(this.scope.poll(cx));
        this.state.runs.remove(this.key);
        Poll::Ready(output.ok_or(Cancelled))
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
