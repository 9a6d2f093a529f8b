//! Connections in memory and over loopback, both sides ours.
#![cfg(not(aio_loom))]

mod handshake;
mod property;
mod streams;

mod harness;
#[path = "../support/mod.rs"]
mod support;
