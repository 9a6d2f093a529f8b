//! Two streams joined together.

use std::error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use crate::attempt;
use crate::copy::{Half, Transfer};

/// Writes all that comes from `a` to `b` and all that comes from `b` to `a`, until both have ended.
///
/// When one has ended, the other is closed (it gets the end, too) and goes on sending. What is waiting in a stream is
/// flushed while nothing comes for it. An idle copy has no buffers.
///
/// # Cancel safety
/// Dropping the future loses what was read and could not be written yet, 16 KiB at most in each direction.
///
/// # Fairness
/// Both directions go on in turns. Lets other tasks run after every 32 pieces, if all is always ready.
///
/// # Errors
/// [`CopyError`], as soon as one direction fails: it tells which one, and how much was copied in both. What was read
/// and could not be written yet is lost.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_io::{ReadExt, WriteExt, copy_bidirectional, duplex};
/// use futures_lite::future::zip;
///
/// let (mut client, mut a) = duplex(64);
/// let (mut b, mut server) = duplex(64);
/// let proxy = copy_bidirectional(&mut a, &mut b);
/// let talk = async {
///     client.write_all(b"ping").await?;
///     client.close().await?;
///     let mut request = String::new();
///     server.read_to_string(&mut request).await?;
///     server.write_all(b"pong!").await?;
///     server.close().await?;
///     std::io::Result::Ok(request)
/// };
/// let (copied, request) = zip(proxy, talk).await;
/// assert_eq!(request?, "ping");
/// let copied = copied?;
/// assert_eq!((copied.a_to_b, copied.b_to_a), (4, 5));
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub fn copy_bidirectional<'a, A, B>(a: &'a mut A, b: &'a mut B) -> CopyBidirectional<'a, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    CopyBidirectional { a, b, a_to_b: OneWay::new(), b_to_a: OneWay::new() }
}

/// How many bytes were copied from one stream to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Read from the first stream and written to the second.
    pub a_to_b: u64,
    /// Read from the second stream and written to the first.
    pub b_to_a: u64,
}

/// The future of [`copy_bidirectional`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct CopyBidirectional<'a, A: ?Sized, B: ?Sized> {
    a: &'a mut A,
    b: &'a mut B,
    a_to_b: OneWay,
    b_to_a: OneWay,
}

impl<A, B> Future for CopyBidirectional<'_, A, B>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    type Output = Result<Copied, CopyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Copied, CopyError>> {
        let this = self.get_mut();
        let a_to_b = this.a_to_b.poll(cx, this.a, this.b);
        // Not polled if the first has failed: what it copied then would not be reported.
        let b_to_a =
            if let Poll::Ready(Err(_)) = a_to_b { Poll::Pending } else { this.b_to_a.poll(cx, this.b, this.a) };
        let copied = Copied { a_to_b: this.a_to_b.transfer.n_written, b_to_a: this.b_to_a.transfer.n_written };
        let failed = |is_from_a, (half, source)| CopyError { is_from_a, half, copied, source };
        let is_over = a_to_b.map_err(|error| failed(true, error))?.is_ready()
            & b_to_a.map_err(|error| failed(false, error))?.is_ready();
        if is_over { Poll::Ready(Ok(copied)) } else { Poll::Pending }
    }
}

/// One direction, with the closing at its end.
#[derive(Debug)]
struct OneWay {
    transfer: Transfer,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Copying,
    Closing,
    Over,
}

impl OneWay {
    const fn new() -> Self {
        Self { transfer: Transfer::new(), step: Step::Copying }
    }

    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<Result<(), (Half, io::Error)>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        loop {
            self.step = match self.step {
                Step::Copying => {
                    ready!(self.transfer.poll(cx, reader, writer))?;
                    Step::Closing
                }
                Step::Closing => {
                    ready!(attempt::poll_close(writer, cx)).map_err(|error| (Half::Write, error))?;
                    Step::Over
                }
                Step::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Why [`copy_bidirectional`] failed, and how far it had come. Becomes an [`io::Error`] of the same kind by `?`.
#[derive(Debug)]
pub struct CopyError {
    is_from_a: bool,
    half: Half,
    copied: Copied,
    source: io::Error,
}

impl CopyError {
    /// Whether it was the direction from the first stream to the second; otherwise, it was the other.
    pub fn is_a_to_b(&self) -> bool {
        self.is_from_a
    }

    /// Whether it was the stream that was read from; otherwise, it was the one written to.
    pub fn is_read(&self) -> bool {
        self.half == Half::Read
    }

    /// How much had been copied.
    pub fn copied(&self) -> Copied {
        self.copied
    }

    /// The kind of the error of the stream.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// The error of the stream.
    pub fn into_source(self) -> io::Error {
        self.source
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = if self.is_from_a { ("first", "second") } else { ("second", "first") };
        let Copied { a_to_b, b_to_a } = self.copied;
        match self.half {
            Half::Read => write!(f, "failed to read from the {from} stream")?,
            Half::Write => write!(f, "failed to write to the {to} stream")?,
        }
        write!(f, " after {a_to_b} bytes from first to second and {b_to_a} back: {}", self.source)
    }
}

impl error::Error for CopyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

impl From<CopyError> for io::Error {
    fn from(error: CopyError) -> Self {
        Self::new(error.kind(), error)
    }
}
