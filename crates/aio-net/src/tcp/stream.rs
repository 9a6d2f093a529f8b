//! A connection.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aio_reactor::Async;
use futures_io::{AsyncRead, AsyncWrite};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{KeepAlive, attempted};
use crate::io::{Io, either};
#[cfg(feature = "simulation")]
use crate::simulation::{self, Direction, Simulated};
use crate::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::target::{Target, ToTarget};
use crate::through::{reads_through, writes_through};

/// A TCP connection.
///
/// It is read from and written to through `futures_io`'s `AsyncRead` and `AsyncWrite` (`aio_io` has `read`, `write_all`
/// and the rest), which `&TcpStream` has as well: one task may read while another one writes. Of several tasks that
/// read at the same time, or write, only the last is woken.
///
/// What is written is sent at once (`TCP_NODELAY`), as in asyncio. Closing it by
/// [`poll_close`](AsyncWrite::poll_close) tells the peer that nothing more will come; the other direction stays open.
/// Dropping it closes both.
pub struct TcpStream {
    pub(crate) io: Io<net::TcpStream>,
}

impl TcpStream {
    /// Connects to an address, or to a host, as [`connect()`](crate::connect()) does.
    ///
    /// ```no_run
    /// # async fn example(address: std::net::SocketAddr) -> std::io::Result<()> {
    /// use aio_net::TcpStream;
    ///
    /// TcpStream::connect(address).await?;
    /// TcpStream::connect("localhost:80").await?;
    /// TcpStream::connect(([127, 0, 0, 1], 80)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future gives up the attempt, and closes the socket.
    ///
    /// # Errors
    /// Those of the system, with the address in them; those of [`connect()`](crate::connect()); `InvalidInput`, with
    /// the text in it, if that is no `host:port`.
    pub async fn connect(target: impl ToTarget) -> io::Result<Self> {
        match target.to_target()? {
            Target::Address(address) => {
                Self::connect_to(address).await.map_err(attempted(format_args!("connect to {address}")))
            }
            Target::Host(host, port) => crate::connect(host, port).await,
        }
    }

    pub(crate) async fn connect_to(address: SocketAddr) -> io::Result<Self> {
        #[cfg(feature = "simulation")]
        if let Some(network) = simulation::current() {
            let io = Simulated::new(network.connect(address)?);
            io.wait(Direction::Write, "TcpStream::connect", |stream| match stream.take_error() {
                Some(error) => Err(error),
                None => connected(stream.peer_addr()),
            })
            .await?;
            return Ok(Self { io: Io::Simulated(io) });
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if is_in_progress(&error) => {}
            result => result?,
        }
        let io = Self::sent_at_once(socket.into());
        // Until then it is not writable. An error makes it so, too.
        io.write_with(is_connected).await?;
        Ok(Self { io: Io::System(io) })
    }

    /// Takes over a stream of the standard library, and has the system make it non-blocking.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn from_std(stream: net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { io: Io::System(Self::sent_at_once(stream)) })
    }

    /// `stream` is non-blocking.
    fn sent_at_once(stream: net::TcpStream) -> Async<net::TcpStream> {
        // If it fails, the peer is gone already. That is for who reads or writes to find out.
        let _ = stream.set_nodelay(true);
        Async::from_nonblocking(stream)
    }

    /// `stream` is non-blocking, and sends without delay.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn prepared(stream: net::TcpStream) -> Self {
        Self { io: Io::System(Async::from_nonblocking(stream)) }
    }

    #[cfg(feature = "simulation")]
    pub(super) fn simulated(stream: Box<dyn simulation::Stream>) -> Self {
        Self { io: Io::Simulated(Simulated::new(stream)) }
    }

    /// The stream of the standard library, non-blocking.
    #[cfg_attr(feature = "simulation", doc = "\n# Panics\nIf it is a [simulated](crate::simulation) one.")]
    #[cfg_attr(feature = "simulation", track_caller)]
    pub fn into_std(self) -> net::TcpStream {
        self.io.into_system()
    }

    /// The address of the peer.
    ///
    /// # Errors
    /// If it is not connected any more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        either!(&self.io, io => io.get_ref().peer_addr(), it => it.socket.peer_addr())
    }

    /// The address here.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        either!(&self.io, io => io.get_ref().local_addr(), it => it.socket.local_addr())
    }

    /// Looks at what comes next, and leaves it there; zero at the end.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(&self.io,
            io => io.read_with(|stream| stream.peek(buffer)).await,
            it => it.wait(Direction::Read, "TcpStream::peek", |stream| {
                stream.try_read(&mut [IoSliceMut::new(buffer)], true)
            }).await
        )
    }

    /// Waits until there is something to read, an end or an error.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub async fn readable(&self) -> io::Result<()> {
        either!(&self.io, io => io.readable().await, it => it.ready(Direction::Read, "TcpStream::readable").await)
    }

    /// Waits until there is room to write, or an error.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub async fn writable(&self) -> io::Result<()> {
        either!(&self.io, io => io.writable().await, it => it.ready(Direction::Write, "TcpStream::writable").await)
    }

    /// Closes one direction or both. Of what was written nothing is lost.
    ///
    /// # Errors
    /// If it is not connected any more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        either!(&self.io, io => io.get_ref().shutdown(how), it => it.socket.shutdown(how))
    }

    /// Whether what is written is sent at once (the default), or small pieces wait for more.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        either!(&self.io, io => io.get_ref().set_nodelay(nodelay), it => it.keep(|options| options.nodelay = nodelay))
    }

    /// Whether what is written is sent at once.
    ///
    /// # Errors
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        either!(&self.io, io => io.get_ref().nodelay(), it => it.option(|options| options.nodelay))
    }

    /// Has the system ask now and then whether the peer is still there; `None` turns that off.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_keep_alive(&self, keep_alive: Option<&KeepAlive>) -> io::Result<()> {
        either!(&self.io,
            io => match keep_alive {
                Some(keep_alive) => SockRef::from(io.get_ref()).set_tcp_keepalive(keep_alive.as_params()),
                None => SockRef::from(io.get_ref()).set_keepalive(false),
            },
            it => it.keep(|options| options.keep_alive = keep_alive.is_some())
        )
    }

    /// Whether the system asks.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep_alive(&self) -> io::Result<bool> {
        either!(&self.io, io => SockRef::from(io.get_ref()).keepalive(), it => it.option(|options| options.keep_alive))
    }

    /// Zero has the drop throw away what was not sent yet, and reset the connection: asyncio's `abort`. The default,
    /// `None`, has the system go on sending in the background.
    ///
    /// Any other time makes the drop **block its thread**, and so the whole loop, until all is sent or the time is
    /// over. To wait for the peer, [close](AsyncWrite::poll_close) the stream and read until the end instead.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        either!(&self.io,
            io => SockRef::from(io.get_ref()).set_linger(linger),
            it => {
                it.socket.set_linger(linger);
                it.keep(|options| options.linger = linger)
            }
        )
    }

    /// See [`set_linger`](Self::set_linger).
    ///
    /// # Errors
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        either!(&self.io, io => SockRef::from(io.get_ref()).linger(), it => it.option(|options| options.linger))
    }

    /// How many routers a packet may pass.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        either!(&self.io, io => io.get_ref().set_ttl(ttl), it => it.keep(|options| options.ttl = ttl))
    }

    /// See [`set_ttl`](Self::set_ttl).
    ///
    /// # Errors
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        either!(&self.io, io => io.get_ref().ttl(), it => it.option(|options| options.ttl))
    }

    /// The error that is to be told by the next operation, which this takes away.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        either!(&self.io, io => io.get_ref().take_error(), it => Ok(it.socket.take_error()))
    }

    /// The two directions, for two futures of one task.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        split::split(self)
    }

    /// The two directions, for two tasks. When the writing one is dropped, the peer is told that nothing more will
    /// come.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split::into_split(self, |stream| stream.shutdown(Shutdown::Write))
    }
}

/// Whether a connection that was begun has come about.
fn is_connected(stream: &net::TcpStream) -> io::Result<()> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    connected(stream.peer_addr())
}

#[inline]
fn connected(peer: io::Result<SocketAddr>) -> io::Result<()> {
    match peer {
        // The system has woken us for nothing, or this is the first look.
        Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
        result => result.map(drop),
    }
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    // What was interrupted goes on all the same. (`EAGAIN` is no progress: there was no port to be had.)
    let begun = [rustix::io::Errno::INPROGRESS, rustix::io::Errno::INTR];
    begun.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(not(unix))]
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

impl AsyncRead for &TcpStream {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        either!(&self.io,
            io => io.poll_read_stream(cx, buffer.len(), |mut stream| stream.read(buffer)),
            it => it.poll(Direction::Read, "TcpStream::read", cx, |stream| {
                stream.try_read(&mut [IoSliceMut::new(buffer)], false)
            })
        )
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        // Not as a stream: of very many buffers only some are filled at once, whatever is there.
        either!(&self.io,
            io => io.poll_read_with(cx, |mut stream| stream.read_vectored(buffers)),
            it => it.poll(Direction::Read, "TcpStream::read", cx, |stream| stream.try_read(buffers, false))
        )
    }
}

impl AsyncWrite for &TcpStream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        either!(&self.io,
            io => io.poll_write_stream(cx, buffer.len(), |mut stream| stream.write(buffer)),
            it => it.poll(Direction::Write, "TcpStream::write", cx, |stream| stream.try_write(&[IoSlice::new(buffer)]))
        )
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Not as a stream: of very many pieces only some are sent at once, whatever room there is.
        either!(&self.io,
            io => io.poll_write_with(cx, |stream| super::send::send_vectored(stream, buffers)),
            it => it.poll(Direction::Write, "TcpStream::write", cx, |stream| stream.try_write(buffers))
        )
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

reads_through!(TcpStream, this => &*this);
writes_through!(TcpStream, this => &*this);

#[cfg(unix)]
impl std::os::fd::AsFd for TcpStream {
    #[cfg_attr(feature = "simulation", track_caller)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.io.system().as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for TcpStream {
    #[cfg_attr(feature = "simulation", track_caller)]
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.io.system().as_socket()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(&self.io, io => io.get_ref().fmt(f), it => it.fmt(f))
    }
}
