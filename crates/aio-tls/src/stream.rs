//! A connection.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aio_timer::{Sleep, sleep};
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::TlsStream as Inner;
use futures_rustls::rustls::{CommonState, ProtocolVersion};

use crate::below::Below;
use crate::{TlsReadHalf, TlsWriteHalf, split};

/// A TLS connection over the stream `S`.
///
/// What is written is encrypted at once, and sent as far as `S` takes it. What is left goes out with the next write,
/// read or flush; so flush after the last write before something else is waited for.
///
/// Close it at the end ([`poll_close`](AsyncWrite::poll_close)): that tells the peer that nothing more will come. If it
/// is only dropped, the peer cannot know whether somebody has cut the connection, and its read fails with
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), as it does here. After that, the other direction still works.
///
/// Closing sends what was written; a peer that does not take it within the
/// [`shutdown_timeout`](crate::TlsConnector::shutdown_timeout) makes it fail with
/// [`TimedOut`](io::ErrorKind::TimedOut).
///
/// It does not wait for the peer. And whoever drops the connection while the peer still sends something, if only the
/// tickets that a server of TLS 1.3 sends by itself, has TCP cut off what is under way in both directions. So where
/// the peer sends no answer, and the last bytes must arrive, read to the end between closing and dropping.
///
/// # Cancel safety
/// Dropping a read loses no byte: what was received and decrypted is there for the next. A write that is dropped before
/// it is ready has taken nothing.
pub struct TlsStream<S> {
    inner: Inner<Below<S>>,
    shutdown_timeout: Duration,
    /// Runs from when closing had to wait.
    closing: Option<Pin<Box<Sleep>>>,
    closed: bool,
    /// The end came without notice.
    cut_off: bool,
}

impl<S> TlsStream<S> {
    pub(crate) fn new(inner: Inner<Below<S>>, shutdown_timeout: Duration) -> Self {
        Self { inner, shutdown_timeout, closing: None, closed: false, cut_off: false }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.inner.get_ref().0.0
    }

    /// The stream below. Who reads from it or writes to it breaks the connection.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner.get_mut().0.0
    }

    /// The protocol that both sides speak (ALPN), if they have agreed on one.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.connection().alpn_protocol()
    }

    /// The certificates that the peer has shown, as DER, its own first. A client without one has shown none.
    pub fn peer_certificates(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.connection().peer_certificates().unwrap_or_default().iter().map(|certificate| certificate.as_ref())
    }

    /// The version of TLS, as Python calls it: `TLSv1.3` or `TLSv1.2`.
    pub fn version(&self) -> &'static str {
        match self.connection().protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            // There is no third, and after the handshake it is known.
            _ => "TLSv1.3",
        }
    }

    /// On the server's side, the name by which the client has asked for it (SNI), if it has.
    pub fn server_name(&self) -> Option<&str> {
        match &self.inner {
            Inner::Client(_) => None,
            Inner::Server(stream) => stream.get_ref().1.server_name(),
        }
    }

    /// What [`rustls`](crate::rustls) knows of the connection besides.
    pub fn connection(&self) -> &CommonState {
        self.inner.get_ref().1
    }

    /// The two directions, for two tasks.
    pub fn into_split(self) -> (TlsReadHalf<S>, TlsWriteHalf<S>) {
        split::split(self)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        // The layer below takes that for the end.
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.cut_off {
            return Poll::Ready(Err(cut_off()));
        }
        // The peer may be waiting for what was written, before it answers. If that cannot be sent, a write will say so.
        if self.connection().wants_write() {
            let _ = Pin::new(&mut self.inner).poll_flush(cx);
        }
        let result = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        Poll::Ready(match result {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.cut_off = true;
                Err(cut_off())
            }
            result => result,
        })
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the TLS connection was cut off: its end came without close_notify")
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    fn check_open(&self) -> io::Result<()> {
        match self.closed {
            false => Ok(()),
            true => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the TLS connection was closed on this side")),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.check_open()?;
        Pin::new(&mut self.inner).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_open()?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    /// Sends what was written, and that nothing more will come.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.closed = true;
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll_close(cx) {
            this.closing = None;
            return Poll::Ready(result);
        }
        let limit = this.shutdown_timeout;
        ready!(this.closing.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx));
        let message = format!("failed to close the TLS connection: the peer has not read for {limit:?}");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("stream", self.get_ref())
            .field("version", &self.version())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
