//! What the primitives promise, in both homes: behaviour, and equality with an obvious model.
#![cfg(not(aio_loom))]

mod common;
mod condition;
mod event;
mod lock;
mod model;
mod once_cell;
mod once_cell_model;
mod owned_lock;
mod owned_rwlock;
mod queue;
mod rwlock;
mod rwlock_model;
mod semaphore;
