//! Who may reap a process, and who learns of it.
//!
//! A process that has ended keeps its number until it is *reaped*. From then on the number may be another's, so nobody
//! may signal it, or wait for it, any more. Both happen under one lock, with the state that says whether it still may:
//!
//! ```text
//!   Running, unwatched ──1 watch──▶ Running, watched
//!        ▲   │  └────────2 fail─────────┘   │
//!            └─────────────┬────────────────┘
//!                          3 look
//!                          ▼
//!                     Ended, or Lost
//! ```
//! 1. [`Watch::watch`] starts the thread that waits.
//! 2. It could not be started: who relies on it is woken, and tries himself.
//! 3. [`Watch::try_wait`], of whomever, finds that the process has ended and reaps it, or that somebody else has.
//!
//! The thread waits *without* reaping, which it could not do under the lock, and then looks like everybody else. So a
//! process is reaped between two signals, and never during one.

#[cfg(all(test, aio_loom))]
mod tests;

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::{Context, Poll};
use std::time::Duration;

use aio_base::sync::Mutex;
use aio_base::{WakerSet, thread};

/// How long the thread waits before it looks again, where the system cannot wait without reaping.
const NAP: Duration = Duration::from_millis(20);

/// What the system does with a process.
pub(crate) trait Reap: Send + 'static {
    /// Reaps it if it has ended.
    ///
    /// # Errors
    /// If it cannot be waited for, now or later.
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>>;

    /// What blocks the thread that calls it until the process has ended, and does not reap it.
    fn blocker(&self) -> Blocker;
}

/// It fails if the system cannot do that, or not for this process.
pub(crate) type Blocker = Box<dyn FnMut() -> io::Result<()> + Send>;

/// A process that is waited for by any number of tasks, and signalled by others.
pub(crate) struct Watch<R> {
    state: Mutex<State<R>>,
    /// Those who rely on the thread. They register before they look.
    waiters: WakerSet,
}

enum State<R> {
    Running {
        process: R,
        /// Whether there is a thread that waits for it.
        is_watched: bool,
    },
    Ended(ExitStatus),
    /// It cannot be waited for.
    Lost(ErrorKind, String),
}

impl<R: Reap> Watch<R> {
    pub(crate) fn new(process: R) -> Arc<Self> {
        let state = State::Running { process, is_watched: false };
        Arc::new(Self { state: Mutex::new(state), waiters: WakerSet::new() })
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If it cannot be waited for: the same each time.
    pub(crate) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        let mut state = self.state.lock();
        let (result, former) = match &mut *state {
            State::Ended(status) => return Ok(Some(*status)),
            State::Lost(kind, text) => return Err(io::Error::new(*kind, text.clone())),
            State::Running { process, .. } => match process.try_reap() {
                Ok(None) => return Ok(None),
                Ok(Some(status)) => (Ok(Some(status)), std::mem::replace(&mut *state, State::Ended(status))),
                Err(error) => {
                    let lost = State::Lost(error.kind(), error.to_string());
                    (Err(error), std::mem::replace(&mut *state, lost))
                }
            },
        };
        drop(state);
        drop(former);
        self.waiters.wake_all();
        result
    }

    /// Calls `f` while the number of the process is certainly its own; `None` if its end has been seen.
    pub(crate) fn with_running<T>(&self, f: impl FnOnce(&mut R) -> T) -> Option<T> {
        match &mut *self.state.lock() {
            State::Running { process, .. } => Some(f(process)),
            State::Ended(_) | State::Lost(..) => None,
        }
    }

    /// Whether the thread will reap it, or somebody has.
    pub(crate) fn needs_nobody(&self) -> bool {
        !matches!(&*self.state.lock(), State::Running { is_watched: false, .. })
    }

    /// Waits with the thread, which is started by the first who does.
    pub(crate) fn wait(self: &Arc<Self>) -> Wait<R> {
        Wait { watch: self.clone(), key: aio_base::WakerKey::default() }
    }

    /// Sees to it that a thread waits.
    fn watch(self: &Arc<Self>) -> io::Result<()> {
        let block = match &mut *self.state.lock() {
            State::Running { process, is_watched: is_watched @ false } => {
                *is_watched = true;
                process.blocker()
            }
            _ => return Ok(()),
        };
        let theirs = self.clone();
        if let Err(error) = thread::spawn("aio-wait", move || theirs.reap(block)) {
            if let State::Running { is_watched, .. } = &mut *self.state.lock() {
                *is_watched = false;
            }
            self.waiters.wake_all();
            return Err(crate::attempted("start the thread `aio-wait`")(error));
        }
        Ok(())
    }

    /// On the thread that waits.
    fn reap(&self, mut block: Blocker) {
        loop {
            let blocked = block();
            if !matches!(self.try_wait(), Ok(None)) {
                return;
            }
            if blocked.is_err() {
                thread::sleep(NAP); // clock: there is nothing else to wait for
            }
        }
    }
}

/// The future of [`Watch::wait`].
pub(crate) struct Wait<R: Reap> {
    watch: Arc<Watch<R>>,
    key: aio_base::WakerKey,
}

impl<R: Reap> Future for Wait<R> {
    type Output = io::Result<ExitStatus>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let Self { watch, key } = &mut *self;
        watch.waiters.register(key, cx.waker());
        if let Some(status) = watch.try_wait()? {
            return Poll::Ready(Ok(status));
        }
        watch.watch()?;
        Poll::Pending
    }
}

/// Nothing in it is pinned.
impl<R: Reap> Unpin for Wait<R> {}

impl<R: Reap> Drop for Wait<R> {
    fn drop(&mut self) {
        self.watch.waiters.remove(&mut self.key);
    }
}
