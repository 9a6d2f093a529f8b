//! Our ends of the pipes of a child.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::attempted;
use crate::sys::{Reader, Writer};

/// What a child reads from.
///
/// The child sees the end when this is dropped or closed. When nobody reads any more, writing fails with `BrokenPipe`.
pub struct ChildStdin {
    /// Until it is closed.
    pipe: Option<Writer>,
}

/// What a child writes its output to.
///
/// It is at its end when all that have inherited the other end are gone: the child, and what that has started.
pub struct ChildStdout {
    pipe: Reader,
}

/// What a child writes its errors to; in everything else like [`ChildStdout`].
pub struct ChildStderr {
    pipe: Reader,
}

impl ChildStdin {
    /// Of a child that was started with the standard library.
    ///
    /// # Errors
    /// What the system says.
    pub fn from_std(pipe: std::process::ChildStdin) -> io::Result<Self> {
        let pipe = Writer::new(pipe).map_err(attempted("write to a child"))?;
        Ok(Self { pipe: Some(pipe) })
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the pipe to the child has been closed")
}

impl AsyncWrite for ChildStdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.pipe {
            Some(pipe) => pipe.poll_write(cx, buffer),
            None => Poll::Ready(Err(closed())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.pipe {
            Some(pipe) => pipe.poll_write_vectored(cx, buffers),
            None => Poll::Ready(Err(closed())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The child sees the end after what was written.
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe = None;
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for ChildStdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildStdin").field("is_open", &self.pipe.is_some()).finish_non_exhaustive()
    }
}

macro_rules! reads {
    ($name:ident, $std:ty) => {
        impl $name {
            /// Of a child that was started with the standard library.
            ///
            /// # Errors
            /// What the system says.
            pub fn from_std(pipe: $std) -> io::Result<Self> {
                Ok(Self { pipe: Reader::new(pipe).map_err(attempted("read from a child"))? })
            }

            pub(crate) async fn drain(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
                self.pipe.drain(into).await
            }
        }

        impl AsyncRead for $name {
            fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
                self.pipe.poll_read(cx, buffer)
            }

            fn poll_read_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                self.pipe.poll_read_vectored(cx, buffers)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

reads!(ChildStdout, std::process::ChildStdout);
reads!(ChildStderr, std::process::ChildStderr);

#[cfg(unix)]
mod pass_on {
    use std::io;
    use std::process::Stdio;

    use super::{ChildStderr, ChildStdin, ChildStdout, closed};
    use crate::attempted;

    macro_rules! passes_on {
        ($name:ident, $this:ident => $pipe:expr) => {
            impl $name {
                /// For another program, as its [`Command::stdin`](crate::Command::stdin) or the like: what two programs
                /// have to say to each other does not go through this one. Blocking again, as programs expect it.
                ///
                /// # Errors
                /// What the system says; of a [`ChildStdin`] that was closed, `BrokenPipe`.
                pub fn into_stdio(self) -> io::Result<Stdio> {
                    let $this = self;
                    let pipe = $pipe.into_blocking().map_err(attempted("pass on the pipe of a child"))?;
                    Ok(pipe.into())
                }
            }
        };
    }

    passes_on!(ChildStdin, this => this.pipe.ok_or_else(closed)?);
    passes_on!(ChildStdout, this => this.pipe);
    passes_on!(ChildStderr, this => this.pipe);
}
