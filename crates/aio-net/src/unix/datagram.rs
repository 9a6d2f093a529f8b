//! Datagrams.

use std::fmt;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use aio_reactor::Async;
use aio_timer::sleep;

use super::{PAUSE, address_of};
use crate::tcp::attempted;

/// A socket of the Unix domain for datagrams. None is lost or overtaken; who sends waits while the peer has too many.
///
/// The path of a socket stays when it is dropped: it is for whoever chose it to remove it. Where paths are taken, one
/// that begins with a zero byte is a name in the abstract namespace (Linux).
///
/// # Cancel safety
/// Of all operations: a future that is dropped before it is ready has neither sent nor received anything.
pub struct UnixDatagram {
    io: Async<net::UnixDatagram>,
}

impl UnixDatagram {
    /// A socket at `path`.
    ///
    /// # Errors
    /// What the system says, with the path in it.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        address_of(path)
            .and_then(|address| Self::from_std(net::UnixDatagram::bind_addr(&address)?))
            .map_err(attempted(format_args!("bind a datagram socket to `{}`", path.display())))
    }

    /// A socket without an address, to which nobody can answer unless it is connected to.
    ///
    /// # Errors
    /// What the system says.
    pub fn unbound() -> io::Result<Self> {
        net::UnixDatagram::unbound().and_then(Self::from_std).map_err(attempted("make a datagram socket"))
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    /// What the system says.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = net::UnixDatagram::pair().map_err(attempted("make a pair of sockets"))?;
        Ok((Self::from_std(one)?, Self::from_std(other)?))
    }

    /// Takes over a socket of the standard library, and has the system make it non-blocking.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn from_std(socket: net::UnixDatagram) -> io::Result<Self> {
        Ok(Self { io: Async::new(socket)? })
    }

    /// The socket of the standard library, non-blocking.
    pub fn into_std(self) -> net::UnixDatagram {
        self.io.into_inner()
    }

    /// From now on it sends to the socket at `path`, and receives only from there.
    ///
    /// # Errors
    /// What the system says, with the path in it.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        address_of(path)
            .and_then(|address| self.std().connect_addr(&address))
            .map_err(attempted(format_args!("connect a datagram socket to `{}`", path.display())))
    }

    /// The address here.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.std().local_addr()
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    /// If it is not connected.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.std().peer_addr()
    }

    /// Sends `datagram` to where the socket is connected to. All of it is sent, or nothing.
    ///
    /// # Errors
    /// What the system says.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        self.io.write_with(|socket| socket.send(datagram)).await.map_err(attempted("send a datagram"))
    }

    /// Receives a datagram, and how long it is. What is longer than `buffer` is cut off.
    ///
    /// # Errors
    /// What the system says.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.read_with(|socket| socket.recv(buffer)).await.map_err(attempted("receive a datagram"))
    }

    /// Sends `datagram` to the socket at `path`. All of it is sent, or nothing.
    ///
    /// # Errors
    /// What the system says, with the path in it.
    pub async fn send_to(&self, datagram: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        let failed = |error| attempted(format_args!("send to `{}`", path.display()))(error);
        let address = address_of(path).map_err(failed)?;
        loop {
            match self.std().send_to_addr(datagram, &address) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The peer has too many. Of one that this is not connected to, no event tells when it has taken one.
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE).await,
                result => return result.map_err(failed),
            }
        }
    }

    /// Receives a datagram: how long it is, and who has sent it. What is longer than `buffer` is cut off.
    ///
    /// # Errors
    /// What the system says.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.read_with(|socket| socket.recv_from(buffer)).await.map_err(attempted("receive a datagram"))
    }

    fn std(&self) -> &net::UnixDatagram {
        self.io.get_ref()
    }
}

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.std().as_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std().fmt(f)
    }
}
