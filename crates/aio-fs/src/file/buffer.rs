//! The bytes that travel between a file and its user.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

/// The most that one trip to a thread carries.
pub(super) const MAX: usize = 2 * 1024 * 1024;

/// Bytes that were read and not handed out, or that are to be written. Keeps its memory.
#[derive(Default)]
pub(super) struct Buffer {
    /// Initialized once, however often it is read into.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Moves as much as there is and fits to `destination`; returns how much.
    pub(super) fn drain_to(&mut self, destination: &mut [u8]) -> usize {
        let n = self.len().min(destination.len());
        destination[..n].copy_from_slice(&self.bytes[self.start..self.start + n]);
        self.start += n;
        n
    }

    /// Takes up to [`MAX`] bytes of `source` in place of what was there; returns how many.
    pub(super) fn fill<'a>(&mut self, source: impl IntoIterator<Item = &'a [u8]>) -> usize {
        self.bytes.clear();
        for slice in source {
            let n = slice.len().min(MAX - self.bytes.len());
            self.bytes.extend_from_slice(&slice[..n]);
        }
        (self.start, self.end) = (0, self.bytes.len());
        self.end
    }

    /// Reads once, up to `max` bytes, in place of what was there.
    pub(super) fn read_from(&mut self, mut file: impl Read, max: usize) -> io::Result<usize> {
        self.clear();
        if self.bytes.len() < max {
            self.bytes.resize(max, 0);
        }
        self.end = uninterrupted(|| file.read(&mut self.bytes[..max]))?;
        Ok(self.end)
    }

    /// Writes all; if that fails, what was not written stays.
    pub(super) fn write_to(&mut self, mut file: impl Write) -> io::Result<()> {
        while !self.is_empty() {
            match uninterrupted(|| file.write(&self.bytes[self.start..self.end]))? {
                0 => return Err(ErrorKind::WriteZero.into()),
                n => self.start += n,
            }
        }
        Ok(())
    }
}

/// The slices of a vectored write.
pub(super) fn slices<'a>(slices: &'a [IoSlice<'_>]) -> impl Iterator<Item = &'a [u8]> {
    slices.iter().map(|slice| &**slice)
}

/// Again and again, as long as a signal interrupts it.
pub(super) fn uninterrupted<T>(mut f: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match f() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
