//! What the system knows about a file.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::path::Path;

use crate::attempt::on_path;

/// The metadata of what is at the path; symbolic links are followed.
///
/// # Errors
/// As [`std::fs::metadata`], with the path.
pub async fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    on_path("look up", path.as_ref(), |path| fs::metadata(path)).await
}

/// The metadata of what is at the path, be it a symbolic link.
///
/// # Errors
/// As [`std::fs::symlink_metadata`], with the path.
pub async fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    on_path("look up", path.as_ref(), |path| fs::symlink_metadata(path)).await
}

/// Changes the permissions of what is at the path.
///
/// # Errors
/// As [`std::fs::set_permissions`], with the path.
pub async fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    on_path("set the permissions of", path.as_ref(), |path| fs::set_permissions(path, permissions)).await
}
