//! What a network has to offer.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use super::Waiters;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// That there is something to read, to receive or to accept, or an error.
    Read,
    /// That there is room to write, or an error; that a connection has come about, or failed.
    Write,
}

/// What all sockets have. Dropping one closes it.
pub trait Socket: fmt::Debug + Send + Sync {
    /// The address here.
    ///
    /// # Errors
    /// Those of the system.
    fn local_addr(&self) -> io::Result<SocketAddr>;

    /// The address of the peer.
    ///
    /// # Errors
    /// `NotConnected`.
    fn peer_addr(&self) -> io::Result<SocketAddr>;

    /// The error that the next operation would give, which this takes away.
    fn take_error(&self) -> Option<io::Error>;

    /// Whether who waits for that need not.
    fn is_ready(&self, direction: Direction) -> bool;

    /// Those who wait for that, to be woken when it may be so.
    fn waiters(&self, direction: Direction) -> &Waiters;
}

/// A connection. What it cannot do yet is `WouldBlock`; other errors are those of the system.
pub trait Stream: Socket {
    /// Reads, and takes away what it has read, unless it only `peeks`. Zero is the end, if there is room.
    ///
    /// # Errors
    /// Those of the system.
    fn try_read(&self, buffers: &mut [IoSliceMut<'_>], peeks: bool) -> io::Result<usize>;

    /// Writes a part of it at least, if it is not empty.
    ///
    /// # Errors
    /// Those of the system.
    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Closes one direction or both.
    ///
    /// # Errors
    /// Those of the system.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// With zero, dropping it resets the connection.
    fn set_linger(&self, linger: Option<Duration>);
}

/// What connections are accepted from.
pub trait Listener: Socket {
    /// Takes the first connection that waits.
    ///
    /// # Errors
    /// `WouldBlock`; any other error is the end of a server.
    fn try_accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)>;
}

/// A socket for datagrams.
pub trait Datagrams: Socket {
    /// Sends to `peer` from now on, and receives from nobody else.
    ///
    /// # Errors
    /// Those of the system.
    fn connect(&self, peer: SocketAddr) -> io::Result<()>;

    /// Sends to `peer`, or to where it is connected to.
    ///
    /// # Errors
    /// Those of the system.
    fn try_send(&self, datagram: &[u8], peer: Option<SocketAddr>) -> io::Result<usize>;

    /// Receives a datagram, and takes it away, unless it only `peeks`.
    ///
    /// # Errors
    /// Those of the system.
    fn try_receive(&self, buffer: &mut [u8], peeks: bool) -> io::Result<(usize, SocketAddr)>;
}
