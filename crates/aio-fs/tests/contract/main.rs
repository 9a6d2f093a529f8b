//! What each function and `File` promise, on a loop of `aio`.
#![cfg(not(aio_loom))]

mod common;
#[path = "../common/dir.rs"]
mod dir;
mod file;
mod functions;
mod model;
mod read_dir;
