//! What cannot be tried from outside: a system without threads, and all orders of events (`loom.rs`).

#[cfg(not(aio_loom))]
mod exhaustion;
#[cfg(aio_loom)]
mod loom;

#[cfg(not(aio_loom))]
pub(super) use exhaustion::allow_thread;
