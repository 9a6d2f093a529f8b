//! The contents of whole files.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::attempt::{on_path, on_two_paths};

/// Reads a whole file.
///
/// # Errors
/// As [`std::fs::read`], with the path.
pub async fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    on_path("read", path.as_ref(), |path| fs::read(path)).await
}

/// Reads a whole file as UTF-8.
///
/// # Errors
/// As [`std::fs::read_to_string`], with the path; what is not UTF-8 is [`InvalidData`](io::ErrorKind::InvalidData).
pub async fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    on_path("read", path.as_ref(), |path| fs::read_to_string(path)).await
}

/// Makes `contents` the whole contents of a file, which is created if there is none.
///
/// # Cancel safety
/// Dropped before it has begun, it writes nothing; after that, everything.
///
/// # Errors
/// As [`std::fs::write`], with the path. A part may have been written.
pub async fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let contents = contents.as_ref().to_owned();
    on_path("write", path.as_ref(), move |path| fs::write(path, contents)).await
}

/// Writes `contents` at the end of a file, which is created if there is none.
///
/// # Cancel safety
/// Dropped before it has begun, it writes nothing; after that, everything.
///
/// # Errors
/// What opening or writing the file fails with, with the path. A part may have been written.
pub async fn append(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let contents = contents.as_ref().to_owned();
    on_path("append to", path.as_ref(), move |path| {
        fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(&contents)
    })
    .await
}

/// Copies the contents and permissions of the file `from` to the file `to`; returns how many bytes that were.
///
/// # Cancel safety
/// Dropped before it has begun, it copies nothing; after that, everything.
///
/// # Errors
/// As [`std::fs::copy`], with both paths.
pub async fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    on_two_paths("copy", from.as_ref(), to.as_ref(), |from, to| fs::copy(from, to)).await
}
