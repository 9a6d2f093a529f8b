//! The traits of `futures_io` as hyper's.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Write};
use pin_project_lite::pin_project;

use crate::adapter::{adapter, checked};

pin_project! {
    /// What has the traits of `futures_io` (a `TcpStream` of `aio`, say), with those of hyper.
    ///
    /// ```no_run
    /// use aio_compat::{HyperTimer, ToHyper};
    /// use aio_net::TcpStream;
    /// use hyper::server::conn::http1;
    /// use hyper::service::service_fn;
    /// use hyper::{Request, Response};
    /// use std::convert::Infallible;
    ///
    /// async fn serve(stream: TcpStream) -> hyper::Result<()> {
    ///     let hello = service_fn(async |_: Request<hyper::body::Incoming>| {
    ///         Ok::<_, Infallible>(Response::new(String::from("hello")))
    ///     });
    ///     http1::Builder::new().timer(HyperTimer).serve_connection(ToHyper::new(stream), hello).await
    /// }
    /// ```
    ///
    /// `poll_shutdown` is [`poll_close`](AsyncWrite::poll_close). Readers of `futures_io` want room that is
    /// initialised: what is not is cleared before the read.
    ///
    /// It is always said to be good at [several pieces](Write::is_write_vectored), as `futures_io` cannot tell; a
    /// writer that is not takes the first of them.
    ///
    /// # Cancel safety
    /// That of what is inside.
    ///
    /// # Errors
    /// Those of what is inside; and if a reader claims more bytes than there was room for.
    #[doc(alias = "TokioIo")]
    #[derive(Debug, Clone)]
    pub struct ToHyper<T> {
        #[pin]
        inner: T,
    }
}

adapter!(ToHyper {});

impl<T: AsyncRead> Read for ToHyper<T> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let room = buf.initialize_unfilled();
        let n = ready!(self.project().inner.poll_read(cx, room))?;
        let n = checked(n, room.len())?;
        // SAFETY: it asks that the next `n` bytes are initialised: `initialize_unfilled` has seen to all that there is
        // room for, and `checked` to it that there are no more.
        unsafe { buf.advance(n) };
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite> Write for ToHyper<T> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    #[inline]
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_close(cx)
    }
}
