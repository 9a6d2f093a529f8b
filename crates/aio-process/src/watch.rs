//! Who may reap a process, and who learns of it.
//!
//! A process that has ended is a zombie, and keeps its number, until it is *reaped*. From then on the number may be
//! another's, so nobody may signal it, or wait for it, any more. Both happen under one lock, with the state that says
//! whether it still may:
//!
//! ```text
//!                ──1 watch──▶
//!   Running                    Running,     ──3 abandon──▶  Running, watched,
//!      │         ◀──2 told──    watched                         abandoned
//!    4 │                          │ 4                             │ 5
//!      ▼                          ▼                               ▼
//!   Ended, or Lost          Ended, or Lost                  Ended, or Lost
//! ```
//! 1. [`Watch::watch`] starts the thread that waits.
//! 2. The thread has seen the end, and wakes those who wait; or it could not be started, and they try themselves.
//! 3. [`Watch::abandon`]: nobody will ask any more.
//! 4. [`Watch::try_wait`], of somebody who asks, finds that the process has ended and reaps it, or that it cannot.
//! 5. The thread reaps it.
//!
//! So the end is as it is without a thread: until somebody has been told of it, there is a zombie, which may be
//! signalled, and its group with it. Only where the system cannot wait without reaping does the thread look, too (4).

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
use aio_base::waits::{self, Note, Place};
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
        /// Whether a thread waits for it.
        is_watched: bool,
        /// Whether that has to reap it.
        is_abandoned: bool,
    },
    Ended(ExitStatus),
    /// It cannot be waited for.
    Lost(ErrorKind, String),
}

impl<R: Reap> Watch<R> {
    pub(crate) fn new(process: R) -> Arc<Self> {
        let state = State::Running { process, is_watched: false, is_abandoned: false };
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

    /// Nobody will ask any more. Returns whether somebody has to wait for the process and reap it: it runs, and there
    /// is no thread that will.
    pub(crate) fn abandon(&self) -> bool {
        if !matches!(self.try_wait(), Ok(None)) {
            return false;
        }
        match &mut *self.state.lock() {
            State::Running { is_watched: true, is_abandoned, .. } => {
                *is_abandoned = true;
                false
            }
            // Perhaps it has ended meanwhile; it has not been reaped.
            State::Running { .. } => true,
            State::Ended(_) | State::Lost(..) => false,
        }
    }

    /// Waits with the thread, which is started by the first who does.
    pub(crate) fn wait(self: &Arc<Self>) -> Wait<R> {
        Wait { watch: self.clone(), key: aio_base::WakerKey::default() }
    }

    /// Sees to it that a thread waits.
    fn watch(self: &Arc<Self>) -> io::Result<()> {
        let block = match &mut *self.state.lock() {
            State::Running { process, is_watched: is_watched @ false, .. } => {
                *is_watched = true;
                process.blocker()
            }
            _ => return Ok(()),
        };
        let theirs = self.clone();
        if let Err(error) = thread::spawn("aio-wait", move || theirs.wait_here(block)) {
            if let State::Running { is_watched, .. } = &mut *self.state.lock() {
                *is_watched = false;
            }
            self.waiters.wake_all();
            return Err(crate::attempted("start the thread `aio-wait`")(error));
        }
        Ok(())
    }

    /// On the thread that waits.
    fn wait_here(&self, mut block: Blocker) {
        while block().is_err() {
            if !matches!(self.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(NAP); // clock: there is nothing else to wait for
        }
        let is_abandoned = match &mut *self.state.lock() {
            State::Running { is_watched, is_abandoned, .. } => {
                *is_watched = false;
                *is_abandoned
            }
            State::Ended(_) | State::Lost(..) => return,
        };
        if is_abandoned {
            // Whatever it says, there is nobody to tell.
            let _ = self.try_wait();
        } else {
            self.waiters.wake_all();
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
        waits::poll_at(Place::of(key), || Note::new("a child process").which(&**watch));
        Poll::Pending
    }
}

/// Nothing in it is pinned.
impl<R: Reap> Unpin for Wait<R> {}

impl<R: Reap> Drop for Wait<R> {
    fn drop(&mut self) {
        waits::end_at(Place::of(&self.key));
        self.watch.waiters.remove(&mut self.key);
    }
}
