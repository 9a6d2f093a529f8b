//! What the primitives promise, in both homes: behaviour, and equality with an obvious model. What is promised by all
//! that is like a lock, or like a queue, is in one suite for each: `lock_like`, `queue_like`.
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
mod lock_like;
mod model;
mod notify;
mod once_cell;
mod once_cell_model;
mod oneshot;
mod orders;
mod owned_lock;
mod owned_rwlock;
mod queue;
mod queue_like;
mod rwlock;
mod rwlock_model;
mod semaphore;
mod watch;
