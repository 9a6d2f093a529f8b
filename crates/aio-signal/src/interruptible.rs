//! A main task that the user may interrupt.

use std::fmt;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::sync::{Mutex, OnceLock};
use aio_base::waits;
use aio_core::{Reason, TaskId, TaskRef, current_task};
use pin_project_lite::pin_project;

#[cfg(windows)]
use crate::console as sys;
#[cfg(unix)]
use crate::disposition as sys;

/// The exit code of a program that was interrupted, by the convention of shells: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// Whom Ctrl-C concerns.
struct Target {
    task: TaskRef,
    /// Whether it has been told.
    told: bool,
}

static TARGET: OnceLock<Mutex<Option<Target>>> = OnceLock::new();

fn target() -> &'static Mutex<Option<Target>> {
    TARGET.get_or_init(Mutex::default)
}

/// Runs `main`; Ctrl-C cancels the task that it is in, with [`Reason::Interrupted`], and when pressed again ends the
/// process at once, with exit code 130.
///
/// Nothing is installed before `main` waits for the first time. Then a thread of the process begins to listen, and does
/// so until the process ends; while nothing interruptible runs, Ctrl-C ends the process as it would have without it. If
/// the program has a handler of its own for Ctrl-C by then, or was started to ignore it (as what a shell starts in the
/// background), that stays so, and this does nothing; see
/// [`interruptible_anyway`].
///
/// A Ctrl-C that the program takes itself, with [`ctrl_c`](crate::ctrl_c()) or a stream of signals, cancels nothing,
/// and does not count.
///
/// One main task is interruptible at a time: the last that began.
///
/// # Cancel safety
/// Dropping it drops `main`, and Ctrl-C concerns it no more.
pub fn interruptible<F: Future>(main: F) -> Interruptible<F> {
    Interruptible { main, listen: Listen::IfFree, target: None }
}

/// [`interruptible`] in any case: also if the program ignores Ctrl-C, and besides a handler of its own.
pub fn interruptible_anyway<F: Future>(main: F) -> Interruptible<F> {
    Interruptible { main, listen: Listen::Anyway, target: None }
}

/// Whether to listen where somebody else has decided on Ctrl-C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listen {
    IfFree,
    Anyway,
}

pin_project! {
    /// The future of [`interruptible`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Interruptible<F> {
        #[pin]
        main: F,
        listen: Listen,
        // The task that was made the target.
        target: Option<TaskId>,
    }

    impl<F> PinnedDrop for Interruptible<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(task) = this.target {
                forget(task);
            }
        }
    }
}

impl<F: Future> Future for Interruptible<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let poll = this.main.poll(cx);
        if poll.is_pending()
            && this.target.is_none()
            && let Some(task) = current_task()
        {
            *this.target = Some(task.id());
            let former = target().lock().replace(Target { task, told: false });
            // After the lock: it may be the last that is left of a loop.
            drop(former);
            // If it fails, somebody else has decided on Ctrl-C, or there is no thread to be had: it stays as it is.
            let _ = listen(*this.listen);
        }
        poll
    }
}

/// The task is no target any more. Its cleanups may still run: until they are done, the process ends at once.
fn forget(task: TaskId) {
    let former = target().lock().take_if(|target| target.task.id() == task && !target.told);
    drop(former);
}

/// Begins to listen, once for the process.
pub(crate) fn listen(how: Listen) -> io::Result<()> {
    static LISTENS: OnceLock<Mutex<bool>> = OnceLock::new();
    let mut listens = LISTENS.get_or_init(Mutex::default).lock();
    if !*listens {
        sys::listen(how)?;
        *listens = true;
    }
    Ok(())
}

/// Ctrl-C was pressed, and nobody has taken it. On the thread that listens.
pub(crate) fn interrupted() {
    let first = target().lock().as_mut().and_then(|target| {
        let told = std::mem::replace(&mut target.told, true);
        (!told).then(|| target.task.clone())
    });
    match first {
        Some(task) => {
            // Nobody, unless it is tracked.
            let waits = waits::waits();
            if !waits.is_empty() {
                // Nobody may be there to read it.
                let _ = write!(io::stderr(), "{waits}");
            }
            task.cancel_with(Reason::Interrupted);
        }
        None => exit_interrupted(),
    }
}

/// Ends the process as one that was interrupted, with exit code 130.
pub fn exit_interrupted() -> ! {
    std::process::exit(INTERRUPTED)
}

/// Whether this is the thread on which the program has begun, the only one that asyncio lets Ctrl-C interrupt.
pub fn is_main_thread() -> bool {
    // facade: a thread's name is all that the standard library tells of it.
    std::thread::current().name() == Some("main")
}

impl<F> fmt::Debug for Interruptible<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interruptible").field("target", &self.target).finish()
    }
}
