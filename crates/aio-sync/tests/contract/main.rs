//! What the primitives promise, in both homes: behaviour, and equality with an obvious model.
#![cfg(not(aio_loom))]

mod broadcast;
mod common;
mod condition;
mod event;
mod lock;
mod model;
mod oneshot;
mod queue;
mod semaphore;
mod watch;
