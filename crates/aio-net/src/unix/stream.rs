//! A connection.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_reactor::Async;
use aio_timer::sleep;
use futures_io::{AsyncRead, AsyncWrite};

use super::{PAUSE, address_of};
use crate::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::tcp::attempted;
use crate::through::{reads_through, writes_through};

/// A connection to a socket of the Unix domain.
///
/// It is read from and written to like a [`TcpStream`](crate::TcpStream): through `futures_io`'s `AsyncRead` and
/// `AsyncWrite`, which `&UnixStream` has as well.
pub struct UnixStream {
    io: Async<net::UnixStream>,
}

impl UnixStream {
    /// Connects to the socket at `path` (Linux: one that begins with a zero byte is a name in the abstract namespace).
    /// While too many connections wait there to be accepted, it waits, too.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the attempt, and closes the socket.
    ///
    /// # Errors
    /// Those of the system, with the path in them.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Self::connect_to(path).await.map_err(attempted(format_args!("connect to `{}`", path.display())))
    }

    async fn connect_to(path: &Path) -> io::Result<Self> {
        let address = &address_of(path)?;
        loop {
            match begin(address) {
                // No event tells when there is room.
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE).await,
                Err(error) => return Err(error),
                Ok(stream) => {
                    let this = Self { io: Async::from_nonblocking(stream) };
                    this.io.write_with(is_connected).await?;
                    return Ok(this);
                }
            }
        }
    }

    /// Two streams that are connected to each other.
    ///
    /// # Errors
    /// What the system says.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = net::UnixStream::pair().map_err(attempted("make a pair of sockets"))?;
        Ok((Self::from_std(one)?, Self::from_std(other)?))
    }

    /// Takes over a stream of the standard library, and has the system make it non-blocking.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn from_std(stream: net::UnixStream) -> io::Result<Self> {
        Ok(Self { io: Async::new(stream)? })
    }

    /// The stream of the standard library, non-blocking.
    pub fn into_std(self) -> net::UnixStream {
        self.io.into_inner()
    }

    /// The address here: mostly it has none.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.std().local_addr()
    }

    /// The address of the peer.
    ///
    /// # Errors
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.std().peer_addr()
    }

    /// Waits until there is something to read, an end or an error.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Waits until there is room to write, or an error.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    /// Closes one direction or both. Of what was written nothing is lost.
    ///
    /// # Errors
    /// If it is not connected any more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.std().shutdown(how)
    }

    /// The two directions, for two futures of one task.
    pub fn split(&mut self) -> (ReadHalf<'_, Self>, WriteHalf<'_, Self>) {
        split::split(self)
    }

    /// The two directions, for two tasks. When the writing one is dropped, the peer is told that nothing more will
    /// come.
    pub fn into_split(self) -> (OwnedReadHalf<Self>, OwnedWriteHalf<Self>) {
        split::into_split(self, |stream| stream.shutdown(Shutdown::Write))
    }

    fn std(&self) -> &net::UnixStream {
        self.io.get_ref()
    }
}

/// Begins to connect. `WouldBlock`: too many wait already.
fn begin(address: &SocketAddr) -> io::Result<net::UnixStream> {
    let socket = super::listener::new_socket()?;
    match socket.connect(&super::listener::to_socket2(address)?) {
        // It goes on all the same.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        result => result?,
    }
    Ok(socket.into())
}

/// Whether a connection that was begun has come about. (With most systems, at once.)
fn is_connected(stream: &net::UnixStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
        result => result.map(drop),
    }
}

/// Apple has no such flag; there the runtime of Rust ignores the signal.
#[cfg(not(target_vendor = "apple"))]
fn send(stream: &net::UnixStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

    /// More than that is an error (`IOV_MAX`).
    const MOST: usize = 1024;
    let pieces = &pieces[..pieces.len().min(MOST)];
    Ok(sendmsg(stream, pieces, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
}

#[cfg(target_vendor = "apple")]
fn send(mut stream: &net::UnixStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    io::Write::write_vectored(&mut stream, pieces)
}

/// As [`send`], one piece.
#[cfg(not(target_vendor = "apple"))]
fn send_one(stream: &net::UnixStream, piece: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, piece, rustix::net::SendFlags::NOSIGNAL)?)
}

#[cfg(target_vendor = "apple")]
fn send_one(mut stream: &net::UnixStream, piece: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut stream, piece)
}

impl AsyncRead for &UnixStream {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        // Not as a stream: a read ends early where descriptors or credentials were sent along.
        self.io.poll_read_with(cx, |mut stream| stream.read(buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |mut stream| stream.read_vectored(buffers))
    }
}

impl AsyncWrite for &UnixStream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_write_stream(cx, buffer.len(), |stream| send_one(stream, buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_write_with(cx, |stream| send(stream, buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.shutdown(Shutdown::Write) {
            // The peer was faster.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            result => result,
        })
    }
}

reads_through!(UnixStream, this => &*this);
writes_through!(UnixStream, this => &*this);

impl AsFd for UnixStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.std().as_fd()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std().fmt(f)
    }
}
