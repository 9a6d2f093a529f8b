//! tokio's traits as those of `futures_io`.

use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::ReadBuf;

use crate::adapter::adapter;

pin_project! {
    /// What has tokio's traits, with those of `futures_io`, for [`aio_io`](https://docs.rs/aio-io) and everything else
    /// that asks for them. What it costs is nothing: no byte is copied or cleared.
    ///
    /// [`poll_close`](futures_io::AsyncWrite::poll_close) is tokio's `poll_shutdown`.
    ///
    /// ```
    /// use aio_compat::FromTokio;
    /// use aio_io::{ReadExt, WriteExt};
    ///
    /// futures_lite::future::block_on(async {
    ///     let (here, there) = tokio::io::duplex(64);
    ///     let (mut here, mut there) = (FromTokio::new(here), FromTokio::new(there));
    ///     here.write_all(b"hello").await?;
    ///     here.close().await?;
    ///     let mut text = String::new();
    ///     there.read_to_string(&mut text).await?;
    ///     assert_eq!(text, "hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    ///
    /// # Cancel safety
    /// That of what is inside. A seek that is dropped before it is ready may happen nevertheless: in tokio's trait, one
    /// that has begun cannot be taken back.
    #[doc(alias = "Compat")]
    #[derive(Debug, Clone)]
    pub struct FromTokio<T> {
        #[pin]
        inner: T,
        // The seek that is under way.
        seek: Option<SeekFrom>,
    }
}

adapter!(FromTokio { seek: None });

impl<T: tokio::io::AsyncRead> futures_io::AsyncRead for FromTokio<T> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        *this.seek = None;
        let mut buf = ReadBuf::new(buf);
        ready!(this.inner.poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }
}

impl<T: tokio::io::AsyncBufRead> futures_io::AsyncBufRead for FromTokio<T> {
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

impl<T: tokio::io::AsyncWrite> futures_io::AsyncWrite for FromTokio<T> {
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

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    #[inline]
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}

impl<T: tokio::io::AsyncSeek> futures_io::AsyncSeek for FromTokio<T> {
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        let mut this = self.project();
        // A read or a write in between makes it another seek, though it may look the same: `Current(1)` twice.
        if *this.seek != Some(to) {
            // One that nobody waits for any more: whatever comes of it, this one may only begin then.
            let _ = ready!(this.inner.as_mut().poll_complete(cx));
            this.inner.as_mut().start_seek(to)?;
            *this.seek = Some(to);
        }
        let result = ready!(this.inner.poll_complete(cx));
        *this.seek = None;
        Poll::Ready(result)
    }
}
