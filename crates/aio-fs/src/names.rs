//! The names that files have.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::attempt::{on_path, on_two_paths};

/// Gives a file or directory another name, in place of a file that may have it.
///
/// # Errors
/// As [`std::fs::rename`], with both paths.
pub async fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    on_two_paths("rename", from.as_ref(), to.as_ref(), |from, to| fs::rename(from, to)).await
}

/// Removes a file, or one of its names.
///
/// # Errors
/// As [`std::fs::remove_file`], with the path.
pub async fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    on_path("remove", path.as_ref(), |path| fs::remove_file(path)).await
}

/// Gives the file `original` the name `link` too.
///
/// # Errors
/// As [`std::fs::hard_link`], with both paths.
pub async fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    on_two_paths("link", original.as_ref(), link.as_ref(), |original, link| fs::hard_link(original, link)).await
}

/// Makes `link` a symbolic link to `original`, which need not exist.
///
/// # Errors
/// As [`std::os::unix::fs::symlink`], with both paths.
#[cfg(unix)]
pub async fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    use std::os::unix::fs::symlink;
    on_two_paths("link", original.as_ref(), link.as_ref(), |original, link| symlink(original, link)).await
}

/// Makes `link` a symbolic link to the file `original`.
///
/// # Errors
/// As [`std::os::windows::fs::symlink_file`], with both paths.
#[cfg(windows)]
pub async fn symlink_file(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    use std::os::windows::fs::symlink_file;
    on_two_paths("link", original.as_ref(), link.as_ref(), |original, link| symlink_file(original, link)).await
}

/// Makes `link` a symbolic link to the directory `original`.
///
/// # Errors
/// As [`std::os::windows::fs::symlink_dir`], with both paths.
#[cfg(windows)]
pub async fn symlink_dir(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    use std::os::windows::fs::symlink_dir;
    on_two_paths("link", original.as_ref(), link.as_ref(), |original, link| symlink_dir(original, link)).await
}

/// What a symbolic link says.
///
/// # Errors
/// As [`std::fs::read_link`], with the path.
pub async fn read_link(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    on_path("read link", path.as_ref(), |path| fs::read_link(path)).await
}

/// The absolute path, without symbolic links and `..`.
///
/// # Errors
/// As [`std::fs::canonicalize`], with the path.
pub async fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    on_path("resolve", path.as_ref(), |path| fs::canonicalize(path)).await
}

/// Whether there is something at the path; a symbolic link to nothing does not count.
///
/// # Errors
/// If that cannot be found out, as by [`std::fs::exists`], with the path.
#[doc(alias = "try_exists")]
pub async fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    on_path("look up", path.as_ref(), |path| fs::exists(path)).await
}
