//! All of a reader into a writer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::attempt;
use crate::buffer::Buffer;
use crate::scratch::Scratch;

/// How many pieces are copied before other tasks get their turn, if both sides are always ready.
const PIECES: usize = 32;

/// Writes all that comes from `reader` to `writer`, up to the end, and flushes it. Gives the number of bytes.
///
/// What is waiting in `writer`, also from before, is flushed while nothing comes from `reader`: the other side may not
/// send anything before it has got an answer. `writer` is not closed. An idle copy has no buffer.
///
/// # Cancel safety
/// Dropping the future loses what was read and could not be written yet, 16 KiB at most.
///
/// # Fairness
/// Lets other tasks run after every 32 pieces, if both sides are always ready.
///
/// # Errors
/// Those of either side; what was read and could not be written is lost.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// let mut copied = Vec::new();
/// assert_eq!(aio_io::copy(&mut &b"hello"[..], &mut copied).await?, 5);
/// assert_eq!(copied, b"hello");
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> Copy<'a, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    Copy { reader, writer, transfer: Transfer::new() }
}

/// The future of [`copy`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Copy<'a, R: ?Sized, W: ?Sized> {
    reader: &'a mut R,
    writer: &'a mut W,
    transfer: Transfer,
}

impl<R, W> Future for Copy<'_, R, W>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let this = self.get_mut();
        ready!(this.transfer.poll(cx, this.reader, this.writer)).map_err(|(_, error)| error)?;
        Poll::Ready(Ok(this.transfer.n_written))
    }
}

/// Which half of a copy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Read,
    Write,
}

/// The state of one direction.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// Read and not written: there is nothing in it but while the writer keeps us waiting.
    left: Buffer,
    pub(crate) n_written: u64,
    /// False at first: there may be something in the writer from before.
    is_flushed: bool,
    has_ended: bool,
}

impl Transfer {
    pub(crate) const fn new() -> Self {
        Self { left: Buffer::new(), n_written: 0, is_flushed: false, has_ended: false }
    }

    /// Copies until `reader` has ended and `writer` is flushed.
    pub(crate) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<Result<(), (Half, io::Error)>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        let in_writing = |error| (Half::Write, error);
        while !self.left.is_empty() {
            let n = ready!(attempt::poll_write_some(writer, cx, self.left.as_slice())).map_err(in_writing)?;
            self.left.consume(n);
            self.wrote(n);
        }
        self.left.rest();
        let mut scratch = Scratch::take();
        let mut n_pieces = 0;
        while !self.has_ended {
            if n_pieces == PIECES {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            n_pieces += 1;
            let Poll::Ready(read) = attempt::poll_read(reader, cx, &mut scratch) else {
                ready!(self.poll_flush(cx, writer)).map_err(in_writing)?;
                return Poll::Pending;
            };
            let n = read.map_err(|error| (Half::Read, error))?;
            self.has_ended = n == 0;
            let mut piece = &scratch[..n];
            while !piece.is_empty() {
                let Poll::Ready(written) = attempt::poll_write_some(writer, cx, piece) else {
                    self.left.push(piece);
                    return Poll::Pending;
                };
                let n = written.map_err(in_writing)?;
                piece = &piece[n..];
                self.wrote(n);
            }
        }
        self.poll_flush(cx, writer).map_err(in_writing)
    }

    fn wrote(&mut self, n: usize) {
        self.n_written += n as u64;
        self.is_flushed = false;
    }

    fn poll_flush<W>(&mut self, cx: &mut Context<'_>, writer: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin + ?Sized,
    {
        if !self.is_flushed {
            ready!(attempt::poll_flush(writer, cx))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}
