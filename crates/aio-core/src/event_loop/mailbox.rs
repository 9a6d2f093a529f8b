//! What other threads ask of a worker.

use std::ptr::NonNull;

use aio_base::sync::Mutex;
use aio_base::sync::atomic::{AtomicBool, Ordering};

use super::core::Core;
use crate::task::{Header, TaskRef};

/// Read between turns. Who sends unparks the worker afterwards.
pub(super) struct Mailbox {
    state: Mutex<State>,
    /// Whether there is mail: lets the worker look without the lock.
    has_mail: AtomicBool,
}

struct State {
    mail: Vec<Mail>,
    closed: bool,
}

/// What another thread asks of a worker.
pub(crate) enum Mail {
    /// A local task is to be woken.
    Wake(TaskRef),
    /// A task is to be run: of a loop with one worker.
    Run(Owned),
    /// Something only the worker's thread can do.
    Call(Box<dyn FnOnce(&Core) + Send>),
}

/// A task that may cross threads and is whose this is.
pub(crate) struct Owned(pub(super) NonNull<Header>);

// SAFETY: who owns such a task may run it, on any thread.
unsafe impl Send for Owned {}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { mail: Vec::new(), closed: false }), has_mail: AtomicBool::new(false) }
    }

    /// # Errors
    /// The mail itself, after the end of the worker.
    pub(super) fn put(&self, mail: Mail) -> Result<(), Mail> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(mail);
        }
        state.mail.push(mail);
        // Relaxed: the worker that sees it takes the lock; one that does not, and parks, is unparked.
        self.has_mail.store(true, Ordering::Relaxed);
        Ok(())
    }

    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Relaxed)
    }

    /// For reports.
    pub(super) fn len(&self) -> usize {
        self.state.lock().mail.len()
    }

    pub(super) fn take(&self) -> Vec<Mail> {
        let mut state = self.state.lock();
        self.has_mail.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.mail)
    }

    /// Closes it for good, unless there is mail.
    pub(super) fn close_if_empty(&self) -> bool {
        self.close_if_empty_and(|| true)
    }

    /// The same, if `others` are closed as well. It is asked under the lock, and only if there is no mail.
    pub(super) fn close_if_empty_and(&self, others: impl FnOnce() -> bool) -> bool {
        let mut state = self.state.lock();
        state.closed = state.closed || (state.mail.is_empty() && others());
        state.closed
    }
}
