//! Files and directories beside async code.
//!
//! A regular file is always "ready", and yet the disk below it takes its time. So each call goes to a thread of the
//! pool of [`to_thread`](aio_blocking::to_thread()) and is awaited; the loop goes on meanwhile:
//!
//! ```
//! # futures_lite::future::block_on(async {
//! use std::io::SeekFrom;
//!
//! let path = std::env::temp_dir().join(format!("aio-fs-doc-{}", std::process::id()));
//! aio_fs::write(&path, "to be continued").await?;
//!
//! let mut file = aio_fs::OpenOptions::new().read(true).write(true).open(&path).await?;
//! file.seek(SeekFrom::Start(6)).await?;
//! let mut buf = [0; 16];
//! let n = file.read(&mut buf).await?;
//! assert_eq!(&buf[..n], b"continued");
//! file.close().await?;
//!
//! aio_fs::remove_file(&path).await?;
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! - Free functions named like those of [`std::fs`]: [`read`], [`write()`], [`copy`], [`rename`],
//!   [`metadata()`], [`create_dir_all`] and so on, and [`append`].
//! - [`File`], opened by [`File::open`], [`File::create`] or [`OpenOptions`], is read and written through the traits of
//!   `futures-io`, or at given offsets by [`File::read_at`] and [`File::write_at`].
//! - [`read_dir()`] goes through a directory, many entries for each trip to a thread.
//!
//! Each error says what was attempted on which path, and keeps its [kind](std::io::Error::kind); the error of the
//! system is its [source](std::error::Error::source).
//!
//! # Cancel safety
//! Dropping the future of a free function before its job has begun: nothing happens. A job that has begun (it removes
//! a directory, copies a file) runs to its end, since no system can be asked to stop it. [`File`] does better, see
//! there.
//!
//! # Panics
//! As [`to_thread`](aio_blocking::to_thread()): if the system refuses to start even one thread; and to await a future
//! that was polled in a loop which has ended meanwhile. [`File`] and [`ReadDir`] outlive a loop, and go on in another.
//!
//! # Not for
//! Thousands of small calls in a row: each costs a trip to a thread, some microseconds, more than the call itself if
//! the system has the file in memory. Put such a series into one `to_thread`. Pipes, terminals and devices are no files
//! either: a read that waits for another program holds a thread of the pool as long.

mod attempt;
mod contents;
mod directories;
mod file;
mod metadata;
mod names;
mod open_options;
mod read_dir;

pub use contents::{append, copy, read, read_to_string, write};
pub use directories::{create_dir, create_dir_all, remove_dir, remove_dir_all};
pub use file::File;
pub use metadata::{metadata, set_permissions, symlink_metadata};
#[cfg(unix)]
pub use names::symlink;
pub use names::{canonicalize, exists, hard_link, read_link, remove_file, rename};
#[cfg(windows)]
pub use names::{symlink_dir, symlink_file};
pub use open_options::OpenOptions;
pub use read_dir::{DirEntry, ReadDir, read_dir};
