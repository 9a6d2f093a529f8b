//! What a server accepts from.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use crate::{TcpListener, TcpStream};

/// What a [`Server`](super::Server) accepts connections from: a [`TcpListener`], a `UnixListener`, or something around
/// one of them, which may refuse peers or count them. A handshake belongs into the handler: here it would keep all
/// others waiting.
pub trait Listener {
    /// A connection.
    type Stream;
    /// Whose it is.
    type Address;

    /// Waits for the next connection.
    ///
    /// # Cancel safety
    /// No connection may be lost.
    ///
    /// # Errors
    /// After those for want of descriptors or memory (on Unix `EMFILE`, `ENFILE`, `ENOBUFS` and `ENOMEM`) a server
    /// tries again after a moment; any other one is its end.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Address)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Address = SocketAddr;

    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        Self::accept(self)
    }
}

#[cfg(unix)]
impl Listener for crate::UnixListener {
    type Stream = crate::UnixStream;
    type Address = std::os::unix::net::SocketAddr;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Address)>> + Send {
        Self::accept(self)
    }
}
