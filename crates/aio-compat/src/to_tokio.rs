//! The traits of `futures_io` as tokio's.

use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::ReadBuf;

use crate::adapter::{adapter, checked};

pin_project! {
    /// What has the traits of `futures_io` (a `TcpStream` of `aio`, say), with those of tokio, for the libraries that
    /// ask for them.
    ///
    /// `poll_shutdown` is [`poll_close`](futures_io::AsyncWrite::poll_close). Readers of `futures_io` want room that is
    /// initialised: what is not is cleared before the read, and only then, as tokio's buffer remembers it.
    ///
    /// It is always said to be good at [several pieces](tokio::io::AsyncWrite::is_write_vectored), as `futures_io`
    /// cannot tell; a writer that is not takes the first of them.
    ///
    /// ```
    /// use aio_compat::ToTokio;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// futures_lite::future::block_on(async {
    ///     let (here, there) = aio_io::duplex(64);
    ///     let (mut here, mut there) = (ToTokio::new(here), ToTokio::new(there));
    ///     here.write_u32(42).await?;
    ///     assert_eq!(there.read_u32().await?, 42);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    ///
    /// # Cancel safety
    /// That of what is inside. A seek that is dropped after it has begun, and before it is ready, is done by the next
    /// seek, or not at all if something is read or written before.
    ///
    /// # Errors
    /// Those of what is inside; and if a reader claims more bytes than there was room for.
    #[doc(alias = "Compat")]
    #[derive(Debug, Clone)]
    pub struct ToTokio<T> {
        #[pin]
        inner: T,
        // The seek that has begun, and is not done.
        seek: Option<SeekFrom>,
    }
}

adapter!(ToTokio { seek: None });

impl<T: futures_io::AsyncRead> tokio::io::AsyncRead for ToTokio<T> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        *this.seek = None;
        let room = buf.initialize_unfilled();
        let n = ready!(this.inner.poll_read(cx, room))?;
        let n = checked(n, room.len())?;
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<T: futures_io::AsyncBufRead> tokio::io::AsyncBufRead for ToTokio<T> {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        *this.seek = None;
        this.inner.poll_fill_buf(cx)
    }

    #[inline]
    fn consume(self: Pin<&mut Self>, n: usize) {
        self.project().inner.consume(n);
    }
}

impl<T: futures_io::AsyncWrite> tokio::io::AsyncWrite for ToTokio<T> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        *this.seek = None;
        this.inner.poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        *this.seek = None;
        this.inner.poll_write_vectored(cx, bufs)
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

impl<T: futures_io::AsyncSeek> tokio::io::AsyncSeek for ToTokio<T> {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let this = self.project();
        if this.seek.is_some() {
            return Err(io::Error::other("failed to seek: another seek is under way"));
        }
        *this.seek = Some(to);
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = self.project();
        // Asked before every seek, and then nobody looks at the position.
        let Some(to) = *this.seek else { return Poll::Ready(Ok(0)) };
        let result = ready!(this.inner.poll_seek(cx, to));
        *this.seek = None;
        Poll::Ready(result)
    }
}
