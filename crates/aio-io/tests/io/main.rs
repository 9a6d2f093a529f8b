//! Readers, writers, copies and pipes, by what can be seen from outside.
#![cfg(not(aio_loom))]

mod auto_traits;
mod copies;
mod ext;
mod lines;
mod pipes;
mod property;
mod reader;
mod script;
mod writer;
