//! What is in a directory.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, FileType, Metadata};
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::sync::{Arc, Mutex};
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
        Ok(entries) => {
            let mut source = Source { entries, path };
            Ok((source.fetch(), source))
        }
        Err(error) => Err(failed("read directory", Some(&path), error)),
    });
    let (chunk, source) = fetched.await?;
    Ok(ReadDir { chunk, source: Arc::new(Mutex::new(source)), job: None })
}

/// The entries of a directory, from [`read_dir`]: a stream, or entry for entry by [`ReadDir::next_entry`].
///
/// # Cancel safety
/// Entries that were fetched stay here; a dropped `next_entry` loses none, and neither does the end of a loop.
#[must_use = "streams do nothing unless polled"]
pub struct ReadDir {
    chunk: Chunk,
    /// Locked by the job alone. Here, too, so that it is not lost if the pool is shut down before the job begins.
    source: Arc<Mutex<Source>>,
    /// Fetches the next chunk.
    job: Option<ToThread<Chunk>>,
}

#[derive(Default)]
struct Chunk {
    entries: VecDeque<io::Result<DirEntry>>,
    /// There is no other after it.
    is_last: bool,
}

struct Source {
    entries: fs::ReadDir,
    path: PathBuf,
}

impl Source {
    /// Blocks until a chunk is there.
    fn fetch(&mut self) -> Chunk {
        let mut entries = VecDeque::with_capacity(CHUNK);
        while entries.len() < CHUNK {
            match self.entries.next() {
                Some(Ok(entry)) => entries.push_back(Ok(DirEntry::new(entry))),
                Some(Err(error)) => entries.push_back(Err(failed("read directory", Some(&self.path), error))),
                None => return Chunk { entries, is_last: true },
            }
        }
        Chunk { entries, is_last: false }
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
        let this = &mut *self;
        loop {
            if let Some(entry) = this.chunk.entries.pop_front() {
                return Poll::Ready(Some(entry));
            }
            if this.chunk.is_last {
                return Poll::Ready(None);
            }
            let job = this.job.get_or_insert_with(|| {
                let source = this.source.clone();
                to_thread(move || source.lock().fetch())
            });
            let fetched = ready!(Pin::new(job).poll_unless_refused(cx));
            this.job = None;
            // Otherwise the loop of the job has ended, and another goes on.
            if let Some(chunk) = fetched {
                this.chunk = chunk;
            }
        }
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").field("n_fetched", &self.chunk.entries.len()).finish_non_exhaustive()
    }
}

/// One entry of a directory. On some systems it keeps the directory open, as that of the standard library does.
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
