//! hyper's traits as those of `futures_io`.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, Write};
use pin_project_lite::pin_project;

use crate::adapter::adapter;

pin_project! {
    /// What has hyper's traits, with those of `futures_io`: a connection that was upgraded
    /// (`hyper::upgrade::Upgraded`) is read from and written to like any other stream.
    ///
    /// To get at the stream that hyper has been given, `downcast` the upgraded connection to
    /// [`ToHyper`](crate::ToHyper) of it.
    ///
    /// # Cancel safety
    /// That of what is inside.
    #[doc(alias = "TokioIo")]
    #[derive(Debug, Clone)]
    pub struct FromHyper<T> {
        #[pin]
        inner: T,
    }
}

adapter!(FromHyper {});

impl<T: Read> futures_io::AsyncRead for FromHyper<T> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(self.project().inner.poll_read(cx, buf.unfilled()))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<T: Write> futures_io::AsyncWrite for FromHyper<T> {
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

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}
