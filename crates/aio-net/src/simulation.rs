//! A network that is none, for authors of a test runtime. (Users have `aio_test::net`.)
//!
//! While a thread has [entered](enter) a [`Network`], the types of this crate live there: `TcpListener::bind`,
//! `TcpStream::connect`, `UdpSocket::bind`, `lookup` and all that is made of them ask the network of the thread on
//! which they are called. So the program under test is the program that ships.
//!
//! A network has sockets that never wait: what cannot be done yet is `WouldBlock`, as with the system. Who waits stands
//! in the [`Waiters`] of the socket, and the network wakes them when that may have changed.
//!
//! # What stays with the system
//! Sockets that exist, whatever is entered later; those made by `from_std`; Unix sockets and pipes; the names given to
//! `bind`, which are looked up at once, on the thread; and all other threads, those of `to_thread` included.
//!
//! # What there is not
//! A simulated socket has no descriptor: `into_std`, `as_fd` and `as_socket` panic, and name the line that called them.
//! Files are sent by reading and writing. Groups cannot be joined: `Unsupported`. Options that say how the system is to
//! go about its work (`nodelay`, `keep_alive`, `ttl`, `broadcast` ...) are kept, and mean nothing.

mod options;
mod simulated;
mod socket;
mod waiters;

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be

pub(crate) use self::simulated::Simulated;
pub use self::socket::{Datagrams, Direction, Listener, Socket, Stream};
pub use self::waiters::Waiters;

aio_base::thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Network>>> = RefCell::new(None);
}

/// Where simulated sockets come from.
pub trait Network: Send + Sync {
    /// What listens at `address`; `is_shared`, if it does so [with others](crate::TcpListener::bind_shared).
    ///
    /// # Errors
    /// Those of the system: `AddrInUse`, say.
    fn listen(&self, address: SocketAddr, is_shared: bool) -> io::Result<Box<dyn Listener>>;

    /// Begins to connect. The stream is ready to be written to when that has ended; until then it has no
    /// [`peer_addr`](Socket::peer_addr) (`NotConnected`), and after a failure it has an error to
    /// [take](Socket::take_error).
    ///
    /// # Errors
    /// If it fails at once.
    fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>>;

    /// A socket for datagrams.
    ///
    /// # Errors
    /// Those of the system.
    fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Datagrams>>;

    /// The addresses of a host, which is no number.
    ///
    /// # Errors
    /// If there is no such host.
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Makes it the network of this thread, or the system if it is `None`; returns what was before.
pub fn enter(network: Option<Arc<dyn Network>>) -> Option<Arc<dyn Network>> {
    CURRENT.with(|current| current.replace(network))
}

/// The network of this thread, unless that is the system's.
pub fn current() -> Option<Arc<dyn Network>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}
