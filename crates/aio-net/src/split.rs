//! The two directions of a connection: of a [`TcpStream`], or of a `UnixStream`.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc; // facade: shared data without a protocol

use crate::TcpStream;
use crate::through::{reads_through, writes_through};

/// The reading direction, see [`TcpStream::split`].
#[derive(Debug)]
pub struct ReadHalf<'a, S = TcpStream>(&'a S);

/// The writing direction, see [`TcpStream::split`].
#[derive(Debug)]
pub struct WriteHalf<'a, S = TcpStream>(&'a S);

/// The reading direction, see [`TcpStream::into_split`].
#[derive(Debug)]
pub struct OwnedReadHalf<S = TcpStream>(Arc<S>);

/// The writing direction, see [`TcpStream::into_split`]. When it is dropped, the peer is told that nothing more will
/// come.
#[derive(Debug)]
pub struct OwnedWriteHalf<S = TcpStream> {
    stream: Arc<S>,
    /// Tells the peer; none, if it is whole again.
    close: Option<fn(&S) -> io::Result<()>>,
}

pub(crate) fn split<S>(stream: &mut S) -> (ReadHalf<'_, S>, WriteHalf<'_, S>) {
    (ReadHalf(stream), WriteHalf(stream))
}

/// `close` closes the writing direction.
pub(crate) fn into_split<S>(stream: S, close: fn(&S) -> io::Result<()>) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, close: Some(close) })
}

impl<S> OwnedReadHalf<S> {
    /// The whole connection again.
    ///
    /// # Errors
    /// [`ReuniteError`] with the two, if they are not of the same connection.
    pub fn reunite(self, mut write: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
        if !Arc::ptr_eq(&self.0, &write.stream) {
            return Err(ReuniteError(self, write));
        }
        write.close = None;
        drop(write);
        match Arc::try_unwrap(self.0) {
            Ok(stream) => Ok(stream),
            Err(_) => unreachable!("there are two halves, and here they are"),
        }
    }
}

/// The connection of this half: its addresses and options.
impl<S> AsRef<S> for OwnedReadHalf<S> {
    fn as_ref(&self) -> &S {
        &self.0
    }
}

/// The connection of this half: its addresses and options.
impl<S> AsRef<S> for OwnedWriteHalf<S> {
    fn as_ref(&self) -> &S {
        &self.stream
    }
}

impl<S> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if let Some(close) = self.close {
            // It can only fail if the connection is gone.
            let _ = close(&self.stream);
        }
    }
}

/// The halves are not of the same connection.
#[derive(Debug)]
pub struct ReuniteError<S = TcpStream>(
    /// As it was given.
    pub OwnedReadHalf<S>,
    /// As it was given.
    pub OwnedWriteHalf<S>,
);

impl<S> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are not of the same connection")
    }
}

impl<S: fmt::Debug> Error for ReuniteError<S> {}

reads_through!(ReadHalf<'_, S>, this => &*this.0, for S);
reads_through!(OwnedReadHalf<S>, this => &*this.0, for S);
writes_through!(WriteHalf<'_, S>, this => &*this.0, for S);
writes_through!(OwnedWriteHalf<S>, this => &*this.stream, for S);
