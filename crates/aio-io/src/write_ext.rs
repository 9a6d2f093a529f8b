//! What is done with a writer.

use std::future::Future;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncWrite;

use crate::attempt;

/// What is done with any [`AsyncWrite`]. Interruptions are retried, and a writer that takes nothing any more is an
/// error (`WriteZero`), where something had to be written.
pub trait WriteExt: AsyncWrite {
    /// Waits until there is room, and writes as much of `buf` as fits.
    ///
    /// # Cancel safety
    /// Dropping the future writes nothing.
    ///
    /// # Errors
    /// Those of the writer.
    fn write<'a>(&'a mut self, buf: &'a [u8]) -> Write<'a, Self>
    where
        Self: Unpin,
    {
        Write { writer: self, buf }
    }

    /// [`write`](Self::write) from several buffers, one after the other.
    ///
    /// # Cancel safety
    /// Dropping the future writes nothing.
    ///
    /// # Errors
    /// Those of the writer.
    fn write_vectored<'a, 'b>(&'a mut self, bufs: &'a [IoSlice<'b>]) -> WriteVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteVectored { writer: self, bufs }
    }

    /// Writes all of `buf`, and waits until the writer has taken it.
    ///
    /// # Cancel safety
    /// Dropping the future loses how much it had written; [`write_all_from`](Self::write_all_from) tells.
    ///
    /// # Errors
    /// Those of the writer.
    fn write_all<'a>(&'a mut self, buf: &'a [u8]) -> WriteAll<'a, Self>
    where
        Self: Unpin,
    {
        WriteAll { writer: self, buf }
    }

    /// Writes all of `buf`, and takes from its front what has been written, as it is.
    ///
    /// # Cancel safety
    /// After the future is dropped, `buf` is what was not written: writing it is to go on.
    ///
    /// # Errors
    /// Those of the writer; then, too, `buf` is what was not written.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_io::{WriteExt, duplex};
    /// use futures_lite::future::poll_once;
    ///
    /// let (mut here, _there) = duplex(3);
    /// let mut rest = &b"abcde"[..];
    /// assert!(poll_once(here.write_all_from(&mut rest)).await.is_none());
    /// assert_eq!(rest, b"de");
    /// # });
    /// ```
    fn write_all_from<'a, 'b>(&'a mut self, buf: &'a mut &'b [u8]) -> WriteAllFrom<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteAllFrom { writer: self, buf }
    }

    /// Writes all of `bufs`, one after the other, several at once where the writer can. The slices are shortened as
    /// they are written.
    ///
    /// # Cancel safety
    /// Dropping the future loses how much it had written.
    ///
    /// # Errors
    /// Those of the writer.
    fn write_all_vectored<'a, 'b>(&'a mut self, bufs: &'a mut [IoSlice<'b>]) -> WriteAllVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteAllVectored { writer: self, bufs }
    }

    /// Waits until what the writer keeps has been handed on.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what is left is handed on by the next flush.
    ///
    /// # Errors
    /// Those of the writer.
    fn flush(&mut self) -> Flush<'_, Self>
    where
        Self: Unpin,
    {
        Flush { writer: self }
    }

    /// Flushes, and says to the other side that nothing more will be written.
    ///
    /// # Cancel safety
    /// Closing goes on with the next call.
    ///
    /// # Errors
    /// Those of the writer.
    fn close(&mut self) -> Close<'_, Self>
    where
        Self: Unpin,
    {
        Close { writer: self }
    }
}

impl<W: AsyncWrite + ?Sized> WriteExt for W {}

/// The future of [`WriteExt::write`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Write<'a, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a [u8],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Write<'_, W> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        attempt::poll_write(this.writer, cx, this.buf)
    }
}

/// The future of [`WriteExt::write_vectored`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct WriteVectored<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    bufs: &'a [IoSlice<'b>],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteVectored<'_, '_, W> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        attempt::poll_write_vectored(this.writer, cx, this.bufs)
    }
}

/// The future of [`WriteExt::write_all`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct WriteAll<'a, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a [u8],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAll<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        poll_write_all(this.writer, cx, &mut this.buf)
    }
}

/// The future of [`WriteExt::write_all_from`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct WriteAllFrom<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a mut &'b [u8],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAllFrom<'_, '_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        poll_write_all(this.writer, cx, this.buf)
    }
}

/// The future of [`WriteExt::write_all_vectored`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct WriteAllVectored<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    bufs: &'a mut [IoSlice<'b>],
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for WriteAllVectored<'_, '_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Empty ones at the front go, so that what is left is something to write.
        IoSlice::advance_slices(&mut this.bufs, 0);
        while !this.bufs.is_empty() {
            let n = ready!(attempt::poll_write_vectored(this.writer, cx, this.bufs))?;
            IoSlice::advance_slices(&mut this.bufs, attempt::not_zero(n)?);
        }
        Poll::Ready(Ok(()))
    }
}

/// The future of [`WriteExt::flush`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Flush<'a, W: ?Sized> {
    writer: &'a mut W,
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Flush<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        attempt::poll_flush(self.get_mut().writer, cx)
    }
}

/// The future of [`WriteExt::close`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Close<'a, W: ?Sized> {
    writer: &'a mut W,
}

impl<W: AsyncWrite + Unpin + ?Sized> Future for Close<'_, W> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        attempt::poll_close(self.get_mut().writer, cx)
    }
}

fn poll_write_all<W>(writer: &mut W, cx: &mut Context<'_>, buf: &mut &[u8]) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    while !buf.is_empty() {
        let n = ready!(attempt::poll_write_some(writer, cx, buf))?;
        *buf = &buf[n..];
    }
    Poll::Ready(Ok(()))
}
