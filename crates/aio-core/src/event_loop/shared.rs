//! A loop's part for all threads: its mailbox, and the account of its cells.

use std::sync::Arc; // facade: the count of `Shared` is settled by hand, see `settle`
use std::sync::OnceLock; // facade: set before the loop runs
use std::task::Waker;

use aio_base::sync::Mutex;
use aio_base::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use slab::Slab;

use super::core::Core;
use crate::failure::Handler;
use crate::task::{AnyRecord, CellRef, Runnable};

pub(crate) struct Shared {
    mailbox: Mutex<Mailbox>,
    /// Whether there is mail: lets the loop look without the lock.
    has_mail: AtomicBool,
    unparker: Waker,
    on_failure: OnceLock<Handler>,
    /// The tasks that may cross threads and have not ended.
    pub(crate) tasks: Mutex<Slab<Arc<dyn AnyRecord>>>,
    /// [`OPEN`](Self::OPEN) while the loop exists, less the cells that other threads have freed; after the loop, the
    /// cells that exist.
    balance: AtomicIsize,
}

struct Mailbox {
    mail: Vec<Mail>,
    closed: bool,
}

/// What another thread asks of a loop.
pub(crate) enum Mail {
    /// A local task is to be woken.
    Wake(CellRef),
    /// A task was woken and is to be run.
    Run(Runnable),
    /// Something only the loop's thread can do.
    Call(Box<dyn FnOnce(&Core) + Send>),
}

impl Shared {
    /// More cells than there can be.
    pub(super) const OPEN: isize = isize::MAX / 2;

    pub(super) fn new(unparker: Waker) -> Self {
        Self {
            mailbox: Mutex::new(Mailbox { mail: Vec::new(), closed: false }),
            has_mail: AtomicBool::new(false),
            unparker,
            on_failure: OnceLock::new(),
            tasks: Mutex::new(Slab::new()),
            balance: AtomicIsize::new(Self::OPEN),
        }
    }

    /// Puts something into the mailbox and ends the loop's park.
    ///
    /// # Errors
    /// The mail itself, after the end of the loop.
    pub(crate) fn send(&self, mail: Mail) -> Result<(), Mail> {
        let mut mailbox = self.mailbox.lock();
        if mailbox.closed {
            return Err(mail);
        }
        mailbox.mail.push(mail);
        // Relaxed: the loop that sees it takes the lock; a loop that does not, and parks, gets the token below.
        self.has_mail.store(true, Ordering::Relaxed);
        drop(mailbox);
        self.unparker.wake_by_ref();
        Ok(())
    }

    /// Who is told of failures. The first that is set counts.
    pub(super) fn set_on_failure(&self, handler: Handler) {
        drop(self.on_failure.set(handler));
    }

    pub(crate) fn on_failure(&self) -> Option<&Handler> {
        self.on_failure.get()
    }

    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.has_mail.load(Ordering::Relaxed)
    }

    pub(super) fn take_mail(&self) -> Vec<Mail> {
        let mut mailbox = self.mailbox.lock();
        self.has_mail.store(false, Ordering::Relaxed);
        std::mem::take(&mut mailbox.mail)
    }

    /// Closes the mailbox for good, unless there is mail.
    pub(super) fn close_if_empty(&self) -> bool {
        let mut mailbox = self.mailbox.lock();
        mailbox.closed = mailbox.mail.is_empty();
        mailbox.closed
    }

    /// Takes `cells` off the balance; who brings it to zero frees the loop's part for all threads.
    ///
    /// The loop counts its cells without locked operations, since it makes and frees nearly all of them itself. Another
    /// thread that frees one takes it off here. When the loop ends, it replaces `OPEN` by the number of its cells; from
    /// then on all threads free them here.
    ///
    /// # Safety
    /// Each cell is settled once, and the loop once; none uses `this` afterwards. `this` came from [`Arc::into_raw`].
    pub(crate) unsafe fn settle(this: *const Self, cells: isize) {
        // SAFETY: until the balance is zero, it is alive. AcqRel: what the others did with it comes before it is freed.
        if unsafe { &*this }.balance.fetch_sub(cells, Ordering::AcqRel) == cells {
            // SAFETY: the loop gave this count away in `Core::account`; the balance is zero once, after that.
            drop(unsafe { Arc::from_raw(this) });
        }
    }
}
