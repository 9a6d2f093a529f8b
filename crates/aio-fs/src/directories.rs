//! Directories are made and removed.

use std::fs;
use std::io;
use std::path::Path;

use crate::attempt::on_path;

/// Creates a directory.
///
/// # Errors
/// As [`std::fs::create_dir`], with the path.
pub async fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    on_path("create directory", path.as_ref(), |path| fs::create_dir(path)).await
}

/// Creates a directory and those above it, so far as they do not exist.
///
/// # Errors
/// As [`std::fs::create_dir_all`], with the path.
pub async fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    on_path("create directory", path.as_ref(), |path| fs::create_dir_all(path)).await
}

/// Removes an empty directory.
///
/// # Errors
/// As [`std::fs::remove_dir`], with the path.
pub async fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    on_path("remove directory", path.as_ref(), |path| fs::remove_dir(path)).await
}

/// Removes a directory with all that is in it. Symbolic links are removed, not followed.
///
/// # Cancel safety
/// Dropped before it has begun, it removes nothing; after that, everything.
///
/// # Errors
/// As [`std::fs::remove_dir_all`], with the path. A part may have been removed.
pub async fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    on_path("remove directory", path.as_ref(), |path| fs::remove_dir_all(path)).await
}
