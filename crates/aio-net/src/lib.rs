//! Sockets and servers for the loop of `aio`.
//!
//! ```
//! use aio_core::{EventLoop, ThreadPark, local};
//! use aio_io::{ReadExt, WriteExt};
//! use aio_net::{TcpListener, TcpStream};
//! use aio_reactor::Reactor;
//!
//! EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
//!     let listener = TcpListener::bind("127.0.0.1:0")?;
//!     let address = listener.local_addr()?;
//!     let client = local::spawn(async move {
//!         let mut stream = TcpStream::connect(address).await?;
//!         stream.write_all(b"hello").await?;
//!         let mut answer = String::new();
//!         stream.close().await?;
//!         stream.read_to_string(&mut answer).await?;
//!         Ok::<_, std::io::Error>(answer)
//!     });
//!
//!     let (mut stream, _) = listener.accept().await?;
//!     let mut request = String::new();
//!     stream.read_to_string(&mut request).await?;
//!     stream.write_all(request.to_uppercase().as_bytes()).await?;
//!     drop(stream);
//!     assert_eq!(client.await?, "HELLO");
//!     Ok::<(), std::io::Error>(())
//! }).unwrap();
//! ```
//!
//! - [`TcpListener`] and [`TcpStream`], which [sends files](TcpStream::send_file) as well; [`Server`] accepts
//!   connections and serves each in a task of a group.
//! - [`connect()`] and [`open_connection`] take the name of a host; [`lookup`] has its addresses.
//! - [`UdpSocket`] for datagrams; on Unix, `UnixListener`, `UnixStream` and `UnixDatagram`, and pipes.
//!
//! They wait in the loop of the thread on which they are used (`aio_reactor` says how), and also work under another
//! executor.
//!
//! With the feature `simulation` they also work over a network that a test provides, see `simulation`; that is what
//! `aio_test::net` does.
//!
//! # Cancel safety
//!
//! An operation that is dropped before it is ready did not happen: no connection, datagram or byte is lost that was not
//! reported. What writes more than once (`write_all`) has written a part of it then; `write_all_from` tells how much.

mod connect;
pub mod generic;
mod io;
pub mod local;
mod names;
#[cfg(unix)]
mod pipe;
mod send_file;
mod server;
#[cfg(feature = "simulation")]
pub mod simulation;
mod split;
mod target;
mod tcp;
mod through;
mod udp;
#[cfg(unix)]
mod unix;

#[cfg(unix)]
pub use connect::open_unix_connection;
pub use connect::{connect, open_connection};
pub use names::{lookup, parse_host_port};
#[cfg(unix)]
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use server::{Listener, ServerHandle};
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use target::{Target, ToTarget};
pub use tcp::{KeepAlive, TcpListener, TcpStream};
pub use udp::{Datagrams, UdpSocket};
#[cfg(unix)]
pub use unix::{UnixDatagram, UnixListener, UnixStream};

/// A [server](generic::Server) whose connections may cross threads.
pub type Server<L = TcpListener> = generic::Server<L, aio_base::Shared>;
