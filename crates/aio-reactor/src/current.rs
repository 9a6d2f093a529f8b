//! Whose thread this is.

use std::cell::RefCell;
use std::io;
use std::sync::Arc; // facade: shared data without a protocol

use crate::fallback;
use crate::poller::Poller;

aio_base::thread_local! {
    /// The poller of this thread's loop.
    static CURRENT: RefCell<Option<Arc<Poller>>> = RefCell::new(None);
}

/// Makes it the one of this thread; returns the former one.
pub(crate) fn replace(poller: Option<Arc<Poller>>) -> Option<Arc<Poller>> {
    CURRENT.with(|current| current.replace(poller))
}

/// The poller of this thread's loop; without one, the thread of the process.
///
/// # Errors
/// If the system has no thread or no descriptor to give.
pub(crate) fn poller() -> io::Result<Arc<Poller>> {
    match CURRENT.try_with(|current| current.borrow().clone()).ok().flatten() {
        Some(poller) => Ok(poller),
        None => fallback::poller(),
    }
}
