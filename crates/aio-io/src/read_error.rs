//! What a read of a [`StreamReader`](crate::StreamReader) may fail with.

use std::error;
use std::fmt;
use std::io;

/// Why a read of a [`StreamReader`](crate::StreamReader) failed.
///
/// Becomes an [`io::Error`] of the right kind by `?`: that of the reader as it was, and otherwise one that holds this
/// error, which [`ReadError::from`] finds in it again.
pub struct ReadError(Repr);

enum Repr {
    Incomplete { partial: Vec<u8>, expected: Option<usize> },
    Limit { consumed: usize, limit: usize },
    InvalidUtf8(std::string::FromUtf8Error),
    Io(io::Error),
}

impl ReadError {
    pub(crate) fn incomplete(partial: Vec<u8>, expected: Option<usize>) -> Self {
        Self(Repr::Incomplete { partial, expected })
    }

    pub(crate) fn limit(consumed: usize, limit: usize) -> Self {
        Self(Repr::Limit { consumed, limit })
    }

    pub(crate) fn invalid_utf8(error: std::string::FromUtf8Error) -> Self {
        Self(Repr::InvalidUtf8(error))
    }

    /// Whether the end came before what was asked for: asyncio's `IncompleteReadError`. What came before the end is in
    /// [`partial`](Self::partial), and no longer in the reader.
    pub fn is_incomplete(&self) -> bool {
        matches!(self.0, Repr::Incomplete { .. })
    }

    /// Whether there was no separator within the limit: asyncio's `LimitOverrunError`. All that was read is still in
    /// the reader; [`consumed`](Self::consumed) tells how much of it can be skipped.
    pub fn is_limit(&self) -> bool {
        matches!(self.0, Repr::Limit { .. })
    }

    /// Whether what was read is not UTF-8. It is in [`partial`](Self::partial), and no longer in the reader.
    pub fn is_invalid_utf8(&self) -> bool {
        matches!(self.0, Repr::InvalidUtf8(_))
    }

    /// Whether the reader underneath failed. All that was read before is still in the reader.
    pub fn is_io(&self) -> bool {
        matches!(self.0, Repr::Io(_))
    }

    /// The kind of the [`io::Error`] that this becomes.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.0 {
            Repr::Incomplete { .. } => io::ErrorKind::UnexpectedEof,
            Repr::Limit { .. } | Repr::InvalidUtf8(_) => io::ErrorKind::InvalidData,
            Repr::Io(error) => error.kind(),
        }
    }

    /// The bytes that were read, and are no longer in the reader: before the end, or those that are not UTF-8. Empty in
    /// all other cases.
    pub fn partial(&self) -> &[u8] {
        match &self.0 {
            Repr::Incomplete { partial, .. } => partial,
            Repr::InvalidUtf8(error) => error.as_bytes(),
            Repr::Limit { .. } | Repr::Io(_) => &[],
        }
    }

    /// [`partial`](Self::partial), without a copy.
    pub fn into_partial(self) -> Vec<u8> {
        match self.0 {
            Repr::Incomplete { partial, .. } => partial,
            Repr::InvalidUtf8(error) => error.into_bytes(),
            Repr::Limit { .. } | Repr::Io(_) => Vec::new(),
        }
    }

    /// How many bytes were asked for, if the end came before and it was a number of bytes that was asked for.
    pub fn expected(&self) -> Option<usize> {
        match self.0 {
            Repr::Incomplete { expected, .. } => expected,
            _ => None,
        }
    }

    /// How many bytes at the front of the reader's buffer are part of no separator, if the limit was hit: who goes on
    /// after an over-long line [consumes](crate::StreamReader::consume) as many and looks again.
    pub fn consumed(&self) -> Option<usize> {
        match self.0 {
            Repr::Limit { consumed, .. } => Some(consumed),
            _ => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(|error| Self(Repr::Io(error)))
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error.0 {
            Repr::Io(error) => error,
            repr => {
                let error = ReadError(repr);
                Self::new(error.kind(), error)
            }
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Incomplete { partial, expected: Some(expected) } => {
                write!(f, "the stream ended after {} of {expected} bytes", partial.len())
            }
            Repr::Incomplete { partial, expected: None } => {
                write!(f, "the stream ended after {} bytes without a separator", partial.len())
            }
            Repr::Limit { consumed, limit } => {
                write!(f, "no separator in the first {consumed} bytes, {limit} are allowed")
            }
            Repr::InvalidUtf8(error) => write!(f, "the text is not UTF-8: {error}"),
            Repr::Io(error) => write!(f, "failed to read: {error}"),
        }
    }
}

impl fmt::Debug for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Incomplete { partial, expected } => {
                f.debug_struct("Incomplete").field("partial", &partial.len()).field("expected", expected).finish()
            }
            Repr::Limit { consumed, limit } => {
                f.debug_struct("Limit").field("consumed", consumed).field("limit", limit).finish()
            }
            Repr::InvalidUtf8(error) => f.debug_tuple("InvalidUtf8").field(&error.utf8_error()).finish(),
            Repr::Io(error) => f.debug_tuple("Io").field(error).finish(),
        }
    }
}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.0 {
            Repr::InvalidUtf8(error) => Some(error),
            Repr::Io(error) => Some(error),
            Repr::Incomplete { .. } | Repr::Limit { .. } => None,
        }
    }
}
