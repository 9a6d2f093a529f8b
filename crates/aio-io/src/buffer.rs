//! Bytes that have come and were not asked for yet.

#[cfg(all(test, not(aio_loom)))]
mod tests;

use std::fmt;

/// What an empty buffer may keep of its memory while its owner waits.
const KEEP: usize = 256;

/// A queue of bytes that is always one slice. Without memory before there is something in it.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// The bytes before this one were taken out.
    start: usize,
}

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0 }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(crate) fn push(&mut self, more: &[u8]) {
        // Before it grows, it moves to the front, if that is less work than was done since it last did.
        if self.bytes.capacity() - self.bytes.len() < more.len() && self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(more);
    }

    /// Takes out the first `n`.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "{n} bytes consumed of {} in the buffer", self.len());
        self.start += n;
        if self.is_empty() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Takes out as many as there are and fit.
    #[inline]
    pub(crate) fn take_into(&mut self, buf: &mut [u8]) -> usize {
        let n = buf.len().min(self.len());
        buf[..n].copy_from_slice(&self.as_slice()[..n]);
        self.consume(n);
        n
    }

    /// Takes out the first `n`.
    pub(crate) fn take(&mut self, n: usize) -> Vec<u8> {
        if n == self.len() && self.start == 0 && n > self.bytes.capacity() / 2 {
            return std::mem::take(&mut self.bytes);
        }
        let taken = self.as_slice()[..n].to_vec();
        self.consume(n);
        taken
    }

    /// Takes out everything, in the memory where it is.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        self.bytes.drain(..std::mem::take(&mut self.start));
        std::mem::take(&mut self.bytes)
    }

    /// Gives the memory back, if there is nothing in it. For those who wait, and do not know how long.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() && self.bytes.capacity() > KEEP {
            *self = Self::new();
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len()).field("capacity", &self.bytes.capacity()).finish()
    }
}
