//! What is done with a reader.

use std::future::Future;
use std::io;
use std::io::IoSliceMut;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncRead;

use crate::attempt;
use crate::scratch::Scratch;
use crate::stream_reader::text;

/// What is done with any [`AsyncRead`]. Interruptions are retried. For lines, separators, and reads that may be
/// cancelled half-way, there is [`StreamReader`](crate::StreamReader).
pub trait ReadExt: AsyncRead {
    /// Waits until there is something to read, and reads as much of it as fits. Zero is the end, unless `buf` is empty.
    ///
    /// # Cancel safety
    /// Dropping the future reads nothing.
    ///
    /// # Errors
    /// Those of the reader.
    fn read<'a>(&'a mut self, buf: &'a mut [u8]) -> Read<'a, Self>
    where
        Self: Unpin,
    {
        Read { reader: self, buf }
    }

    /// [`read`](Self::read) into several buffers, one after the other.
    ///
    /// # Cancel safety
    /// Dropping the future reads nothing.
    ///
    /// # Errors
    /// Those of the reader.
    fn read_vectored<'a, 'b>(&'a mut self, bufs: &'a mut [IoSliceMut<'b>]) -> ReadVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        ReadVectored { reader: self, bufs }
    }

    /// Fills `buf`.
    ///
    /// # Cancel safety
    /// Dropping the future loses how much it had read into `buf`;
    /// [`StreamReader::read_exact`](crate::StreamReader::read_exact) loses nothing.
    ///
    /// # Errors
    /// Those of the reader, and `UnexpectedEof` if it ends before.
    fn read_exact<'a>(&'a mut self, buf: &'a mut [u8]) -> ReadExact<'a, Self>
    where
        Self: Unpin,
    {
        ReadExact { reader: self, buf, n_read: 0 }
    }

    /// Appends all there is up to the end to `into`, and gives the number of bytes.
    ///
    /// # Cancel safety
    /// What was read before the future is dropped has been appended.
    ///
    /// # Errors
    /// Those of the reader. What was read before has been appended.
    fn read_to_end<'a>(&'a mut self, into: &'a mut Vec<u8>) -> ReadToEnd<'a, Self>
    where
        Self: Unpin,
    {
        ReadToEnd { reader: self, into, n_read: 0 }
    }

    /// Appends all there is up to the end to `into`, and gives the number of bytes.
    ///
    /// # Cancel safety
    /// Dropping the future loses what it had read. [`read_to_end`](Self::read_to_end) does not.
    ///
    /// # Errors
    /// Those of the reader, after which what was read before is lost; and `InvalidData` if it is not UTF-8: the bytes
    /// are in the [`ReadError`](crate::ReadError) that `ReadError::from` makes of it. `into` is as it was.
    fn read_to_string<'a>(&'a mut self, into: &'a mut String) -> ReadToString<'a, Self>
    where
        Self: Unpin,
    {
        ReadToString { reader: self, into, bytes: Vec::new() }
    }
}

impl<R: AsyncRead + ?Sized> ReadExt for R {}

/// The future of [`ReadExt::read`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Read<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut [u8],
}

impl<R: AsyncRead + Unpin + ?Sized> Future for Read<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        attempt::poll_read(this.reader, cx, this.buf)
    }
}

/// The future of [`ReadExt::read_vectored`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct ReadVectored<'a, 'b, R: ?Sized> {
    reader: &'a mut R,
    bufs: &'a mut [IoSliceMut<'b>],
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadVectored<'_, '_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        attempt::poll_read_vectored(this.reader, cx, this.bufs)
    }
}

/// The future of [`ReadExt::read_exact`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct ReadExact<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut [u8],
    n_read: usize,
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadExact<'_, R> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.n_read < this.buf.len() {
            let n = ready!(attempt::poll_read(this.reader, cx, &mut this.buf[this.n_read..]))?;
            if n == 0 {
                let message = format!("the stream ended after {} of {} bytes", this.n_read, this.buf.len());
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, message)));
            }
            this.n_read += n;
        }
        Poll::Ready(Ok(()))
    }
}

/// The future of [`ReadExt::read_to_end`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct ReadToEnd<'a, R: ?Sized> {
    reader: &'a mut R,
    into: &'a mut Vec<u8>,
    n_read: usize,
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToEnd<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(poll_to_end(this.reader, cx, this.into, &mut this.n_read))?;
        Poll::Ready(Ok(this.n_read))
    }
}

/// The future of [`ReadExt::read_to_string`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct ReadToString<'a, R: ?Sized> {
    reader: &'a mut R,
    into: &'a mut String,
    /// Not in the string before they are known to be text: a panic of the reader would leave them there.
    bytes: Vec<u8>,
}

impl<R: AsyncRead + Unpin + ?Sized> Future for ReadToString<'_, R> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(poll_to_end(this.reader, cx, &mut this.bytes, &mut 0))?;
        let text = text(mem::take(&mut this.bytes))?;
        this.into.push_str(&text);
        Poll::Ready(Ok(text.len()))
    }
}

/// Appends all there is, and counts it.
fn poll_to_end<R>(reader: &mut R, cx: &mut Context<'_>, into: &mut Vec<u8>, count: &mut usize) -> Poll<io::Result<()>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let mut scratch = Scratch::take();
    loop {
        let n = ready!(attempt::poll_read(reader, cx, &mut scratch))?;
        if n == 0 {
            return Poll::Ready(Ok(()));
        }
        into.extend_from_slice(&scratch[..n]);
        *count += n;
    }
}
