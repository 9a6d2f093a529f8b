//! Signals, and Ctrl-C for programs that take it themselves.
//!
//! While a stream takes `Signal::INTERRUPT`, or a [`ctrl_c()`] waits, Ctrl-C does not cancel the main task of
//! [`run`](crate::run).

pub use aio_signal::ctrl_c;
#[cfg(unix)]
pub use aio_signal::{Signal, Signals, signals};
