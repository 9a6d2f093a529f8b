//! `tokio`'s names: its own, but for those of `tokio::sync`.

pub mod names;
pub mod sync;

pub use published_tokio::*;
