//! TCP.

mod keep_alive;
mod listener;
mod send;
mod stream;

pub use keep_alive::KeepAlive;
pub use listener::TcpListener;
pub use stream::TcpStream;

use std::fmt::Display;
use std::io;

/// The same error, which says what was attempted on what.
pub(crate) fn attempted(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("failed to {what}: {error}"))
}
