//! Which pool `to_thread` uses.

use aio_base::sync::OnceLock;

use crate::pool::Shared;
use crate::{Pool, PoolConfig};

/// The pool of the current loop; without a loop, that of the process.
pub(crate) fn pool() -> Shared {
    static OF_THE_PROCESS: OnceLock<Pool> = OnceLock::new();
    match aio_core::loop_local(|| Pool::new(PoolConfig::new())) {
        Some(pool) => pool.shared().clone(),
        None => OF_THE_PROCESS.get_or_init(Pool::of_the_process).shared().clone(),
    }
}
