//! UDP.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_reactor::Async;
use futures_core::Stream;

use crate::io::{Io, either};
#[cfg(feature = "simulation")]
use crate::simulation::{self, Direction, Simulated};
use crate::tcp::attempted;

/// A UDP socket.
///
/// All its operations take `&self`, so that any number of tasks may send and receive at the same time.
///
/// A datagram that is longer than the buffer it is received into is cut off (Windows: and that is an error). One of
/// zero bytes is a datagram like any other, and no end: there is none.
///
/// When nobody listens where a *connected* socket sends to, the system may hear of that, and one of the next operations
/// says `ConnectionRefused`. The socket goes on all the same.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark};
/// use aio_net::UdpSocket;
/// use aio_reactor::Reactor;
///
/// EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
///     here.send_to(b"hello", there.local_addr()?).await?;
///
///     let mut buffer = [0; 16];
///     let (n, peer) = there.recv_from(&mut buffer).await?;
///     assert_eq!((&buffer[..n], peer), (&b"hello"[..], here.local_addr()?));
///     Ok::<(), std::io::Error>(())
/// }).unwrap();
/// ```
///
/// # Cancel safety
/// Of all operations: a future that is dropped before it is ready has neither sent nor received anything.
pub struct UdpSocket {
    io: Io<net::UdpSocket>,
}

impl UdpSocket {
    /// A socket at `address`, such as `"0.0.0.0:5000"` (port zero: any that is free).
    ///
    /// A name is looked up on this thread; an address is not looked up at all.
    ///
    /// # Errors
    /// What the system says, with the address in it.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> io::Result<Self> {
        Self::bind_to(&address).map_err(attempted(format_args!("bind a UDP socket to {address:?}")))
    }

    fn bind_to(address: &impl ToSocketAddrs) -> io::Result<Self> {
        #[cfg(feature = "simulation")]
        if let Some(network) = simulation::current() {
            let mut last = None;
            for address in address.to_socket_addrs()? {
                match network.bind(address) {
                    Ok(socket) => return Ok(Self { io: Io::Simulated(Simulated::new(socket)) }),
                    Err(error) => last = Some(error),
                }
            }
            return Err(last.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidInput, "there is no such address")));
        }
        net::UdpSocket::bind(address).and_then(Self::from_std)
    }

    /// Takes over a socket of the standard library, and has the system make it non-blocking.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn from_std(socket: net::UdpSocket) -> io::Result<Self> {
        Ok(Self { io: Io::System(Async::new(socket)?) })
    }

    /// The socket of the standard library, non-blocking.
    #[cfg_attr(feature = "simulation", doc = "\n# Panics\nIf it is a [simulated](crate::simulation) one.")]
    #[cfg_attr(feature = "simulation", track_caller)]
    pub fn into_std(self) -> net::UdpSocket {
        self.io.into_system()
    }

    /// From now on it sends to `peer`, and receives only from there. Nothing is sent for that, and nothing waits.
    ///
    /// # Errors
    /// What the system says, with the address in it.
    pub fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        either!(&self.io, io => io.get_ref().connect(peer), it => it.socket.connect(peer))
            .map_err(attempted(format_args!("connect a UDP socket to {peer}")))
    }

    /// The address here.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        either!(&self.io, io => io.get_ref().local_addr(), it => it.socket.local_addr())
    }

    /// The address that it is connected to.
    ///
    /// # Errors
    /// If it is not connected.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        either!(&self.io, io => io.get_ref().peer_addr(), it => it.socket.peer_addr())
    }

    /// Sends `datagram` to where the socket is connected to. All of it is sent, or nothing.
    ///
    /// # Errors
    /// What the system says, with the address in it: that the socket is not connected, that the datagram is too long,
    /// that nobody listened when something was sent earlier.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        let result = either!(&self.io,
            io => io.write_with(|socket| socket.send(datagram)).await,
            it => it.wait(Direction::Write, "UdpSocket::send", |socket| socket.try_send(datagram, None)).await
        );
        result.map_err(|error| self.failed_to_send(error))
    }

    /// Receives a datagram from where the socket is connected to, and how long it is.
    ///
    /// # Errors
    /// What the system says: also that nobody listened when something was sent earlier.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = either!(&self.io,
            io => io.read_with(|socket| socket.recv(buffer)).await,
            it => it.wait(Direction::Read, "UdpSocket::recv", |socket| len_of(socket.try_receive(buffer, false))).await
        );
        result.map_err(|error| self.failed_to_receive(error))
    }

    /// Sends `datagram` to `peer`. All of it is sent, or nothing.
    ///
    /// # Errors
    /// What the system says, with the address in it.
    pub async fn send_to(&self, datagram: &[u8], peer: SocketAddr) -> io::Result<usize> {
        let result = either!(&self.io,
            io => io.write_with(|socket| socket.send_to(datagram, peer)).await,
            it => it.wait(Direction::Write, "UdpSocket::send_to", |socket| socket.try_send(datagram, Some(peer))).await
        );
        result.map_err(|error| failed_to_send_to(peer, error))
    }

    /// Receives a datagram: how long it is, and who has sent it.
    ///
    /// # Errors
    /// What the system says.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let result = either!(&self.io,
            io => io.read_with(|socket| socket.recv_from(buffer)).await,
            it => it.wait(Direction::Read, "UdpSocket::recv_from", |socket| socket.try_receive(buffer, false)).await
        );
        result.map_err(|error| self.failed_to_receive(error))
    }

    /// Looks at the next datagram, and leaves it there.
    ///
    /// # Errors
    /// What the system says.
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let result = either!(&self.io,
            io => io.read_with(|socket| socket.peek_from(buffer)).await,
            it => it.wait(Direction::Read, "UdpSocket::peek_from", |socket| socket.try_receive(buffer, true)).await
        );
        result.map_err(|error| self.failed_to_receive(error))
    }

    /// [`send`](Self::send) if that need not wait.
    ///
    /// # Errors
    /// `WouldBlock` if it must wait; and those of `send`.
    pub fn try_send(&self, datagram: &[u8]) -> io::Result<usize> {
        either!(&self.io, io => retried(|| io.get_ref().send(datagram)), it => it.socket.try_send(datagram, None))
            .map_err(|error| self.failed_to_send(error))
    }

    /// [`recv`](Self::recv) if that need not wait.
    ///
    /// # Errors
    /// `WouldBlock` if it must wait; and those of `recv`.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(&self.io,
            io => retried(|| io.get_ref().recv(buffer)),
            it => len_of(it.socket.try_receive(buffer, false))
        )
        .map_err(|error| self.failed_to_receive(error))
    }

    /// [`send_to`](Self::send_to) if that need not wait.
    ///
    /// # Errors
    /// `WouldBlock` if it must wait; and those of `send_to`.
    pub fn try_send_to(&self, datagram: &[u8], peer: SocketAddr) -> io::Result<usize> {
        either!(&self.io,
            io => retried(|| io.get_ref().send_to(datagram, peer)),
            it => it.socket.try_send(datagram, Some(peer))
        )
        .map_err(|error| failed_to_send_to(peer, error))
    }

    /// [`recv_from`](Self::recv_from) if that need not wait.
    ///
    /// # Errors
    /// `WouldBlock` if it must wait; and those of `recv_from`.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        either!(&self.io,
            io => retried(|| io.get_ref().recv_from(buffer)),
            it => it.socket.try_receive(buffer, false)
        )
        .map_err(|error| self.failed_to_receive(error))
    }

    /// Waits until there is a datagram, or an error.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub async fn readable(&self) -> io::Result<()> {
        either!(&self.io, io => io.readable().await, it => it.ready(Direction::Read, "UdpSocket::readable").await)
    }

    /// Waits until there is room to send, or an error.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub async fn writable(&self) -> io::Result<()> {
        either!(&self.io, io => io.writable().await, it => it.ready(Direction::Write, "UdpSocket::writable").await)
    }

    /// The datagrams that arrive, each cut off at `max_len` bytes, with who has sent them. The stream has no end, not
    /// even after an error. For one at a time: of two such streams of a socket, only the last to be polled is woken.
    pub fn datagrams(&self, max_len: usize) -> Datagrams<'_> {
        Datagrams { socket: self, buffer: vec![0; max_len].into() }
    }

    /// Whether it may send to all hosts of a network at once.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        either!(&self.io,
            io => io.get_ref().set_broadcast(broadcast),
            it => it.keep(|options| options.broadcast = broadcast)
        )
    }

    /// See [`set_broadcast`](Self::set_broadcast).
    ///
    /// # Errors
    /// What the system says.
    pub fn broadcast(&self) -> io::Result<bool> {
        either!(&self.io, io => io.get_ref().broadcast(), it => it.option(|options| options.broadcast))
    }

    /// How many routers a datagram may pass.
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

    /// Receives what is sent to the group from now on; the interface is named by its address, or the system chooses
    /// (`0.0.0.0`).
    ///
    /// # Errors
    /// What the system says, with the group in it.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        let result =
            either!(&self.io, io => io.get_ref().join_multicast_v4(&group, &interface), it => it.has_no_groups());
        result.map_err(attempted(format_args!("join the group {group} at {interface}")))
    }

    /// The opposite of [`join_multicast_v4`](Self::join_multicast_v4).
    ///
    /// # Errors
    /// What the system says, with the group in it.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        let result =
            either!(&self.io, io => io.get_ref().leave_multicast_v4(&group, &interface), it => it.has_no_groups());
        result.map_err(attempted(format_args!("leave the group {group} at {interface}")))
    }

    /// Receives what is sent to the group from now on; the interface is named by its index, or the system chooses (0).
    ///
    /// # Errors
    /// What the system says, with the group in it.
    pub fn join_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        let result =
            either!(&self.io, io => io.get_ref().join_multicast_v6(&group, interface), it => it.has_no_groups());
        result.map_err(attempted(format_args!("join the group {group} at interface {interface}")))
    }

    /// The opposite of [`join_multicast_v6`](Self::join_multicast_v6).
    ///
    /// # Errors
    /// What the system says, with the group in it.
    pub fn leave_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        let result =
            either!(&self.io, io => io.get_ref().leave_multicast_v6(&group, interface), it => it.has_no_groups());
        result.map_err(attempted(format_args!("leave the group {group} at interface {interface}")))
    }

    /// Whether what is sent to a group comes back to this machine.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_multicast_loop_v4(&self, comes_back: bool) -> io::Result<()> {
        either!(&self.io,
            io => io.get_ref().set_multicast_loop_v4(comes_back),
            it => it.keep(|options| options.multicast_loop_v4 = comes_back)
        )
    }

    /// See [`set_multicast_loop_v4`](Self::set_multicast_loop_v4).
    ///
    /// # Errors
    /// What the system says.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        either!(&self.io, io => io.get_ref().multicast_loop_v4(), it => it.option(|options| options.multicast_loop_v4))
    }

    /// Whether what is sent to a group comes back to this machine.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_multicast_loop_v6(&self, comes_back: bool) -> io::Result<()> {
        either!(&self.io,
            io => io.get_ref().set_multicast_loop_v6(comes_back),
            it => it.keep(|options| options.multicast_loop_v6 = comes_back)
        )
    }

    /// See [`set_multicast_loop_v6`](Self::set_multicast_loop_v6).
    ///
    /// # Errors
    /// What the system says.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        either!(&self.io, io => io.get_ref().multicast_loop_v6(), it => it.option(|options| options.multicast_loop_v6))
    }

    /// How many routers what is sent to a group may pass.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        either!(&self.io,
            io => io.get_ref().set_multicast_ttl_v4(ttl),
            it => it.keep(|options| options.multicast_ttl_v4 = ttl)
        )
    }

    /// See [`set_multicast_ttl_v4`](Self::set_multicast_ttl_v4).
    ///
    /// # Errors
    /// What the system says.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        either!(&self.io, io => io.get_ref().multicast_ttl_v4(), it => it.option(|options| options.multicast_ttl_v4))
    }

    /// The error that is to be told by the next operation, which this takes away.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        either!(&self.io, io => io.get_ref().take_error(), it => Ok(it.socket.take_error()))
    }

    #[cold]
    fn failed_to_send(&self, error: io::Error) -> io::Error {
        match self.peer_addr() {
            Ok(peer) => failed_to_send_to(peer, error),
            Err(_) => unless_it_must_wait("send on a UDP socket that is not connected", error),
        }
    }

    #[cold]
    fn failed_to_receive(&self, error: io::Error) -> io::Error {
        match (self.local_addr(), self.peer_addr()) {
            (Ok(here), Ok(peer)) => unless_it_must_wait(format_args!("receive from {peer} at {here}"), error),
            (Ok(here), Err(_)) => unless_it_must_wait(format_args!("receive at {here}"), error),
            (Err(_), _) => error,
        }
    }
}

#[cold]
fn failed_to_send_to(peer: SocketAddr, error: io::Error) -> io::Error {
    unless_it_must_wait(format_args!("send to {peer}"), error)
}

#[cfg(feature = "simulation")]
fn len_of(result: io::Result<(usize, SocketAddr)>) -> io::Result<usize> {
    result.map(|(n, _)| n)
}

/// That it must wait is nothing that a text would be made for.
fn unless_it_must_wait(what: impl fmt::Display, error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { error } else { attempted(what)(error) }
}

fn retried<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for UdpSocket {
    #[cfg_attr(feature = "simulation", track_caller)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.io.system().as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for UdpSocket {
    #[cfg_attr(feature = "simulation", track_caller)]
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.io.system().as_socket()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(&self.io, io => io.get_ref().fmt(f), it => it.fmt(f))
    }
}

/// The datagrams that arrive at a socket: see [`UdpSocket::datagrams`].
#[must_use = "streams do nothing unless polled"]
pub struct Datagrams<'a> {
    socket: &'a UdpSocket,
    buffer: Box<[u8]>,
}

impl Stream for Datagrams<'_> {
    type Item = io::Result<(Vec<u8>, SocketAddr)>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { socket, buffer } = &mut *self;
        let result = ready!(either!(&socket.io,
            io => io.poll_read_with(cx, |socket| socket.recv_from(buffer)),
            it => it.poll(Direction::Read, "UdpSocket::datagrams", cx, |socket| socket.try_receive(buffer, false))
        ));
        Poll::Ready(Some(match result {
            Ok((n, peer)) => Ok((buffer[..n].to_vec(), peer)),
            Err(error) => Err(socket.failed_to_receive(error)),
        }))
    }
}

impl fmt::Debug for Datagrams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams").field("socket", self.socket).field("max_len", &self.buffer.len()).finish()
    }
}
