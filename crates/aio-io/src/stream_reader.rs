//! A reader with a buffer, in asyncio's terms.

#[cfg(all(test, not(aio_loom)))]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite, IoSlice};

use crate::attempt;
use crate::buffer::Buffer;
use crate::lines::{ByteLines, Lines};
use crate::read_error::ReadError;
use crate::scratch::{SCRATCH, Scratch};
use crate::separators::{Searched, Separators, find, longest};

/// The limit of [`StreamReader::new`]: asyncio's.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// A reader with a buffer: exact numbers of bytes, lines, anything up to a separator.
///
/// # Coming from asyncio
///
/// | asyncio                  | here                                                                                 |
/// |--------------------------|--------------------------------------------------------------------------------------|
/// | `await r.read(n)`        | [`r.read(&mut buf).await?`](Self::read): zero at the end                             |
/// | `await r.read()`         | [`r.read_to_end().await?`](Self::read_to_end)                                        |
/// | `await r.readexactly(n)` | [`read_exactly`](Self::read_exactly); [`read_exact`](Self::read_exact) into a buffer |
/// | `await r.readuntil(sep)` | [`r.read_until(sep).await?`](Self::read_until): one or several                       |
/// | `await r.readline()`     | [`r.read_line().await?`](Self::read_line): `None` at the end                         |
/// | `async for line in r`    | [`r.lines()`](Self::lines), a stream; [`r.byte_lines()`](Self::byte_lines)           |
/// | `r.at_eof()`             | [`r.at_eof()`](Self::at_eof)                                                         |
/// | `IncompleteReadError`    | [`ReadError::is_incomplete`]                                                         |
/// | `LimitOverrunError`      | [`ReadError::is_limit`]; `read_line` keeps the line, too                             |
///
/// # Memory
/// Without a buffer until there is something to keep, and again while it waits with nothing in it. Searching for a
/// separator never buffers much more than the limit (or than 16 KiB, if that is more).
///
/// # Cancel safety
/// Of all methods: what was read stays in the buffer until the operation is complete, so a future that is dropped
/// before has read nothing. The same goes for an error of the reader underneath: after it, nothing is lost. The end of
/// the stream is final: it is not read from again.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_io::StreamReader;
///
/// let mut reader = StreamReader::new(&b"GET / HTTP/1.1\r\nhost: x\r\n\r\nbody"[..]);
/// assert_eq!(reader.read_line().await?.as_deref(), Some("GET / HTTP/1.1\r\n"));
/// let head = reader.read_until(b"\r\n\r\n").await?;
/// assert_eq!(head, b"host: x\r\n\r\n");
/// assert_eq!(reader.read_exactly(4).await?, b"body");
/// assert_eq!(reader.read_line().await?, None);
/// assert!(reader.at_eof());
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct StreamReader<R> {
    buffer: Buffer,
    searched: Searched,
    limit: usize,
    has_ended: bool,
    inner: R,
}

impl<R> StreamReader<R> {
    /// Around `inner`, with a limit of 64 KiB for a line.
    pub fn new(inner: R) -> Self {
        Self::with_limit(inner, DEFAULT_LIMIT)
    }

    /// Around `inner`. What comes before a separator may be `limit` bytes long.
    ///
    /// # Panics
    /// If the limit is zero.
    #[track_caller]
    pub fn with_limit(inner: R, limit: usize) -> Self {
        assert!(limit > 0, "a limit of zero allows nothing");
        Self { buffer: Buffer::new(), searched: Searched::default(), limit, has_ended: false, inner }
    }

    /// How long what comes before a separator may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Changes the limit, for what is read from now on.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn set_limit(&mut self, limit: usize) {
        assert!(limit > 0, "a limit of zero allows nothing");
        self.limit = limit;
    }

    /// What was read and not asked for yet.
    pub fn buffer(&self) -> &[u8] {
        self.buffer.as_slice()
    }

    /// Whether the end of the stream has been read, and all that came before it taken out of the buffer. Does not look
    /// whether the stream ends here: that it does is known once a read has met the end.
    pub fn at_eof(&self) -> bool {
        self.has_ended && self.buffer.is_empty()
    }

    /// Takes the first `n` bytes out of the buffer.
    ///
    /// # Panics
    /// If there are less.
    #[track_caller]
    pub fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
        self.searched.consume(n);
    }

    /// The reader underneath. What is in the buffer has been read from it already.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The reader underneath. To read from it is to overtake what is in the buffer.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// The reader underneath, and what was read from it and not asked for.
    pub fn into_inner(mut self) -> (R, Vec<u8>) {
        let rest = self.buffer.take_all();
        (self.inner, rest)
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        self.searched.consume(n);
        self.buffer.take(n)
    }

    fn take_all(&mut self) -> Vec<u8> {
        self.searched = Searched::default();
        self.buffer.take_all()
    }

    fn take_into(&mut self, buf: &mut [u8]) -> usize {
        let n = self.buffer.take_into(buf);
        self.searched.consume(n);
        n
    }
}

impl<R: AsyncRead + Unpin> StreamReader<R> {
    /// Waits until there is something to read, and reads as much of it as fits. Zero is the end, unless `buf` is empty.
    ///
    /// # Errors
    /// Those of the reader underneath.
    pub async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read_into(cx, buf)).await
    }

    /// Waits until more comes into the [`buffer`](Self::buffer), and gives how much that was. Zero is the end. For
    /// parsers that know themselves what is complete: they [`consume`](Self::consume) that, and come back for more.
    ///
    /// # Errors
    /// Those of the reader underneath, and [`is_limit`](ReadError::is_limit) if as much as the limit is in the buffer
    /// already.
    pub async fn fill(&mut self) -> Result<usize, ReadError> {
        let room = self.limit.saturating_sub(self.buffer.len());
        if room == 0 && !self.has_ended {
            return Err(ReadError::limit(self.buffer.len(), self.limit));
        }
        Ok(poll_fn(|cx| self.poll_fill(cx, room)).await?)
    }

    /// Fills `buf`.
    ///
    /// # Errors
    /// Those of the reader underneath, and [`is_incomplete`](ReadError::is_incomplete) if the stream ends before. Then
    /// what `buf` contains is unspecified; what was read is in [`ReadError::partial`].
    pub async fn read_exact(&mut self, buf: &mut [u8]) -> Result<(), ReadError> {
        poll_fn(|cx| self.poll_read_exact(cx, buf)).await
    }

    /// Reads `n` bytes. The memory for them is taken as they come, so `n` may come from the peer.
    ///
    /// # Errors
    /// Those of the reader underneath, and [`is_incomplete`](ReadError::is_incomplete) if the stream ends before.
    pub async fn read_exactly(&mut self, n: usize) -> Result<Vec<u8>, ReadError> {
        poll_fn(|cx| {
            while self.buffer.len() < n {
                if ready!(self.poll_fill(cx, SCRATCH))? == 0 {
                    return Poll::Ready(Err(ReadError::incomplete(self.take_all(), Some(n))));
                }
            }
            Poll::Ready(Ok(self.take(n)))
        })
        .await
    }

    /// Reads up to a separator, and that too. Of several separators, the one that ends first counts.
    ///
    /// # Errors
    /// Those of the reader underneath; [`is_limit`](ReadError::is_limit) if more than the limit comes before the
    /// separator, which leaves everything in the buffer; and [`is_incomplete`](ReadError::is_incomplete) if the stream
    /// ends without a separator, also if nothing came before that.
    ///
    /// # Panics
    /// If there is no separator, or an empty one.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_io::StreamReader;
    ///
    /// let mut reader = StreamReader::new(&b"a;b, c"[..]);
    /// assert_eq!(reader.read_until([", ", ";"]).await?, b"a;");
    /// assert_eq!(reader.read_until([", ", ";"]).await?, b"b, ");
    /// let error = reader.read_until([", ", ";"]).await.unwrap_err();
    /// assert!(error.is_incomplete());
    /// assert_eq!(error.partial(), b"c");
    /// # std::io::Result::Ok(()) }).unwrap();
    /// ```
    pub async fn read_until(&mut self, separators: impl Separators) -> Result<Vec<u8>, ReadError> {
        match poll_fn(|cx| self.poll_until(cx, &separators)).await? {
            Some(n) => Ok(self.take(n)),
            None => Err(ReadError::incomplete(self.take_all(), None)),
        }
    }

    /// [`read_until`](Self::read_until) which appends to `into`, so that its memory can be used again. Gives the number
    /// of bytes appended.
    ///
    /// # Errors
    /// As [`read_until`](Self::read_until), and with nothing appended.
    ///
    /// # Panics
    /// If there is no separator, or an empty one.
    pub async fn read_until_into(
        &mut self,
        separators: impl Separators,
        into: &mut Vec<u8>,
    ) -> Result<usize, ReadError> {
        match poll_fn(|cx| self.poll_until(cx, &separators)).await? {
            Some(n) => {
                into.extend_from_slice(&self.buffer()[..n]);
                self.consume(n);
                Ok(n)
            }
            None => Err(ReadError::incomplete(self.take_all(), None)),
        }
    }

    /// Reads a line of text, with its `"\n"`. The last one has none, if the stream ends without; after that, `None`.
    ///
    /// # Errors
    /// Those of the reader underneath; [`is_limit`](ReadError::is_limit) if the line is longer than the limit, which
    /// leaves everything in the buffer; and [`is_invalid_utf8`](ReadError::is_invalid_utf8) with the line in the error.
    pub async fn read_line(&mut self) -> Result<Option<String>, ReadError> {
        self.read_line_bytes().await?.map(text).transpose()
    }

    /// [`read_line`](Self::read_line) for bytes that need not be text.
    ///
    /// # Errors
    /// Those of the reader underneath, and [`is_limit`](ReadError::is_limit) if the line is longer than the limit,
    /// which leaves everything in the buffer.
    pub async fn read_line_bytes(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        poll_fn(|cx| self.poll_line(cx)).await
    }

    /// The lines of text one after the other, without their `"\n"` or `"\r\n"`.
    ///
    /// Ends after an error, unless that is about a single line (not UTF-8). What was read is still there, and `lines`
    /// can be called again.
    pub fn lines(&mut self) -> Lines<'_, R> {
        Lines::new(self)
    }

    /// [`lines`](Self::lines) of bytes that need not be text.
    pub fn byte_lines(&mut self) -> ByteLines<'_, R> {
        ByteLines::new(self)
    }

    /// Reads to the end, however far that is: the limit does not count here.
    ///
    /// # Errors
    /// Those of the reader underneath.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        poll_fn(|cx| {
            while ready!(self.poll_fill(cx, SCRATCH))? > 0 {}
            Poll::Ready(Ok(self.take_all()))
        })
        .await
    }

    /// [`read_to_end`](Self::read_to_end) of a text.
    ///
    /// # Errors
    /// Those of the reader underneath, and [`is_invalid_utf8`](ReadError::is_invalid_utf8) with all that was read.
    pub async fn read_to_string(&mut self) -> Result<String, ReadError> {
        text(self.read_to_end().await?)
    }

    /// Puts what comes next into the buffer, but not more than `room`. Zero is the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        let mut scratch = Scratch::take();
        let n = ready!(self.poll_scratch(cx, &mut scratch, room))?;
        self.buffer.push(&scratch[..n]);
        Poll::Ready(Ok(n))
    }

    /// Reads what comes next, but not more than `room`, for the caller to put it where it belongs. Zero is the end.
    #[inline]
    fn poll_scratch(&mut self, cx: &mut Context<'_>, scratch: &mut [u8], room: usize) -> Poll<io::Result<usize>> {
        if self.has_ended {
            return Poll::Ready(Ok(0));
        }
        let room = room.min(scratch.len());
        let polled = attempt::poll_read(&mut self.inner, cx, &mut scratch[..room]);
        match polled {
            Poll::Ready(Ok(0)) => self.has_ended = true,
            Poll::Ready(_) => {}
            Poll::Pending => self.buffer.rest(),
        }
        polled
    }

    fn poll_read_into(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.buffer.is_empty() && !buf.is_empty() && !self.has_ended {
            if buf.len() >= SCRATCH {
                self.buffer.rest();
                let n = ready!(attempt::poll_read(&mut self.inner, cx, buf))?;
                self.has_ended = n == 0;
                return Poll::Ready(Ok(n));
            }
            let mut scratch = Scratch::take();
            let n = ready!(self.poll_scratch(cx, &mut scratch, SCRATCH))?;
            // What fits does not go through the buffer.
            if n <= buf.len() {
                buf[..n].copy_from_slice(&scratch[..n]);
                return Poll::Ready(Ok(n));
            }
            self.buffer.push(&scratch[..n]);
        }
        Poll::Ready(Ok(self.take_into(buf)))
    }

    #[inline]
    fn poll_read_exact(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<(), ReadError>> {
        if self.buffer.len() < buf.len() {
            return self.poll_read_more(cx, buf);
        }
        self.take_into(buf);
        Poll::Ready(Ok(()))
    }

    /// [`poll_read_exact`](Self::poll_read_exact) of more than there is in the buffer.
    fn poll_read_more(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<(), ReadError>> {
        while self.buffer.len() < buf.len() {
            let missing = buf.len() - self.buffer.len();
            let n = if missing < SCRATCH || self.has_ended {
                ready!(self.poll_piece_into(cx, buf))?
            } else {
                ready!(self.poll_rest_into(cx, buf))?
            };
            if n == 0 {
                return Poll::Ready(Err(ReadError::incomplete(self.take_all(), Some(buf.len()))));
            }
            // Now all is there: in the buffer, or the rest of it in its place.
            if n == missing {
                break;
            }
        }
        self.take_into(buf);
        Poll::Ready(Ok(()))
    }

    /// Reads what comes next. If it is just what is missing in the buffer, it goes straight to where it belongs in
    /// `buf`, and otherwise into the buffer. Zero is the end.
    fn poll_piece_into(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut scratch = Scratch::take();
        let n = ready!(self.poll_scratch(cx, &mut scratch, SCRATCH))?;
        let missing = &mut buf[self.buffer.len()..];
        if n == missing.len() {
            missing.copy_from_slice(&scratch[..n]);
        } else {
            self.buffer.push(&scratch[..n]);
        }
        Poll::Ready(Ok(n))
    }

    /// Reads what is missing in the buffer straight to where it belongs in `buf`. If there comes all of it, it stays
    /// there, and otherwise it goes into the buffer. Zero is the end.
    fn poll_rest_into(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut direct = Direct { from: self.buffer.len(), until: self.buffer.len(), buf, buffer: &mut self.buffer };
        loop {
            match ready!(attempt::poll_read(&mut self.inner, cx, &mut direct.buf[direct.until..]))? {
                0 => {
                    self.has_ended = true;
                    return Poll::Ready(Ok(0));
                }
                n => direct.until += n,
            }
            if direct.until == direct.buf.len() {
                let missing = direct.until - direct.from;
                direct.until = direct.from;
                return Poll::Ready(Ok(missing));
            }
        }
    }

    /// Where the first separator ends, as soon as it is in the buffer; `None` if the stream ends without.
    fn poll_until(
        &mut self,
        cx: &mut Context<'_>,
        separators: &impl Separators,
    ) -> Poll<Result<Option<usize>, ReadError>> {
        let longest = longest(separators);
        let mut from = self.searched.from(separators);
        loop {
            if let Some(found) = find(separators, self.buffer.as_slice(), from) {
                if found.start > self.limit {
                    return Poll::Ready(Err(ReadError::limit(found.start, self.limit)));
                }
                return Poll::Ready(Ok(Some(found.end)));
            }
            // One that starts before would have ended in what there is.
            from = from.max((self.buffer.len() + 1).saturating_sub(longest));
            self.searched.reach(separators, from);
            if from > self.limit {
                return Poll::Ready(Err(ReadError::limit(from, self.limit)));
            }
            let most = self.limit.saturating_add(longest).max(SCRATCH);
            if ready!(self.poll_fill(cx, most - self.buffer.len()))? == 0 {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// The next line with its end.
    pub(crate) fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>, ReadError>> {
        let line = match ready!(self.poll_until(cx, &b'\n'))? {
            Some(n) => Some(self.take(n)),
            None if self.buffer.is_empty() => None,
            None => Some(self.take_all()),
        };
        Poll::Ready(Ok(line))
    }
}

/// Bytes that were read to where they belong at the end. If that does not come now (the reader waits, fails, panics),
/// they go to where they are not lost.
struct Direct<'a> {
    buffer: &'a mut Buffer,
    buf: &'a mut [u8],
    from: usize,
    until: usize,
}

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        self.buffer.push(&self.buf[self.from..self.until]);
    }
}

pub(crate) fn text(bytes: Vec<u8>) -> Result<String, ReadError> {
    String::from_utf8(bytes).map_err(ReadError::invalid_utf8)
}

impl<R: AsyncRead + Unpin> AsyncRead for StreamReader<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_read_into(cx, buf)
    }
}

impl<R: AsyncRead + Unpin> AsyncBufRead for StreamReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.buffer.is_empty() {
            ready!(this.poll_fill(cx, SCRATCH))?;
        }
        Poll::Ready(Ok(this.buffer.as_slice()))
    }

    fn consume(self: Pin<&mut Self>, n: usize) {
        self.get_mut().consume(n);
    }
}

/// Writing goes straight through, for a stream that is both.
impl<R: AsyncWrite + Unpin> AsyncWrite for StreamReader<R> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

impl<R: fmt::Debug> fmt::Debug for StreamReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("inner", &self.inner)
            .field("buffered", &self.buffer.len())
            .field("limit", &self.limit)
            .field("has_ended", &self.has_ended)
            .finish()
    }
}
