//! TLS over any stream, client and server, through [`rustls`] with the cryptography of `ring`.
//!
//! ```no_run
//! use aio_io::{StreamReader, StreamWriter};
//! use aio_tls::TlsConnector;
//!
//! # async fn example() -> std::io::Result<()> {
//! let connector = TlsConnector::with_native_roots()?;
//! let (reader, writer) = connector.connect_to("example.org", 443).await?.into_split();
//! let mut writer = StreamWriter::new(writer);
//! writer.write_all(b"HEAD / HTTP/1.0\r\nHost: example.org\r\n\r\n").await?;
//! writer.flush().await?;
//!
//! let mut reader = StreamReader::new(reader);
//! while let Some(line) = reader.read_line().await? {
//!     print!("{line}");
//! }
//! writer.close().await
//! # }
//! ```
//!
//! - [`TlsConnector`] makes connections, [`TlsAcceptor`] takes them; over TCP, or over whatever implements the traits
//!   of `futures-io`, such as a stream on which the two sides have agreed to begin with TLS (asyncio's `start_tls`), or
//!   another TLS connection.
//! - [`TlsStream`] is the connection, and a stream itself.
//!
//! A silent or stubborn peer is waited for for a bounded time: 60 seconds for the handshake and 30 for closing, which
//! are the defaults of asyncio, who has them from nginx.
//!
//! It runs under any executor. Encrypting is done in the task that reads or writes; a handshake takes a few hundred
//! microseconds of it.
//!
//! # Features
//!
//! - `native-roots` (default): [`TlsConnector::with_native_roots`], to trust whom the system trusts, as asyncio does.
//! - `webpki-roots`: `TlsConnector::with_webpki_roots`, to trust whom Mozilla trusts, by a list that is compiled in.

mod acceptor;
mod connector;
mod split;
mod stream;

mod alpn;
mod below;
mod error;
mod pem;
mod timeouts;
mod turns;

pub use acceptor::TlsAcceptor;
pub use connector::TlsConnector;
pub use futures_rustls::rustls;
pub use split::{TlsReadHalf, TlsWriteHalf};
pub use stream::TlsStream;
