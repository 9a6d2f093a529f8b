//! Reads and writes at given offsets, without the cursor.

use std::io;

use super::File;
use super::buffer::{MAX, uninterrupted};
use super::desk::Desk;

impl File {
    /// Reads up to `buf.len()` bytes (2 MiB at most) from `offset` on; returns how many, 0 at the end of the file. The
    /// cursor stays. What was written before is seen. Several may be under way at once.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// What the system fails with, with the path.
    pub async fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let max = buf.len().min(MAX);
        let read = self.job("read", move |desk| {
            let mut bytes = vec![0; max];
            let n = uninterrupted(|| read_at(desk, &mut bytes, offset))?;
            bytes.truncate(n);
            Ok(bytes)
        });
        let bytes = read.await?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// Writes `buf` (its first 2 MiB at most) from `offset` on, after what was written before; returns how much was
    /// written. The cursor stays.
    ///
    /// A file that was opened to append is written at its end on some systems, whatever the offset.
    ///
    /// # Cancel safety
    /// If it is dropped before its job has begun, nothing is written; after that, it is.
    ///
    /// # Errors
    /// What the system fails with, with the path.
    pub async fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let bytes = buf[..buf.len().min(MAX)].to_owned();
        self.job("write to", move |desk| uninterrupted(|| write_at(desk, &bytes, offset))).await
    }
}

#[cfg(unix)]
fn read_at(desk: &Desk, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(&desk.file, buf, offset)
}

#[cfg(unix)]
fn write_at(desk: &Desk, buf: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(&desk.file, buf, offset)
}

#[cfg(windows)]
fn read_at(desk: &Desk, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    desk.apart(|file| std::os::windows::fs::FileExt::seek_read(file, buf, offset))
}

#[cfg(windows)]
fn write_at(desk: &Desk, buf: &[u8], offset: u64) -> io::Result<usize> {
    desk.apart(|file| std::os::windows::fs::FileExt::seek_write(file, buf, offset))
}
