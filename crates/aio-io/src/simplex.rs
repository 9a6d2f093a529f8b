//! A pipe in memory.

#[cfg(all(test, aio_loom))]
mod tests;

use std::fmt;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use aio_base::sync::{Arc, Mutex};
use aio_base::waits::{self, Note, Place};
use futures_io::{AsyncRead, AsyncWrite, IoSlice, IoSliceMut};

use crate::buffer::Buffer;

/// A pipe in memory: what is written to one end is read from the other. At most `capacity` bytes are under way; whoever
/// writes more waits.
///
/// # Panics
/// If the capacity is zero. A waker that panics does so in the read or write that wakes it, which was done.
#[track_caller]
pub fn simplex(capacity: usize) -> (SimplexReader, SimplexWriter) {
    assert!(capacity > 0, "a pipe without room lets nothing through");
    let pipe = Pipe { bytes: Buffer::new(), capacity, is_closed: false, reader: None, writer: None };
    let pipe = Arc::new(Mutex::new(pipe));
    (SimplexReader(pipe.clone()), SimplexWriter(pipe))
}

/// The end of [`simplex`] to read from. When it is dropped, writing fails with `BrokenPipe`.
pub struct SimplexReader(Arc<Mutex<Pipe>>);

/// The end of [`simplex`] to write to. When it is closed or dropped, the reader gets what is under way, and then the
/// end. Dropping it is no error for the reader.
pub struct SimplexWriter(Arc<Mutex<Pipe>>);

/// What both ends share. Each end has one owner, so one of each waits at most: the reader only while there is nothing,
/// and the writer only while there is no room.
struct Pipe {
    bytes: Buffer,
    capacity: usize,
    /// By either end.
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn room(&self) -> usize {
        self.capacity - self.bytes.len()
    }
}

/// Calls `attempt` under the lock, which gives the result and whom to wake for it. If it gives nothing, the waker of
/// `cx` goes into the place that `place` tells.
fn poll<T>(
    pipe: &Mutex<Pipe>,
    cx: &Context<'_>,
    place: impl Fn(&mut Pipe) -> &mut Option<Waker>,
    mut attempt: impl FnMut(&mut Pipe) -> Option<(T, Option<Waker>)>,
    waits: Waits,
) -> Poll<T> {
    let poll = poll_unnoted(pipe, cx, place, &mut attempt);
    waits.note(pipe, poll.is_pending());
    poll
}

fn poll_unnoted<T>(
    pipe: &Mutex<Pipe>,
    cx: &Context<'_>,
    place: impl Fn(&mut Pipe) -> &mut Option<Waker>,
    mut attempt: impl FnMut(&mut Pipe) -> Option<(T, Option<Waker>)>,
) -> Poll<T> {
    let mut waker = None;
    loop {
        let mut locked = pipe.lock();
        if let Some((result, other)) = attempt(&mut locked) {
            drop(locked);
            if let Some(other) = other {
                other.wake();
            }
            return Poll::Ready(result);
        }
        let slot = place(&mut locked);
        if slot.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        if let Some(waker) = waker.take() {
            let old = slot.replace(waker);
            drop(locked);
            drop(old);
            return Poll::Pending;
        }
        // Cloned without the lock, since that may run foreign code; what is attempted may be possible then.
        drop(locked);
        waker = Some(cx.waker().clone());
    }
}

/// What an end says in the table of who waits for what.
#[derive(Clone, Copy)]
enum Waits {
    ToRead,
    ToWrite,
}

impl Waits {
    #[inline]
    fn note(self, pipe: &Mutex<Pipe>, waits: bool) {
        let place = Place::of(pipe).side(self as u8);
        if waits {
            let detail = match self {
                Self::ToRead => "to read",
                Self::ToWrite => "to write",
            };
            waits::poll_at(place, || Note::new("simplex").which(pipe).to(detail));
        } else {
            waits::end_at(place);
        }
    }
}

/// Closes the pipe, and wakes who waits at the other end.
fn close(pipe: &Mutex<Pipe>, other: impl Fn(&mut Pipe) -> &mut Option<Waker>) {
    let waker = {
        let mut pipe = pipe.lock();
        pipe.is_closed = true;
        other(&mut pipe).take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl SimplexReader {
    fn poll_take(&self, cx: &Context<'_>, mut take: impl FnMut(&mut Buffer) -> usize) -> Poll<io::Result<usize>> {
        let attempt = |pipe: &mut Pipe| {
            if pipe.bytes.is_empty() && !pipe.is_closed {
                // Whoever waits may wait for long.
                pipe.bytes.rest();
                return None;
            }
            let n = take(&mut pipe.bytes);
            Some((n, if n > 0 { pipe.writer.take() } else { None }))
        };
        poll(&self.0, cx, |pipe| &mut pipe.reader, attempt, Waits::ToRead).map(Ok)
    }
}

impl AsyncRead for SimplexReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_take(cx, |bytes| bytes.take_into(buf))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_take(cx, |bytes| bufs.iter_mut().map(|buf| bytes.take_into(buf)).sum())
    }
}

impl SimplexWriter {
    fn poll_put(&self, cx: &Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let attempt = |pipe: &mut Pipe| {
            if pipe.is_closed {
                let message = "failed to write to a pipe in memory: it is closed";
                return Some((Err(io::Error::new(io::ErrorKind::BrokenPipe, message)), None));
            }
            if bufs.iter().all(|buf| buf.is_empty()) {
                return Some((Ok(0), None));
            }
            if pipe.room() == 0 {
                return None;
            }
            let before = pipe.bytes.len();
            for buf in bufs {
                let n = buf.len().min(pipe.room());
                pipe.bytes.push(&buf[..n]);
            }
            Some((Ok(pipe.bytes.len() - before), pipe.reader.take()))
        };
        poll(&self.0, cx, |pipe| &mut pipe.writer, attempt, Waits::ToWrite)
    }
}

impl AsyncWrite for SimplexWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_put(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_put(cx, bufs)
    }

    /// What is in the pipe can be read: there is nothing to wait for.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.0, |pipe| &mut pipe.reader);
        Poll::Ready(Ok(()))
    }
}

/// A future that was dropped has left its waker here, which would keep its task alive as long as the other end.
impl Drop for SimplexReader {
    fn drop(&mut self) {
        Waits::ToRead.note(&self.0, false);
        let (own, _bytes) = {
            let mut pipe = self.0.lock();
            (pipe.reader.take(), mem::replace(&mut pipe.bytes, Buffer::new()))
        };
        close(&self.0, |pipe| &mut pipe.writer);
        drop(own);
    }
}

/// As with the reader.
impl Drop for SimplexWriter {
    fn drop(&mut self) {
        Waits::ToWrite.note(&self.0, false);
        let own = self.0.lock().writer.take();
        close(&self.0, |pipe| &mut pipe.reader);
        drop(own);
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("bytes", &self.bytes.len())
            .field("capacity", &self.capacity)
            .field("is_closed", &self.is_closed)
            .finish()
    }
}

impl fmt::Debug for SimplexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimplexReader").field(&self.0.lock()).finish()
    }
}

impl fmt::Debug for SimplexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimplexWriter").field(&self.0.lock()).finish()
    }
}
