//! What the primitives promise, in both homes: behaviour, and equality with an obvious model.
#![cfg(not(aio_loom))]

mod channel;
mod channel_model;
mod common;
mod condition;
mod event;
mod lock;
mod model;
mod orders;
mod queue;
mod semaphore;
