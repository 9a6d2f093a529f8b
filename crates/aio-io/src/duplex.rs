//! A connection in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};

use crate::simplex::{SimplexReader, SimplexWriter, simplex};

/// Two connected streams in memory, like a pair of sockets. At most `capacity` bytes are under way in each direction;
/// whoever writes more waits.
///
/// # Panics
/// If the capacity is zero.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_io::{StreamReader, WriteExt, duplex};
///
/// let (mut client, server) = duplex(64);
/// client.write_all(b"hello\n").await?;
/// client.close().await?;
/// let mut server = StreamReader::new(server);
/// assert_eq!(server.read_line().await?.as_deref(), Some("hello\n"));
/// assert_eq!(server.read_line().await?, None);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
#[track_caller]
pub fn duplex(capacity: usize) -> (DuplexStream, DuplexStream) {
    let (here, to_here) = simplex(capacity);
    let (there, to_there) = simplex(capacity);
    (DuplexStream { reader: here, writer: to_there }, DuplexStream { reader: there, writer: to_here })
}

/// One of the streams of [`duplex`].
///
/// When it is closed, the other gets what is under way and then the end, and reading goes on. When it is dropped,
/// writing to the other fails with `BrokenPipe`, too.
#[derive(Debug)]
pub struct DuplexStream {
    reader: SimplexReader,
    writer: SimplexWriter,
}

impl DuplexStream {
    /// The two directions, which may go to different tasks.
    pub fn into_split(self) -> (SimplexReader, SimplexWriter) {
        (self.reader, self.writer)
    }
}

impl AsyncRead for DuplexStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read_vectored(cx, bufs)
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}
