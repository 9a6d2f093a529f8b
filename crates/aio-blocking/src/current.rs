//! Which pool `to_thread` uses.

use aio_base::sync::OnceLock;

use crate::Pool;
use crate::pool::Shared;

/// The pool of the current loop; without a loop, that of the process.
pub(crate) fn pool() -> Shared {
    static OF_THE_PROCESS: OnceLock<Pool> = OnceLock::new();
    OF_THE_PROCESS.get_or_init(Pool::of_the_process).shared().clone()
}
