//! What other threads ask of a worker.

use std::ptr::NonNull;

use aio_base::sync::Mutex;
use aio_base::sync::atomic::{AtomicBool, Ordering};

use super::core::Core;
use crate::task::{Header, TaskRef};

/// Read between turns. Who sends the first mail unparks the worker afterwards, and so for all that comes before that is
/// read: while there is mail, the worker does not park without a token that was left or is about to be.
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

    /// Whether it is the first, so that the caller has to unpark the worker.
    ///
    /// # Errors
    /// The mail itself, after the end of the worker.
    pub(super) fn put(&self, mail: Mail) -> Result<bool, Mail> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(mail);
        }
        let is_first = state.mail.is_empty();
        state.mail.push(mail);
        // Relaxed: the worker that sees it takes the lock; one that does not, and parks, is unparked.
        self.has_mail.store(true, Ordering::Relaxed);
        Ok(is_first)
    }

    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Relaxed)
    }

    /// For reports.
    pub(super) fn len(&self) -> usize {
        self.state.lock().mail.len()
    }

    /// All mail, in exchange for an empty list that has room.
    pub(super) fn take(&self, empty: Vec<Mail>) -> Vec<Mail> {
        let mut state = self.state.lock();
        self.has_mail.store(false, Ordering::Relaxed);
        std::mem::replace(&mut state.mail, empty)
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
