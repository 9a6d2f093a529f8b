//! An open file.

mod at;
mod buffer;
mod desk;

use std::fmt;
use std::fs::{self, Metadata, Permissions};
use std::future::poll_fn;
use std::io::{self, IoSlice, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use aio_base::sync::Arc;
use aio_blocking::{ToThread, to_thread};
use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};

use self::buffer::{Buffer, MAX, slices};
use self::desk::{Answer, Desk, Errand, Kind, Outcome};
use crate::OpenOptions;
use crate::attempt::failed;

/// An open file, whose reads and writes are done in threads of the pool.
///
/// Reads and writes have a cursor, as those of [`std::fs::File`], and come one after the other. A read asks the system
/// for as much as the caller has room for (2 MiB at most), never for more, so put a buffered reader around a file that
/// is to be read in small pieces. A write takes its bytes (2 MiB at most) and returns while a thread of the pool writes
/// them; the next operation waits for that.
///
/// # Written, or not
/// That a write has failed is therefore told later: by the next [`write`](Self::write), [`flush`](Self::flush),
/// [`close`](Self::close), [`sync_all`](Self::sync_all), [`sync_data`](Self::sync_data) or
/// [`into_std`](Self::into_std), once. The bytes that could not be written are gone then, and the cursor is behind
/// those that were. End with [`flush`](Self::flush) or [`close`](Self::close): if a file is dropped, what a write took
/// is still written, even if the loop ends, but nobody is told of an error.
///
/// # Cancel safety
/// An operation that is dropped before it is ready *did not happen*:
/// - A read: what the system had read for it stays in the file and is what the next read gets. To whoever seeks or
///   writes instead, the cursor is where it was. (But if it had met the end of the file, the next read reports that.)
/// - A write: not a byte of it is written. Once it has returned a count, those bytes are written whatever is dropped.
/// - A seek: the cursor is where it was.
///
/// The operations on the file as a whole ([`set_len`](Self::set_len) and so on) and those at an offset do not happen if
/// they are dropped before their job has begun. If it has, they do.
///
/// # Panics
/// As [`to_thread`](aio_blocking::to_thread()): if the system refuses to start even one thread.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// # let path = std::env::temp_dir().join(format!("aio-fs-doc-file-{}", std::process::id()));
/// use futures_lite::AsyncWriteExt;
///
/// let mut file = aio_fs::File::create(&path).await?;
/// file.write_all(b"all or an error").await?;
/// file.close().await?;
/// assert_eq!(aio_fs::read(&path).await?, b"all or an error");
/// # aio_fs::remove_file(&path).await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct File {
    desk: Arc<Desk>,
    /// What is under way, and the job that does it.
    flight: Option<(Kind, ToThread<()>)>,
    /// What was read and not handed out. Empty while something is under way.
    buffer: Buffer,
    /// How to get the cursor to where it belongs. None while something is under way or in the buffer.
    debt: Option<SeekFrom>,
}

impl File {
    /// Opens a file to be read.
    ///
    /// # Errors
    /// As [`std::fs::File::open`], with the path. (A directory can be opened on most systems, but not read.)
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).open(path).await
    }

    /// Opens a file to be written: an empty one, whether it existed or not.
    ///
    /// # Errors
    /// As [`std::fs::File::create`], with the path.
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path).await
    }

    /// Creates a file that must not exist, to be read and written.
    ///
    /// # Errors
    /// As [`std::fs::File::create_new`], with the path.
    pub async fn create_new(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path).await
    }

    /// How a file is to be opened: the same as [`OpenOptions::new`].
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes over a file of the standard library. The errors do not know its path.
    pub fn from_std(file: fs::File) -> Self {
        Self::with(file, None)
    }

    pub(crate) fn with(file: fs::File, path: Option<PathBuf>) -> Self {
        Self { desk: Arc::new(Desk::new(file, path)), flight: None, buffer: Buffer::default(), debt: None }
    }

    /// The file of the standard library, with the cursor where this one has it.
    ///
    /// # Cancel safety
    /// What was written is written. The file is closed.
    ///
    /// # Errors
    /// That of the last write; or if the cursor cannot be moved back behind what a dropped read took, which only a file
    /// without a cursor refuses. The file is closed then.
    pub async fn into_std(mut self) -> io::Result<fs::File> {
        self.flush().await?;
        self.settle_cursor().await?;
        let desk = self.desk.clone();
        drop(self);
        match Arc::try_unwrap(desk) {
            Ok(desk) => Ok(desk.file),
            // A job whose future was dropped still runs with it.
            Err(desk) => on_desk(&desk, "duplicate", |desk| desk.file.try_clone()).await,
        }
    }

    /// Another file over the same open file: both move one cursor.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// As [`std::fs::File::try_clone`], with the path.
    pub async fn try_clone(&mut self) -> io::Result<Self> {
        self.settle_cursor().await?;
        let file = self.job("duplicate", |desk| desk.file.try_clone()).await?;
        Ok(Self::with(file, self.desk.path.clone()))
    }

    /// Reads up to `buf.len()` bytes; returns how many, 0 at the end of the file.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was read for it is what the next read gets.
    ///
    /// # Errors
    /// What the system fails with, with the path.
    pub async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *self).poll_read(cx, buf)).await
    }

    /// Takes up to 2 MiB of `buf` to be written; returns how much.
    ///
    /// # Cancel safety
    /// If it is dropped, not a byte is written.
    ///
    /// # Errors
    /// That of an earlier write; nothing of `buf` was taken then.
    pub async fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *self).poll_write(cx, buf)).await
    }

    /// Moves the cursor; returns where it is now, counted from the start of the file.
    ///
    /// # Cancel safety
    /// If it is dropped, the cursor is where it was.
    ///
    /// # Errors
    /// What the system fails with, with the path; the cursor is where it was.
    pub async fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        poll_fn(|cx| Pin::new(&mut *self).poll_seek(cx, to)).await
    }

    /// Waits until the system has taken all that was written. (For the disk to have it, see
    /// [`sync_all`](Self::sync_all).)
    ///
    /// # Cancel safety
    /// Nothing is lost; an error is told by the next one.
    ///
    /// # Errors
    /// That of a write since the last one that was told.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_written(cx)).await
    }

    /// [Flushes](Self::flush) and closes the file, in a thread.
    ///
    /// # Cancel safety
    /// What was written is written, and the file is closed.
    ///
    /// # Errors
    /// As [`flush`](Self::flush). The file is closed then too.
    pub async fn close(mut self) -> io::Result<()> {
        let flushed = self.flush().await;
        to_thread(move || drop(self)).await;
        flushed
    }

    /// Waits until the disk has what was written, and the metadata.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// That of a write since the last one that was told, or that of [`std::fs::File::sync_all`], with the path.
    pub async fn sync_all(&self) -> io::Result<()> {
        let synced = self.job("sync", |desk| desk.file.sync_all()).await;
        self.desk.take_write_error().map_or(synced, Err)
    }

    /// Waits until the disk has what was written; the metadata only so far as it is needed to read that.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// That of a write since the last one that was told, or that of [`std::fs::File::sync_data`], with the path.
    pub async fn sync_data(&self) -> io::Result<()> {
        let synced = self.job("sync", |desk| desk.file.sync_data()).await;
        self.desk.take_write_error().map_or(synced, Err)
    }

    /// Makes the file shorter, or longer by zeros. The cursor stays.
    ///
    /// # Cancel safety
    /// If it is dropped before its job has begun, nothing happens.
    ///
    /// # Errors
    /// As [`std::fs::File::set_len`], with the path.
    pub async fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.settle_cursor().await?;
        self.job("set the length of", move |desk| desk.file.set_len(len)).await
    }

    /// The metadata, after all that was written.
    ///
    /// # Errors
    /// As [`std::fs::File::metadata`], with the path.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.job("look up", |desk| desk.file.metadata()).await
    }

    /// Changes the permissions.
    ///
    /// # Errors
    /// As [`std::fs::File::set_permissions`], with the path.
    pub async fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.job("set the permissions of", move |desk| desk.file.set_permissions(permissions)).await
    }

    /// Does `f` in a thread, after what is under way.
    async fn job<T: Send + 'static>(
        &self,
        what: &'static str,
        f: impl FnOnce(&Desk) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        on_desk(&self.desk, what, f).await
    }

    /// Gives back what a dropped read took, so that the system has the cursor where the user believes it is.
    async fn settle_cursor(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_landed(cx)).await;
        if !self.buffer.is_empty() || self.debt.is_some() {
            self.seek(SeekFrom::Current(0)).await?;
        }
        Ok(())
    }

    /// Sends a thread on its way. Nothing must be under way.
    fn take_off(&mut self, kind: Kind, cx: &mut Context<'_>) {
        debug_assert!(self.flight.is_none());
        let errand = Errand { kind, debt: self.debt.take(), buffer: std::mem::take(&mut self.buffer) };
        let (_, job) = self.flight.insert((kind, self.desk.put(errand)));
        // The first poll puts it into the queue of the pool, and finds nothing, or that the pool was shut down.
        let _ = Pin::new(job).poll_unless_refused(cx);
    }

    /// Waits for what is under way, if anything is.
    fn poll_flight(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Kind, io::Result<Answer>)>> {
        let Some((kind, job)) = &mut self.flight else { return Poll::Ready(None) };
        let kind = *kind;
        // The desk is asked first: it may have been the job of another operation that ran the errand.
        let outcome = match self.desk.try_take() {
            Some(outcome) => Some(outcome),
            None => {
                // If the pool was shut down, the destructor of the job has run the errand.
                let _ = ready!(Pin::new(job).poll_unless_refused(cx));
                self.desk.take()
            }
        };
        self.flight = None;
        let Outcome { result, debt, buffer } = outcome.expect("a job that has ended has left its outcome");
        (self.debt, self.buffer) = (debt, buffer);
        Poll::Ready(Some((kind, result)))
    }

    /// Waits for what is under way, which nobody waits for any more: it did not happen, unless it is a write.
    fn poll_landed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((_, Ok(Answer::Sought { before, .. }))) = ready!(self.poll_flight(cx)) {
            self.debt = Some(SeekFrom::Start(before));
        }
        Poll::Ready(())
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some((Kind::Write, _)) = self.flight {
            ready!(self.poll_landed(cx));
        }
        Poll::Ready(self.desk.take_write_error().map_or(Ok(()), Err))
    }

    fn poll_write_slices<'a>(
        &mut self,
        cx: &mut Context<'_>,
        slices: impl IntoIterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_landed(cx));
        if let Some(error) = self.desk.take_write_error() {
            return Poll::Ready(Err(error));
        }
        self.unread();
        let n = self.buffer.fill(slices);
        if n > 0 {
            // Nobody waits for it so far.
            self.take_off(Kind::Write, &mut Context::from_waker(Waker::noop()));
        }
        Poll::Ready(Ok(n))
    }

    /// Forgets what was read and not handed out; the cursor is to go back as far.
    fn unread(&mut self) {
        if !self.buffer.is_empty() {
            // At most `MAX`, so no wrap.
            self.debt = Some(SeekFrom::Current(-(self.buffer.len() as i64)));
            self.buffer.clear();
        }
    }

    fn failed(&self, what: &'static str, error: io::Error) -> io::Error {
        failed(what, self.desk.path.as_deref(), error)
    }
}

/// Does `f` in a thread, after what is under way.
async fn on_desk<T: Send + 'static>(
    desk: &Arc<Desk>,
    what: &'static str,
    f: impl FnOnce(&Desk) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let desk = desk.clone();
    to_thread(move || {
        desk.run();
        f(&desk).map_err(|error| failed(what, desk.path.as_deref(), error))
    })
    .await
}

impl AsyncRead for File {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let file = &mut *self;
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            if !file.buffer.is_empty() {
                return Poll::Ready(Ok(file.buffer.drain_to(buf)));
            }
            match file.flight {
                None => file.take_off(Kind::Read(buf.len().min(MAX)), cx),
                Some((Kind::Read(_), _)) => match ready!(file.poll_flight(cx)) {
                    Some((_, Ok(Answer::Read(0)))) => return Poll::Ready(Ok(0)),
                    Some((_, Err(error))) => return Poll::Ready(Err(file.failed("read", error))),
                    _ => {}
                },
                Some(_) => ready!(file.poll_landed(cx)),
            }
        }
    }
}

impl AsyncWrite for File {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, [buf])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, slices(bufs))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }

    /// Flushes; the file is closed when it is dropped.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        let file = &mut *self;
        loop {
            match file.flight {
                None => {
                    file.unread();
                    file.take_off(Kind::Seek(to), cx);
                }
                // One that was dropped and is asked for again happens once, too.
                Some((Kind::Seek(same), _)) if same == to => match ready!(file.poll_flight(cx)) {
                    Some((_, Ok(Answer::Sought { after, .. }))) => return Poll::Ready(Ok(after)),
                    Some((_, Err(error))) => return Poll::Ready(Err(file.failed("seek in", error))),
                    _ => {}
                },
                Some(_) => ready!(file.poll_landed(cx)),
            }
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Some((_, job)) = self.flight.take()
            && !self.desk.withdraw()
        {
            self.desk.adopt(job);
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.flight.as_ref().map(|(kind, _)| kind);
        f.debug_struct("File").field("path", &self.desk.path).field("under_way", &under_way).finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for File {
    /// The descriptor. Its cursor is not where this file has it while something is under way.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.desk.file.as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsHandle for File {
    /// The handle. Its cursor is not where this file has it while something is under way.
    fn as_handle(&self) -> std::os::windows::io::BorrowedHandle<'_> {
        self.desk.file.as_handle()
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests;
