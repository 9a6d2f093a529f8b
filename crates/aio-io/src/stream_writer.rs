//! A writer that waits, in asyncio's terms.

use std::fmt;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite, IoSliceMut};

use crate::attempt;
use crate::buffer::Buffer;
use crate::write_ext::{Close, Flush, Write, WriteAll, WriteAllFrom, WriteAllVectored, WriteExt};

/// A writer whose writes wait until the transport has taken all: back-pressure that nobody can forget.
///
/// Without a buffer of its own, unless it is asked for one: then many small writes become few large ones, and what is
/// in the buffer is sent when it is full, and by [`flush`](Self::flush) and [`close`](Self::close).
///
/// # Coming from asyncio
///
/// | asyncio                            | here                                                                 |
/// |------------------------------------|----------------------------------------------------------------------|
/// | `w.write(data); await w.drain()`   | [`w.write_all(data).await?`](Self::write_all)                        |
/// | `w.writelines(list)`               | [`w.write_all_vectored(&mut list).await?`](Self::write_all_vectored) |
/// | `w.write_eof()`                    | [`w.close().await?`](Self::close); reading goes on                   |
/// | `w.close(); await w.wait_closed()` | [`w.close().await?`](Self::close), and dropping it                   |
///
/// # Cancel safety
/// What is in the buffer stays there. When the writer is dropped, it is lost: flush or close it before.
pub struct StreamWriter<W> {
    buffer: Buffer,
    /// Zero for none.
    capacity: usize,
    inner: W,
}

impl<W> StreamWriter<W> {
    /// Around `inner`, without a buffer.
    pub const fn new(inner: W) -> Self {
        Self { buffer: Buffer::new(), capacity: 0, inner }
    }

    /// Around `inner`, with a buffer that is sent when a write does not fit into what is left of `capacity` bytes. What
    /// is larger than that never goes through it.
    pub const fn with_buffer(inner: W, capacity: usize) -> Self {
        Self { buffer: Buffer::new(), capacity, inner }
    }

    /// What has been written and not been sent.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.as_slice()
    }

    /// The writer underneath.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The writer underneath. To write to it is to overtake what is in the buffer.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// The writer underneath, and what has been written and not been sent.
    pub fn into_inner(mut self) -> (W, Vec<u8>) {
        let rest = self.buffer.take_all();
        (self.inner, rest)
    }
}

impl<W: AsyncWrite + Unpin> StreamWriter<W> {
    /// Waits until there is room, and writes as much of `buf` as fits: see [`WriteExt::write`].
    pub fn write<'a>(&'a mut self, buf: &'a [u8]) -> Write<'a, Self> {
        WriteExt::write(self, buf)
    }

    /// Writes all of `buf`, and waits until it has been taken: see [`WriteExt::write_all`].
    pub fn write_all<'a>(&'a mut self, buf: &'a [u8]) -> WriteAll<'a, Self> {
        WriteExt::write_all(self, buf)
    }

    /// Writes all of `buf`, and takes from its front what has been written: see [`WriteExt::write_all_from`].
    pub fn write_all_from<'a, 'b>(&'a mut self, buf: &'a mut &'b [u8]) -> WriteAllFrom<'a, 'b, Self> {
        WriteExt::write_all_from(self, buf)
    }

    /// Writes all of `bufs`: see [`WriteExt::write_all_vectored`].
    pub fn write_all_vectored<'a, 'b>(&'a mut self, bufs: &'a mut [IoSlice<'b>]) -> WriteAllVectored<'a, 'b, Self> {
        WriteExt::write_all_vectored(self, bufs)
    }

    /// Sends what is in the buffer: see [`WriteExt::flush`].
    pub fn flush(&mut self) -> Flush<'_, Self> {
        WriteExt::flush(self)
    }

    /// Flushes, and says to the other side that nothing more will be written: see [`WriteExt::close`].
    pub fn close(&mut self) -> Close<'_, Self> {
        WriteExt::close(self)
    }

    /// Sends what is in the buffer, and keeps what was not sent when that fails.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            let n = ready!(attempt::poll_write_some(&mut self.inner, cx, self.buffer.as_slice()))?;
            self.buffer.consume(n);
        }
        Poll::Ready(Ok(()))
    }

    /// [`poll_send`](Self::poll_send), after which the writer may rest for long.
    fn poll_send_and_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        self.buffer.rest();
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for StreamWriter<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if buf.len() > this.capacity - this.buffer.len() {
            ready!(this.poll_send(cx))?;
        }
        if buf.len() >= this.capacity {
            return attempt::poll_write(&mut this.inner, cx, buf);
        }
        this.buffer.push(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let len = attempt::total(bufs.iter().map(|buf| buf.len()));
        if len > this.capacity - this.buffer.len() {
            ready!(this.poll_send(cx))?;
        }
        if len >= this.capacity {
            return attempt::poll_write_vectored(&mut this.inner, cx, bufs);
        }
        bufs.iter().for_each(|buf| this.buffer.push(buf));
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send_and_rest(cx))?;
        attempt::poll_flush(&mut this.inner, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send_and_rest(cx))?;
        attempt::poll_close(&mut this.inner, cx)
    }
}

/// Reading goes straight through, for a stream that is both.
impl<W: AsyncRead + Unpin> AsyncRead for StreamWriter<W> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_read_vectored(cx, bufs)
    }
}

impl<W: fmt::Debug> fmt::Debug for StreamWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("inner", &self.inner)
            .field("buffered", &self.buffer.len())
            .field("capacity", &self.capacity)
            .finish()
    }
}
