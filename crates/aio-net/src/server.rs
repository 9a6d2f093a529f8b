//! Accepting connections, and serving each in a task of a group.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_base::Panics;
use aio_base::sync::OnceLock;
use aio_core::{FailureKind, report_failure};
use aio_group::TaskGroup;
use aio_timer::{CancelScope, sleep};

use crate::{TcpListener, TcpStream};

/// How long it waits when the system has no descriptor or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections and serves each in a task of its own: asyncio's `start_server`.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, spawn};
/// use aio_io::{ReadExt, WriteExt, copy};
/// use aio_net::{Server, TcpStream};
/// use aio_reactor::Reactor;
/// use aio_timer::Timers;
/// use std::time::Duration;
///
/// EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(async {
///     let server = Server::bind("127.0.0.1:0")?.limit(1000);
///     let (address, handle) = (server.local_addr()?, server.handle());
///     let serving = spawn(server.serve(async |mut stream, _| {
///         let (mut read, mut write) = stream.split();
///         copy(&mut read, &mut write).await.map(drop)
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
///     serving.await
/// }).unwrap();
/// ```
///
/// The server ends when its [handle](ServerHandle) says so, and [`serve`](Self::serve) returns when all connections
/// have ended, cleanups included.
#[must_use = "a server does nothing before `serve`"]
pub struct Server {
    listener: TcpListener,
    limit: Option<usize>,
    on_error: OnError,
    handle: ServerHandle,
}

type OnError = Arc<dyn Fn(&io::Error) + Send + Sync>;

/// Ends a [`Server`], from any thread.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    /// Around what accepts.
    accepting: CancelScope,
    /// Around everything.
    serving: CancelScope,
}

impl Server {
    /// A server that listens at `address`; see [`TcpListener::bind`].
    ///
    /// # Errors
    /// What the system says, with the address in it.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address)?))
    }

    /// A server on a listener. Several, of [`TcpListener::bind_shared`], may serve the same address.
    pub fn new(listener: TcpListener) -> Self {
        let handle = ServerHandle { accepting: CancelScope::new(), serving: CancelScope::new() };
        let on_error = Arc::new(|error: &io::Error| report_failure(FailureKind::Error(error)));
        Self { listener, limit: None, on_error, handle }
    }

    /// Serves at most `limit` connections at a time. Those beyond it wait in the system, which refuses further ones
    /// when it has too many.
    ///
    /// # Panics
    /// If `limit` is zero.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "a server that may serve nobody");
        self.limit = Some(limit);
        self
    }

    /// Tells `handler` of the errors of connections and of accepting.
    /// Without it they are failures that nobody waits for, which the loop reports.
    pub fn on_error(mut self, handler: impl Fn(&io::Error) + Send + Sync + 'static) -> Self {
        self.on_error = Arc::new(handler);
        self
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What ends it.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Accepts connections and calls `handler` with each and the address of its peer, in a task of its own, until the
    /// [handle](ServerHandle) ends it; returns when all connections have ended.
    ///
    /// An error of a connection is [told](Self::on_error), and a panic reported to the handler of the loop; neither
    /// disturbs the others. When the system has no descriptor or no memory for a connection, that is told, and it waits
    /// for a moment.
    ///
    /// A closure that owns something gives it to each future: `move |stream, _| { let s = s.clone(); async move { .. }
    /// }`.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the connections; the current scope does not end before they have.
    ///
    /// # Errors
    /// If it cannot accept any more, for another reason than that: [told](Self::on_error) at once, and returned when
    /// the connections have ended.
    pub async fn serve<F, Fut>(self, handler: F) -> io::Result<()>
    where
        F: Fn(TcpStream, SocketAddr) -> Fut + Send,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        let Self { listener, limit, on_error, handle } = self;
        let group = TaskGroup::new();
        let group = if let Some(limit) = limit { group.limit(limit) } else { group };
        let told = on_error.clone();
        let group = group.discarding(move |error: io::Error| told(&error));
        let failure = OnceLock::new();
        let body = async {
            let accept = async {
                loop {
                    let child = group.vacancy().await;
                    match listener.accept().await {
                        Ok((stream, peer)) => {
                            if let Some(connection) = contained(|| handler(stream, peer)) {
                                child.try_spawn(connection).detach();
                            }
                        }
                        Err(error) if is_for_want_of_something(&error) => {
                            contained(|| on_error(&error));
                            sleep(PAUSE).await;
                        }
                        Err(error) => {
                            contained(|| on_error(&error));
                            break error;
                        }
                    }
                }
            };
            if let Ok(error) = handle.accepting.run(accept).await {
                // Kept outside of what may be cancelled: it must not be lost with it.
                let _ = failure.set(error);
            }
            // Before the last connection ends: who comes from now on is refused.
            drop(listener);
            Ok(())
        };
        // The errors of connections are told, the body has none, and to be cancelled is how this ends.
        let _ = handle.serving.run(group.run(body)).await;
        failure.into_inner().map_or(Ok(()), Err)
    }
}

/// Calls what is not ours. A panic is reported, and disturbs nobody.
fn contained<R>(f: impl FnOnce() -> R) -> Option<R> {
    let mut panics = Panics::new();
    let result = panics.catch(f);
    if let Some(payload) = panics.take() {
        report_failure(FailureKind::Panic { during: "panicked for a connection", payload: &*payload });
        // Its destructor may panic as well.
        std::mem::forget(payload);
    }
    result
}

impl ServerHandle {
    /// Stops to accept: the socket is closed, and the server ends when all connections have. How they hear of it is
    /// between them and the program.
    pub fn close(&self) {
        self.accepting.cancel();
    }

    /// [`close`](Self::close), and cancels the connections that have not ended within `grace`. Their cleanups run.
    pub fn drain(&self, grace: Duration) {
        self.serving.set_timeout(grace);
        self.close();
    }

    /// Stops to accept, and cancels all connections. Their cleanups run.
    pub fn abort(&self) {
        self.serving.cancel();
    }
}

/// Whether the connection stays where it is, because the system has nothing to put it into.
fn is_for_want_of_something(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let wants = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        wants.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        /// `WSAEMFILE` and `WSAENOBUFS`.
        const WANTS: [i32; 2] = [10024, 10055];
        error.raw_os_error().is_some_and(|code| WANTS.contains(&code))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).field("limit", &self.limit).finish_non_exhaustive()
    }
}
