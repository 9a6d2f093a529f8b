//! Accepting connections, and serving each in a task of a group.

mod handle;
mod home;
mod listener;
mod serve;

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be

use aio_base::{Local, Shared};

pub use self::handle::ServerHandle;
pub use self::home::ServerHome;
pub use self::listener::Listener;
use crate::TcpListener;

/// Accepts connections and serves each in a task of its own: asyncio's `start_server`.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, spawn};
/// use aio_io::{ReadExt, WriteExt, copy};
/// use aio_net::{Server, TcpStream};
/// use aio_reactor::Reactor;
/// use aio_timer::Timers;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
///
/// EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(async {
///     let server = Server::bind("127.0.0.1:0")?.limit(1000);
///     let (address, handle) = (server.local_addr()?, server.handle());
///     let echoed = Arc::new(AtomicU64::new(0));
///     let count = echoed.clone();
///     let serving = spawn(server.serve(async move |mut stream, _| {
///         let (mut read, mut write) = stream.split();
///         count.fetch_add(copy(&mut read, &mut write).await?, Ordering::Relaxed);
///         Ok(())
///     }));
///
///     let mut client = TcpStream::connect(address).await?;
///     client.write_all(b"echo").await?;
///     client.close().await?;
///     let mut answer = String::new();
///     client.read_to_string(&mut answer).await?;
///     assert_eq!(answer, "echo");
///
///     handle.drain(Duration::from_secs(10));
///     serving.await?;
///     assert_eq!(echoed.load(Ordering::Relaxed), 4);
///     Ok::<_, std::io::Error>(())
/// }).unwrap();
/// ```
///
/// The server ends when its [handle](ServerHandle) says so, and [`serve`](Self::serve) returns when all connections
/// have ended, cleanups included. Its name in the crate root is for connections that may cross threads; in
/// [`local`](crate::local) they stay on their loop.
#[must_use = "a server does nothing before `serve`"]
pub struct Server<L, H: ServerHome> {
    listeners: Vec<L>,
    limit: Option<usize>,
    on_error: H::ErrorHandler,
    handle: ServerHandle,
}

impl<H: ServerHome> Server<TcpListener, H> {
    /// A server that listens at `address`; see [`TcpListener::bind`].
    ///
    /// # Errors
    /// What the system says, with the address in it.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address)?))
    }

    /// A server with so many listeners at one address, among which the system spreads the connections; see
    /// [`TcpListener::bind_shared`]. Each accepts in a task of its own, on whichever worker of the loop takes it, and
    /// hands the connections to that worker first. With as many as there are workers, these accept side by side.
    ///
    /// For servers with many short connections: where one listener suffices, it leaves none waiting for a worker that
    /// is busy.
    ///
    /// # Errors
    /// What the system says, with the address in it.
    ///
    /// # Panics
    /// If `listeners` is zero.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    #[track_caller]
    pub fn bind_shared(address: impl ToSocketAddrs + fmt::Debug, listeners: usize) -> io::Result<Self> {
        assert!(listeners > 0, "a server without a listener");
        let first = TcpListener::bind_shared(address)?;
        // The port may have been chosen by the system.
        let address = first.local_addr()?;
        let mut server = Self::new(first);
        for _ in 1..listeners {
            server.listeners.push(TcpListener::bind_shared(address)?);
        }
        Ok(server)
    }

    /// The address that it listens at, that of the first listener.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listeners[0].local_addr()
    }
}

#[cfg(unix)]
impl<H: ServerHome> Server<crate::UnixListener, H> {
    /// A server that listens at a path; see [`UnixListener::bind`](crate::UnixListener::bind).
    ///
    /// # Errors
    /// What the system says, with the path in it.
    pub fn bind_unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        Ok(Self::new(crate::UnixListener::bind(path)?))
    }
}

impl<L, H: ServerHome> Server<L, H> {
    /// A server on a listener.
    pub fn new(listener: L) -> Self {
        Self { listeners: vec![listener], limit: None, on_error: H::reporting(), handle: ServerHandle::new() }
    }

    /// Also listens by `listener`: another address, or the same by IPv4 and by IPv6.
    pub fn also(mut self, listener: L) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Those that it accepts from.
    pub fn listeners(&self) -> &[L] {
        &self.listeners
    }

    /// Serves at most `limit` connections at a time. Those beyond it wait in the system, which refuses further ones
    /// when it has too many. (Of several listeners, each may have accepted one that waits here.)
    ///
    /// # Panics
    /// If `limit` is zero.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "a server that may serve nobody");
        self.limit = Some(limit);
        self
    }

    /// What ends it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }
}

impl<L> Server<L, Shared> {
    /// Tells `handler` of the errors of connections and of accepting.
    /// Without it they are failures that nobody waits for, which the loop reports.
    pub fn on_error(mut self, handler: impl Fn(&io::Error) + Send + Sync + 'static) -> Self {
        self.on_error = Arc::new(handler);
        self
    }
}

impl<L> Server<L, Local> {
    /// Tells `handler` of the errors of connections and of accepting.
    /// Without it they are failures that nobody waits for, which the loop reports.
    pub fn on_error(mut self, handler: impl Fn(&io::Error) + 'static) -> Self {
        self.on_error = Rc::new(handler);
        self
    }
}

impl<L: fmt::Debug, H: ServerHome> fmt::Debug for Server<L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listeners", &self.listeners).field("limit", &self.limit).finish_non_exhaustive()
    }
}
