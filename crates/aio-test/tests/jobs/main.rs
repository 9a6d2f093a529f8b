//! Blocking functions as steps of a schedule.
#![cfg(not(aio_loom))]

mod cancelled;
mod random;
mod repeatable;
mod seeded;
mod semantics;
mod slow;
mod waiting;
