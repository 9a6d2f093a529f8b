//! Servers with their home as a parameter, for code that serves both; otherwise use the names in the
//! [crate root](crate) and in [`local`](crate::local).

pub use crate::server::{Server, ServerHome};
