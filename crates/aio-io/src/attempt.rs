//! One attempt at reading or writing: interruptions are retried, and the count that comes back is not trusted.

use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

/// Calls `poll` until it is not interrupted.
pub(crate) fn retry<T>(mut poll: impl FnMut() -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
    loop {
        match poll() {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => return polled,
        }
    }
}

/// Reads into `buf`; zero is the end, if `buf` is not empty.
pub(crate) fn poll_read<R>(reader: &mut R, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let n = ready!(retry(|| Pin::new(&mut *reader).poll_read(cx, buf)))?;
    Poll::Ready(checked("reader", n, buf.len()))
}

/// [`poll_read`] into several buffers.
pub(crate) fn poll_read_vectored<R>(
    reader: &mut R,
    cx: &mut Context<'_>,
    bufs: &mut [IoSliceMut<'_>],
) -> Poll<io::Result<usize>>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let n = ready!(retry(|| Pin::new(&mut *reader).poll_read_vectored(cx, bufs)))?;
    Poll::Ready(checked("reader", n, total(bufs.iter().map(|buf| buf.len()))))
}

/// Writes a part of `buf`.
pub(crate) fn poll_write<W>(writer: &mut W, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let n = ready!(retry(|| Pin::new(&mut *writer).poll_write(cx, buf)))?;
    Poll::Ready(checked("writer", n, buf.len()))
}

/// [`poll_write`] from several buffers.
pub(crate) fn poll_write_vectored<W>(
    writer: &mut W,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let n = ready!(retry(|| Pin::new(&mut *writer).poll_write_vectored(cx, bufs)))?;
    Poll::Ready(checked("writer", n, total(bufs.iter().map(|buf| buf.len()))))
}

/// [`poll_write`] of what is not empty: to write nothing is an error then, since trying again would go on for ever.
pub(crate) fn poll_write_some<W>(writer: &mut W, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let n = ready!(poll_write(writer, cx, buf))?;
    Poll::Ready(not_zero(n))
}

/// Says that a writer takes nothing any more.
pub(crate) fn not_zero(n: usize) -> io::Result<usize> {
    if n == 0 {
        return Err(io::Error::new(io::ErrorKind::WriteZero, "failed to write: the writer takes no more bytes"));
    }
    Ok(n)
}

/// Hands over what a writer keeps.
pub(crate) fn poll_flush<W>(writer: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    retry(|| Pin::new(&mut *writer).poll_flush(cx))
}

/// Says that nothing more will be written.
pub(crate) fn poll_close<W>(writer: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    retry(|| Pin::new(&mut *writer).poll_close(cx))
}

/// What is in all of them: the same memory may be in more than one.
pub(crate) fn total(lens: impl Iterator<Item = usize>) -> usize {
    lens.fold(0, usize::saturating_add)
}

/// A count that is larger than the buffer would make us give out bytes that nobody wrote, or skip some.
#[inline]
fn checked(who: &str, n: usize, len: usize) -> io::Result<usize> {
    if n > len { Err(lie(who, n, len)) } else { Ok(n) }
}

#[cold]
fn lie(who: &str, n: usize, len: usize) -> io::Error {
    let message = format!("the {who} claims {n} bytes of a buffer of {len}");
    io::Error::new(io::ErrorKind::InvalidData, message)
}
