//! What the primitives promise, in both homes: behaviour, and equality with an obvious model.
#![cfg(not(aio_loom))]

mod barrier;
mod broadcast;
mod channel;
mod channel_model;
mod common;
mod condition;
mod event;
mod latch;
mod limiter;
mod lock;
mod model;
mod notify;
mod once_cell;
mod once_cell_model;
mod oneshot;
mod orders;
mod owned_lock;
mod owned_rwlock;
mod queue;
mod rwlock;
mod rwlock_model;
mod semaphore;
mod watch;
