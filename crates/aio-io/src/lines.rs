//! The lines of a reader as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_io::AsyncRead;

use crate::read_error::ReadError;
use crate::stream_reader::{StreamReader, text};

/// The stream of [`StreamReader::byte_lines`].
///
/// # Cancel safety
/// Dropping it, or a future that waits for its next line, loses nothing: what was read stays in the reader.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct ByteLines<'a, R> {
    reader: &'a mut StreamReader<R>,
    has_failed: bool,
}

impl<'a, R> ByteLines<'a, R> {
    pub(crate) fn new(reader: &'a mut StreamReader<R>) -> Self {
        Self { reader, has_failed: false }
    }
}

impl<R: AsyncRead + Unpin> Stream for ByteLines<'_, R> {
    type Item = Result<Vec<u8>, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // It would be the same error again, for ever: of what is too long, nothing is taken out.
        if self.has_failed {
            return Poll::Ready(None);
        }
        let line = ready!(self.reader.poll_line(cx)).transpose();
        self.has_failed = matches!(line, Some(Err(_)));
        Poll::Ready(line.map(|line| line.map(without_end)))
    }
}

/// The stream of [`StreamReader::lines`].
///
/// # Cancel safety
/// Dropping it, or a future that waits for its next line, loses nothing: what was read stays in the reader.
#[derive(Debug)]
#[must_use = "a stream does nothing unless it is polled"]
pub struct Lines<'a, R>(ByteLines<'a, R>);

impl<'a, R> Lines<'a, R> {
    pub(crate) fn new(reader: &'a mut StreamReader<R>) -> Self {
        Self(ByteLines::new(reader))
    }
}

impl<R: AsyncRead + Unpin> Stream for Lines<'_, R> {
    type Item = Result<String, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let line = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(line.map(|line| line.and_then(text)))
    }
}

fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    }
    line
}
