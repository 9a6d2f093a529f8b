//! The two directions of a connection, for two tasks.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::sync::Arc;
use futures_io::{AsyncRead, AsyncWrite};

use crate::TlsStream;
use crate::turns::{Side, Turns};

/// In a box, since it is taken out and put back, and is large.
type Shared<S> = Arc<Turns<Box<TlsStream<S>>>>;

/// The reading direction of a connection, see [`TlsStream::into_split`].
pub struct TlsReadHalf<S>(Shared<S>);

/// The writing direction of a connection, see [`TlsStream::into_split`]. To be closed at the end: dropping it tells the
/// peer nothing.
pub struct TlsWriteHalf<S>(Shared<S>);

pub(crate) fn split<S>(stream: TlsStream<S>) -> (TlsReadHalf<S>, TlsWriteHalf<S>) {
    let shared = Turns::new(Box::new(stream));
    (TlsReadHalf(shared.clone()), TlsWriteHalf(shared))
}

fn poll<S, R>(
    shared: &Shared<S>,
    side: Side,
    cx: &Context<'_>,
    poll: impl FnOnce(Pin<&mut TlsStream<S>>, &mut Context<'_>) -> Poll<R>,
) -> Poll<R>
where
    S: Unpin,
{
    let Some(mut stream) = shared.take(side, cx) else { return Poll::Pending };
    let waker = stream.waker();
    poll(Pin::new(&mut stream), &mut Context::from_waker(&waker))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsReadHalf<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll(&self.0, Side::Read, cx, |stream, cx| stream.poll_read(cx, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsWriteHalf<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        poll(&self.0, Side::Write, cx, |stream, cx| stream.poll_write(cx, buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll(&self.0, Side::Write, cx, |stream, cx| stream.poll_write_vectored(cx, buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll(&self.0, Side::Write, cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll(&self.0, Side::Write, cx, |stream, cx| stream.poll_close(cx))
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsReadHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TlsReadHalf { .. }")
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsWriteHalf<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("TlsWriteHalf { .. }")
    }
}
