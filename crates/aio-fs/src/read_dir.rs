//! What is in a directory.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, FileType, Metadata};
use std::future::{Future, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::sync::Arc;
use aio_blocking::{ToThread, to_thread};
use futures_core::Stream;

use crate::attempt::failed;

/// How many entries one trip to a thread fetches.
const CHUNK: usize = 128;

/// The entries of a directory, in no particular order.
///
/// # Errors
/// As [`std::fs::read_dir`], with the path.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// let mut entries = aio_fs::read_dir("src").await?;
/// let mut names = Vec::new();
/// while let Some(entry) = entries.next_entry().await? {
///     names.push(entry.file_name());
/// }
/// assert!(names.contains(&"lib.rs".into()));
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref().to_owned();
    let fetched = to_thread(move || match fs::read_dir(&path) {
        Ok(entries) => Ok(Source { entries, path }.fetch()),
        Err(error) => Err(failed("read directory", Some(&path), error)),
    });
    let (chunk, source) = fetched.await?;
    Ok(ReadDir { chunk, rest: source.map_or(Rest::Nothing, Rest::Idle) })
}

/// The entries of a directory, from [`read_dir`]: a stream, or entry for entry by [`ReadDir::next_entry`].
///
/// # Cancel safety
/// Entries that were fetched stay here; a dropped `next_entry` loses none.
#[must_use = "streams do nothing unless polled"]
pub struct ReadDir {
    chunk: VecDeque<io::Result<DirEntry>>,
    rest: Rest,
}

/// Where the entries come from that are not fetched so far.
enum Rest {
    Idle(Source),
    Busy(ToThread<Fetched>),
    Nothing,
}

/// A chunk, and where there may be more.
type Fetched = (VecDeque<io::Result<DirEntry>>, Option<Source>);

struct Source {
    entries: fs::ReadDir,
    path: PathBuf,
}

impl Source {
    /// Blocks until a chunk is there.
    fn fetch(mut self) -> Fetched {
        let mut chunk = VecDeque::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            match self.entries.next() {
                Some(Ok(entry)) => chunk.push_back(Ok(DirEntry::new(entry))),
                Some(Err(error)) => chunk.push_back(Err(failed("read directory", Some(&self.path), error))),
                None => return (chunk, None),
            }
        }
        (chunk, Some(self))
    }
}

impl ReadDir {
    /// The next entry; none after the last.
    ///
    /// # Errors
    /// If the system fails to read on, with the path of the directory. There may be entries after that.
    pub async fn next_entry(&mut self) -> io::Result<Option<DirEntry>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }
}

impl Stream for ReadDir {
    type Item = io::Result<DirEntry>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(entry) = self.chunk.pop_front() {
                return Poll::Ready(Some(entry));
            }
            let mut job = match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::Nothing => return Poll::Ready(None),
                Rest::Idle(source) => to_thread(move || source.fetch()),
                Rest::Busy(job) => job,
            };
            let Poll::Ready((chunk, source)) = Pin::new(&mut job).poll(cx) else {
                self.rest = Rest::Busy(job);
                return Poll::Pending;
            };
            self.chunk = chunk;
            self.rest = source.map_or(Rest::Nothing, Rest::Idle);
        }
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").field("n_fetched", &self.chunk.len()).finish_non_exhaustive()
    }
}

/// One entry of a directory.
#[derive(Debug, Clone)]
pub struct DirEntry {
    entry: Arc<fs::DirEntry>,
    /// Most systems tell it with the name. If this one failed to, it is asked again.
    file_type: Option<FileType>,
}

impl DirEntry {
    fn new(entry: fs::DirEntry) -> Self {
        Self { file_type: entry.file_type().ok(), entry: Arc::new(entry) }
    }

    /// The path of the directory as it was given, joined with the name.
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// The name, without the path.
    pub fn file_name(&self) -> OsString {
        self.entry.file_name()
    }

    /// Whether it is a file, a directory or a symbolic link, which is not followed. Known by most systems since the
    /// directory was read.
    ///
    /// # Errors
    /// As [`std::fs::DirEntry::file_type`], with the path.
    pub async fn file_type(&self) -> io::Result<FileType> {
        match self.file_type {
            Some(file_type) => Ok(file_type),
            None => self.look_up(fs::DirEntry::file_type).await,
        }
    }

    /// The metadata; a symbolic link is not followed.
    ///
    /// # Errors
    /// As [`std::fs::DirEntry::metadata`], with the path.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.look_up(fs::DirEntry::metadata).await
    }

    async fn look_up<T: Send + 'static>(&self, f: fn(&fs::DirEntry) -> io::Result<T>) -> io::Result<T> {
        let entry = self.entry.clone();
        to_thread(move || f(&entry).map_err(|error| failed("look up", Some(&entry.path()), error))).await
    }
}
