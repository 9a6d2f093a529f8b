//! What the primitives promise, in both homes: behaviour, and equality with an obvious model.
#![cfg(not(aio_loom))]

mod barrier;
mod common;
mod condition;
mod event;
mod latch;
mod limiter;
mod lock;
mod model;
mod notify;
mod queue;
mod semaphore;
