//! Pipes.

use std::fmt;
use std::fs::{File, FileType};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_reactor::Async;
use futures_io::{AsyncRead, AsyncWrite};

use crate::tcp::attempted;
use crate::through::reads_through;

/// A new pipe: what is written to the one end is read from the other.
///
/// Programs that are started do not inherit it.
///
/// # Errors
/// What the system says: mostly, that there are too many descriptors.
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe().map_err(attempted("make a pipe"))?;
    let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
    Ok((PipeReader { io: Async::new(reader.into())? }, PipeWriter { io: Async::new(writer.into())? }))
}

/// The end of a pipe that is read from.
///
/// It is at its end when the last writer is gone, also those that other processes have.
pub struct PipeReader {
    io: Async<File>,
}

impl PipeReader {
    /// Takes over a descriptor: of a pipe, of a FIFO, a socket or a terminal. It is made non-blocking, also for those
    /// who share what was opened (another process that has inherited it).
    ///
    /// # Errors
    /// `InvalidInput` for files, directories and disks, which never say that they would block, and block.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { io: Async::new(checked(fd, "read from a descriptor as from a pipe")?)? })
    }

    /// The descriptor, non-blocking.
    pub fn into_fd(self) -> OwnedFd {
        self.io.into_inner().into()
    }
}

/// The end of a pipe that is written to.
///
/// When the last reader is gone, writing fails with `BrokenPipe`. (The runtime of Rust ignores the signal that there is
/// for that. Who has given it a meaning again gets it: for pipes, the system has no flag against it.) To close it is to
/// drop it.
pub struct PipeWriter {
    io: Async<File>,
}

impl PipeWriter {
    /// Takes over a descriptor, as [`PipeReader::from_fd`].
    ///
    /// # Errors
    /// As [`PipeReader::from_fd`].
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { io: Async::new(checked(fd, "write to a descriptor as to a pipe")?)? })
    }

    /// The descriptor, non-blocking.
    pub fn into_fd(self) -> OwnedFd {
        self.io.into_inner().into()
    }
}

/// As a `File`, which is what reads and writes in the standard library, if waiting for it makes sense.
fn checked(fd: OwnedFd, what: &str) -> io::Result<File> {
    let file = File::from(fd);
    let kind = file.metadata().map_err(attempted(what))?.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_char_device() {
        return Ok(file);
    }
    Err(attempted(what)(io::Error::new(ErrorKind::InvalidInput, format!("it is {}", name_of(kind)))))
}

fn name_of(kind: FileType) -> &'static str {
    if kind.is_file() {
        "a regular file"
    } else if kind.is_dir() {
        "a directory"
    } else {
        "a disk, or something else that never says that it would block"
    }
}

// None of the following as a stream: a short read from a terminal, or from a pipe of packets, does not say that there
// is no more.

impl AsyncRead for &PipeReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |mut pipe| pipe.read(buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_read_with(cx, |mut pipe| pipe.read_vectored(buffers))
    }
}

reads_through!(PipeReader, this => &*this);

impl AsyncWrite for PipeWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.io.poll_write_with(cx, |mut pipe| pipe.write(buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.poll_write_with(cx, |mut pipe| pipe.write_vectored(buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: the reader sees the end when this is dropped.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsFd for PipeReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl AsFd for PipeWriter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeReader").field(&self.as_fd()).finish()
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeWriter").field(&self.as_fd()).finish()
    }
}
