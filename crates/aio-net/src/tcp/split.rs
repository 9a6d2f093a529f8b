//! The two directions of a connection.

use std::error::Error;
use std::fmt;
use std::net::Shutdown;
use std::sync::Arc; // facade: shared data without a protocol

use super::TcpStream;
use crate::through::{reads_through, writes_through};

/// The reading direction, see [`TcpStream::split`].
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a TcpStream);

/// The writing direction, see [`TcpStream::split`].
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a TcpStream);

/// The reading direction, see [`TcpStream::into_split`].
#[derive(Debug)]
pub struct OwnedReadHalf(Arc<TcpStream>);

/// The writing direction, see [`TcpStream::into_split`]. When it is dropped, the peer is told that nothing more will
/// come.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<TcpStream>,
    closes: bool,
}

pub(super) fn split(stream: &mut TcpStream) -> (ReadHalf<'_>, WriteHalf<'_>) {
    (ReadHalf(stream), WriteHalf(stream))
}

pub(super) fn into_split(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, closes: true })
}

impl OwnedReadHalf {
    /// The whole connection again.
    ///
    /// # Errors
    /// [`ReuniteError`] with the two, if they are not of the same connection.
    pub fn reunite(self, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        if !Arc::ptr_eq(&self.0, &write.stream) {
            return Err(ReuniteError(self, write));
        }
        let mut write = write;
        write.closes = false;
        drop(write);
        match Arc::try_unwrap(self.0) {
            Ok(stream) => Ok(stream),
            Err(_) => unreachable!("there are two halves, and here they are"),
        }
    }
}

/// The connection of this half: its addresses and options.
impl AsRef<TcpStream> for OwnedReadHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.0
    }
}

/// The connection of this half: its addresses and options.
impl AsRef<TcpStream> for OwnedWriteHalf {
    fn as_ref(&self) -> &TcpStream {
        &self.stream
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.closes {
            // It can only fail if the connection is gone.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
    }
}

/// The halves are not of the same connection.
#[derive(Debug)]
pub struct ReuniteError(
    /// As it was given.
    pub OwnedReadHalf,
    /// As it was given.
    pub OwnedWriteHalf,
);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are not of the same connection")
    }
}

impl Error for ReuniteError {}

reads_through!(ReadHalf<'_>, this => &*this.0);
reads_through!(OwnedReadHalf, this => &*this.0);
writes_through!(WriteHalf<'_>, this => &*this.0);
writes_through!(OwnedWriteHalf, this => &*this.stream);
