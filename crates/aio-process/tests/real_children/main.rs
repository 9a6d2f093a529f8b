//! Children that are really started.
#![cfg(all(not(aio_loom), target_os = "linux"))]

#[path = "../common/mod.rs"]
mod common;
mod support;

mod child;
mod communicate;
mod foreign;
mod group;
