//! What waits for connections.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{self, SocketAddr, ToSocketAddrs};

use aio_reactor::Async;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{TcpStream, attempted};
use crate::io::{Io, either};
#[cfg(feature = "simulation")]
use crate::simulation::{self, Direction, Simulated};

/// How many connections may wait to be accepted. (The system may allow fewer.)
const BACKLOG: i32 = 1024;

/// Waits for TCP connections.
///
/// [`Server`](crate::Server) has the loop around it that survives whatever goes wrong.
pub struct TcpListener {
    io: Io<net::TcpListener>,
}

impl TcpListener {
    /// Listens at `address`, such as `"127.0.0.1:8080"` (port zero: any that is free). The address may be taken again
    /// at once after the program has ended (`SO_REUSEADDR`, not on Windows, where it means something else).
    ///
    /// A name is looked up on this thread; an address is not looked up at all.
    ///
    /// # Errors
    /// What the system says, with the address in it.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> io::Result<Self> {
        Self::bind_to(&address, false).map_err(attempted(format_args!("listen at {address:?}")))
    }

    /// [`bind`](Self::bind) together with others, which do the same: the system spreads the connections among them
    /// (`SO_REUSEPORT`). For one listener on each worker.
    ///
    /// # Errors
    /// What the system says, with the address in it.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    pub fn bind_shared(address: impl ToSocketAddrs + fmt::Debug) -> io::Result<Self> {
        Self::bind_to(&address, true).map_err(attempted(format_args!("listen at {address:?}")))
    }

    fn bind_to(address: &impl ToSocketAddrs, shared: bool) -> io::Result<Self> {
        let mut last = None;
        for address in address.to_socket_addrs()? {
            match Self::bind_one(address, shared) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidInput, "there is no such address")))
    }

    fn bind_one(address: SocketAddr, shared: bool) -> io::Result<Self> {
        #[cfg(feature = "simulation")]
        if let Some(network) = simulation::current() {
            return Ok(Self { io: Io::Simulated(Simulated::new(network.listen(address, shared)?)) });
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
        if shared {
            socket.set_reuse_port(true)?;
        }
        #[cfg(not(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin")))))]
        let _ = shared;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        prepare(&socket);
        Ok(Self { io: Io::System(Async::from_nonblocking(socket.into())) })
    }

    /// Takes over a listener of the standard library, and has the system make it non-blocking.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn from_std(listener: net::TcpListener) -> io::Result<Self> {
        prepare(&SockRef::from(&listener));
        Ok(Self { io: Io::System(Async::new(listener)?) })
    }

    /// The listener of the standard library, non-blocking.
    #[cfg_attr(feature = "simulation", doc = "\n# Panics\nIf it is a [simulated](crate::simulation) one.")]
    #[cfg_attr(feature = "simulation", track_caller)]
    pub fn into_std(self) -> net::TcpListener {
        self.io.into_system()
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        either!(&self.io, io => io.get_ref().local_addr(), it => it.socket.local_addr())
    }

    /// Waits for the next connection. One whose peer has gone meanwhile is passed over.
    ///
    /// # Cancel safety
    /// No connection is lost: it waits for who accepts next.
    ///
    /// # Fairness
    /// Any number of tasks may wait at the same time. All are woken, and the first to run has it.
    ///
    /// # Errors
    /// What the system says. When it has no descriptor or no memory (`EMFILE` and the like), the connection stays where
    /// it is, and to try again at once fails again: wait first, as [`Server`](crate::Server) does.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let accept_next = |listener: &net::TcpListener| loop {
            match accept(listener) {
                Err(error) if is_of_the_connection(&error) => {}
                result => break result,
            }
        };
        either!(&self.io,
            io => io.read_with(accept_next).await,
            it => {
                let accepting = it.wait(Direction::Read, "TcpListener::accept", |listener| listener.try_accept());
                let (stream, peer) = accepting.await?;
                Ok((TcpStream::simulated(stream), peer))
            }
        )
    }
}

/// What accepted connections inherit.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn prepare(listener: &Socket) {
    // It cannot fail; and without it, only small messages are slower.
    let _ = listener.set_tcp_nodelay(true);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn prepare(_: &Socket) {}

/// In one system call: see [`prepare`] for the delay.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn accept(listener: &net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    use rustix::net::{SocketFlags, acceptfrom_with};

    let (stream, peer) = acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let peer = peer.ok_or(ErrorKind::ConnectionAborted)?;
    Ok((TcpStream::prepared(stream.into()), peer.try_into()?))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn accept(listener: &net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    Ok((TcpStream::from_std(stream)?, peer))
}

/// Whether only the connection has failed that was to be accepted: also with what accept(2) calls errors of the
/// network.
fn is_of_the_connection(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let network =
            [Errno::PROTO, Errno::NOPROTOOPT, Errno::NETDOWN, Errno::NETUNREACH, Errno::HOSTDOWN, Errno::HOSTUNREACH];
        if network.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
            return true;
        }
    }
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

#[cfg(unix)]
impl std::os::fd::AsFd for TcpListener {
    #[cfg_attr(feature = "simulation", track_caller)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.io.system().as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for TcpListener {
    #[cfg_attr(feature = "simulation", track_caller)]
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.io.system().as_socket()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        either!(&self.io, io => io.get_ref().fmt(f), it => it.fmt(f))
    }
}
