//! Cancelling a part of a task.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::sync::{Arc, Mutex, MutexGuard};
use aio_base::{Deadline, WakerKey, WakerSet};
use aio_core::{Reason, Scope};
use pin_project_lite::pin_project;

use crate::{Sleep, Timeout, sleep, sleep_until, timeout};

/// A part of a task that can be cancelled on its own: Trio's cancel scope, with a deadline that can be moved.
///
/// Clones are handles to the same scope, and may be used on any thread. What [`run`](Self::run) runs in it is cut off
/// when the scope is cancelled or its deadline comes; a cancelled scope stays cancelled. Work within it that must not
/// be cut off is [`shield`](aio_core::shield())ed, and the scope ends after it.
///
/// ```
/// use aio_core::{Reason, yield_now};
/// use aio_timer::CancelScope;
///
/// aio_core::run(async {
///     let scope = CancelScope::new();
///     let handle = scope.clone();
///     let outcome = scope.run(async {
///         handle.cancel_with("nobody reads this any more");
///         yield_now().await;
///         unreachable!("cut at the first await after the cancellation");
///     });
///     let error = outcome.await.map(|(): ()| ()).unwrap_err();
///     assert_eq!(*error.reason(), Reason::from("nobody reads this any more"));
/// });
/// ```
///
/// A deadline that moves while there is progress:
/// ```
/// use aio_timer::{CancelScope, sleep};
/// use std::time::Duration;
///
/// aio_core::run(async {
///     let patience = Duration::from_millis(50);
///     let scope = CancelScope::new();
///     scope.set_timeout(patience);
///     let outcome = scope.run(async {
///         for _part in 0..3 {
///             sleep(Duration::from_millis(1)).await;
///             scope.set_timeout(patience);
///         }
///         sleep(Duration::from_secs(3600)).await;
///     });
///     assert!(outcome.await.unwrap_err().is_timeout());
/// });
/// ```
#[derive(Clone)]
pub struct CancelScope(Arc<State>);

struct State {
    settings: Mutex<Settings>,
    /// How often the settings have changed, so that a poll need not look at them.
    n_changes: AtomicUsize,
    watchers: WakerSet,
}

struct Settings {
    reason: Option<Reason>,
    deadline: Deadline,
    grace: Option<Duration>,
}

impl CancelScope {
    /// A scope that is not cancelled, and has no deadline.
    pub fn new() -> Self {
        let settings = Settings { reason: None, deadline: Deadline::NEVER, grace: None };
        let settings = Mutex::new(settings);
        // One, so that a watcher that has seen nothing looks.
        Self(Arc::new(State { settings, n_changes: AtomicUsize::new(1), watchers: WakerSet::new() }))
    }

    /// Bounds how long [`run`](Self::run) waits for the cleanups of what was cut off. When `grace` is over, they are
    /// dropped, and the error [names](Cancelled::overran) them. Without it, it waits as long as they take.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        self.0.change(|settings| settings.grace = Some(grace));
        self
    }

    /// Runs `future` until it is finished or the scope is cancelled, and in both cases until its cleanups are done.
    /// When the deadline comes, `future` is polled once more: a result that is there is never thrown away.
    ///
    /// # Cancel safety
    /// Dropping the result drops `future`, and leaves its cleanups with the scope around this one.
    ///
    /// # Errors
    /// [`Cancelled`], if the scope was cancelled before `future` was finished; `future` was dropped then, inside the
    /// scope. In a scope that is cancelled already `future` does not begin; in one whose deadline has passed it is
    /// polled once.
    ///
    /// # Panics
    /// If `future` or one of its cleanups does.
    pub fn run<F: Future>(&self, future: F) -> Cancellable<F> {
        Cancellable { scope: Scope::new(future), watch: self.watch(), grace: None, cut: None }
    }

    /// Cancels what runs in this scope now, and what will be run in it later.
    ///
    /// # Panics
    /// If a waker of the tasks concerned does; all of them are woken nevertheless.
    pub fn cancel(&self) {
        self.cancel_with(Reason::Requested);
    }

    /// [`cancel`](Self::cancel), and says why. The first reason counts.
    ///
    /// # Panics
    /// As [`cancel`](Self::cancel).
    pub fn cancel_with(&self, reason: impl Into<Reason>) {
        let reason = reason.into();
        self.0.change(|settings| _ = settings.reason.get_or_insert(reason));
    }

    /// Cancels the scope at `deadline`, a moment of [`aio_core::now`], instead of at the former deadline; `None`: at no
    /// time. A scope that was cancelled stays so.
    ///
    /// # Panics
    /// As [`cancel`](Self::cancel).
    pub fn set_deadline(&self, deadline: impl Into<Option<Instant>>) {
        let deadline = Deadline::from(deadline.into());
        self.0.change(|settings| settings.deadline = deadline);
    }

    /// Sets the deadline to `timeout` from now.
    ///
    /// # Panics
    /// As [`cancel`](Self::cancel).
    pub fn set_timeout(&self, timeout: Duration) {
        self.set_deadline(Deadline::after(aio_core::now(), timeout).instant());
    }

    /// When it will be cancelled, if it has a deadline.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.settings.lock().deadline.instant()
    }

    /// Whether it was cancelled, or its deadline has passed.
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Why it was cancelled, if it was.
    pub fn reason(&self) -> Option<Reason> {
        let settings = self.0.settings.lock();
        settings.reason.clone().or_else(|| {
            let late = settings.deadline.instant().is_some() && settings.deadline.is_past(aio_core::now());
            late.then_some(Reason::TimedOut)
        })
    }

    /// Waits until the scope is cancelled, without being in it; returns why.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn cancelled(&self) -> WaitCancelled {
        WaitCancelled { watch: self.watch() }
    }

    fn watch(&self) -> Watch {
        let sleep = sleep(Duration::MAX);
        Watch { state: self.0.clone(), key: WakerKey::default(), seen: 0, deadline: Deadline::NEVER, sleep }
    }
}

impl State {
    fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.lock();
        change(&mut settings);
        self.changed(settings);
    }

    /// Tells the watchers that the settings have changed.
    fn changed(&self, settings: MutexGuard<'_, Settings>) {
        // Release pairs with the Acquire of `Watch::poll_request`, which then takes the lock. Either the watcher sees
        // the change after it has registered, or it is registered when it is looked for below: the lock of the set
        // orders the two.
        self.n_changes.fetch_add(1, Ordering::Release);
        drop(settings);
        self.watchers.wake_all();
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0.settings.lock();
        let mut debug = f.debug_struct("CancelScope");
        debug.field("reason", &settings.reason).field("deadline", &settings.deadline.instant());
        debug.field("grace", &settings.grace).finish()
    }
}

pin_project! {
    /// Waits for the cancellation of a scope.
    struct Watch {
        state: Arc<State>,
        key: WakerKey,
        // The number of changes that this has seen.
        seen: usize,
        deadline: Deadline,
        // Until the deadline.
        #[pin]
        sleep: Sleep,
    }

    impl PinnedDrop for Watch {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.state.watchers.remove(this.key);
        }
    }
}

impl Watch {
    /// Ready if somebody has cancelled the scope, or its deadline was found to have passed.
    fn poll_request(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        let mut this = self.project();
        this.state.watchers.register(this.key, cx.waker());
        let n_changes = this.state.n_changes.load(Ordering::Acquire);
        if std::mem::replace(this.seen, n_changes) == n_changes {
            return Poll::Pending;
        }
        let settings = this.state.settings.lock();
        if let Some(reason) = &settings.reason {
            return Poll::Ready(reason.clone());
        }
        if std::mem::replace(this.deadline, settings.deadline) != settings.deadline {
            let deadline = settings.deadline.instant();
            drop(settings);
            this.sleep.set(deadline.map_or_else(|| sleep(Duration::MAX), sleep_until));
        }
        Poll::Pending
    }

    /// Ready if the deadline has passed.
    fn poll_deadline(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        if self.deadline.instant().is_none() {
            return Poll::Pending;
        }
        let this = self.project();
        ready!(this.sleep.poll_past(cx));
        let mut settings = this.state.settings.lock();
        if settings.reason.is_none() && settings.deadline != *this.deadline {
            // It was moved after `poll_request` had looked, perhaps by the work itself, which wakes this.
            return Poll::Pending;
        }
        // For all others as well, also if the deadline is moved from now on.
        let told = settings.reason.get_or_insert(Reason::TimedOut).clone();
        this.state.changed(settings);
        Poll::Ready(told)
    }

    /// The wait is over.
    fn leave(self: Pin<&mut Self>) {
        let this = self.project();
        this.state.watchers.remove(this.key);
    }
}

pin_project! {
    /// The future of [`CancelScope::cancelled`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct WaitCancelled {
        #[pin]
        watch: Watch,
    }
}

impl Future for WaitCancelled {
    type Output = Reason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        let mut watch = self.project().watch;
        match watch.as_mut().poll_request(cx) {
            Poll::Pending => watch.poll_deadline(cx),
            ready => ready,
        }
    }
}

pin_project! {
    /// The future of [`CancelScope::run`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Cancellable<F: Future> {
        #[pin]
        scope: Scope<F>,
        #[pin]
        watch: Watch,
        // The time that the cleanups have, once the future was cut.
        #[pin]
        grace: Option<Sleep>,
        // Why it was.
        cut: Option<Reason>,
    }
}

impl<F: Future> Future for Cancellable<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut cut = if this.scope.is_running() { this.watch.as_mut().poll_request(cx) } else { Poll::Pending };
        let mut poll = if cut.is_pending() { this.scope.as_mut().poll(cx) } else { Poll::Pending };
        // A result that is there goes before the deadline.
        if poll.is_pending() && cut.is_pending() && this.scope.is_running() {
            cut = this.watch.as_mut().poll_deadline(cx);
        }
        if let Poll::Ready(reason) = cut {
            this.scope.as_mut().cancel_with(reason.clone());
            *this.cut = Some(reason);
            this.grace.set(this.watch.state.settings.lock().grace.map(sleep));
            poll = this.scope.as_mut().poll(cx);
        }
        let mut overran = Vec::new();
        if poll.is_pending() {
            match this.grace.as_mut().as_pin_mut() {
                Some(grace) => ready!(grace.poll_past(cx)),
                None => return Poll::Pending,
            }
            overran = this.scope.as_mut().give_up();
            poll = this.scope.as_mut().poll(cx);
        }
        let output = ready!(poll);
        this.watch.leave();
        this.grace.set(None);
        Poll::Ready(output.ok_or_else(|| {
            let reason = this.cut.take().unwrap_or(Reason::Requested);
            Cancelled { reason, overran }
        }))
    }
}

impl<F: Future> fmt::Debug for Cancellable<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellable").field("scope", &self.scope).field("cut", &self.cut).finish()
    }
}

impl fmt::Debug for WaitCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitCancelled").field("deadline", &self.watch.deadline.instant()).finish()
    }
}

/// The error of work whose scope was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled {
    reason: Reason,
    overran: Vec<String>,
}

impl Cancelled {
    /// Why the scope was cancelled.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Whether the reason was the scope's deadline.
    pub fn is_timeout(&self) -> bool {
        self.reason == Reason::TimedOut
    }

    /// The cleanups that were dropped because the [grace period](CancelScope::grace) was over: for each the line that
    /// left it, or the task that it waited for.
    pub fn overran(&self) -> &[String] {
        &self.overran
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Requested => f.write_str("cancelled")?,
            reason => write!(f, "cancelled: {reason}")?,
        }
        if !self.overran.is_empty() {
            write!(f, "; gave up {}", self.overran.join(", "))?;
        }
        Ok(())
    }
}

impl Error for Cancelled {}

/// Runs `future` for `duration` at most, and goes on without its output if the time was over: Trio's `move_on_after`.
///
/// ```
/// use aio_timer::{move_on_after, sleep};
/// use std::time::Duration;
///
/// aio_core::run(async {
///     let hint = move_on_after(Duration::from_millis(1), sleep(Duration::from_secs(3600))).await;
///     assert_eq!(hint, None);
/// });
/// ```
///
/// In everything else like [`timeout()`].
///
/// # Panics
/// As [`timeout()`].
pub async fn move_on_after<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    timeout(duration, future).await.ok()
}

/// Trio's name for [`timeout()`]: fails if the time was over.
///
/// # Errors
/// [`Elapsed`](crate::Elapsed), as [`timeout()`].
///
/// # Panics
/// As [`timeout()`].
pub fn fail_after<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    timeout(duration, future)
}

#[cfg(all(test, aio_loom))]
mod tests;
