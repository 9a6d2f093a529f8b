//! Anything with a descriptor, awaited.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::{Context, Poll, ready};

use aio_base::footprint::touch_system;
use aio_base::waits::{self, Note, Place};
use futures_io::{AsyncRead, AsyncWrite};

use crate::current;
use crate::operation::{Operation, Ready};
use crate::poller::Poller;
use crate::readiness::{Direction, Seen};
use crate::source::Source;
use crate::sys::{self, AsSource, Selector};
use crate::waiters::Waiter;

/// A socket, a pipe, or anything else with a descriptor that does not block, whose operations are awaited.
///
/// It is for what the system can tell about: sockets, pipes, terminals, what Linux calls event, timer and signal
/// descriptors, and the libraries that hand out one of these. Not for files: their descriptors never say that an
/// operation would block, and block.
///
/// ```
/// use aio_reactor::Async;
/// use std::net::TcpListener;
///
/// # futures_lite::future::block_on(async {
/// let listener = Async::new(TcpListener::bind("127.0.0.1:0")?)?;
/// let _client = std::net::TcpStream::connect(listener.get_ref().local_addr()?)?;
/// let (_stream, peer) = listener.read_with(|listener| listener.accept()).await?;
/// assert!(peer.ip().is_loopback());
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
///
/// [`read_with`](Self::read_with) and [`write_with`](Self::write_with) may be awaited by any number of tasks at the
/// same time. Of those who use the `poll` functions and the traits `AsyncRead` and `AsyncWrite`, one in each direction
/// is woken: the last that polled.
///
/// Dropping it closes the descriptor, after the loop was told: a descriptor of the same number that is opened then is
/// another one.
pub struct Async<T: AsSource> {
    source: Arc<Source>,
    /// Until it is dropped.
    io: ManuallyDrop<T>,
}

impl<T: AsSource> Async<T> {
    /// Takes over `io`, and has the system make it non-blocking.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn new(io: T) -> io::Result<Self> {
        sys::set_nonblocking(&io)?;
        Ok(Self::from_nonblocking(io))
    }

    /// Takes over `io`, which must be non-blocking already: otherwise an operation stops the whole loop.
    pub fn from_nonblocking(io: T) -> Self {
        touch_system();
        Self { source: Source::new(), io: ManuallyDrop::new(io) }
    }

    /// What it is about. To read from it or write to it here is allowed; who waits is not disturbed.
    #[inline]
    pub fn get_ref(&self) -> &T {
        touch_system();
        &self.io
    }

    /// Takes it apart. The descriptor stays non-blocking.
    pub fn into_inner(self) -> T {
        self.unbind();
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped, and neither field is used again: each is moved out once.
        unsafe {
            std::ptr::drop_in_place(&mut this.source);
            ManuallyDrop::take(&mut this.io)
        }
    }

    /// Waits until it is worth a try to read (or to accept, or to receive): there is something, an end or an error.
    ///
    /// It asks the system, so it may also be used beside reads that this type knows nothing of. By the time that it is
    /// ready somebody else may have been faster, so the operation that follows must not block.
    /// [`read_with`](Self::read_with) does both, and takes one system call less.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// If the system cannot tell about this descriptor, or has no memory for it.
    pub fn readable(&self) -> Ready<'_, T> {
        Ready::new(self, Direction::Read)
    }

    /// Waits until it is worth a try to write; in everything else like [`readable`](Self::readable).
    pub fn writable(&self) -> Ready<'_, T> {
        Ready::new(self, Direction::Write)
    }

    /// Calls `operation` until it does not say [`WouldBlock`](ErrorKind::WouldBlock), and waits in between. What was
    /// interrupted by a signal is called again.
    ///
    /// # Cancel safety
    /// What `operation` did not do has not happened: nothing is lost if the future is dropped.
    ///
    /// # Fairness
    /// Of several that wait, all are woken, and the first to run has it.
    ///
    /// # Errors
    /// Those of `operation`; and if the system cannot tell about this descriptor, or has no memory for it.
    pub fn read_with<R, F>(&self, operation: F) -> Operation<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        Operation::new(self, Direction::Read, operation)
    }

    /// [`read_with`](Self::read_with) for what waits for room, or for a connection.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    pub fn write_with<R, F>(&self, operation: F) -> Operation<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        Operation::new(self, Direction::Write, operation)
    }

    /// [`read_with`](Self::read_with) as a `poll` function: the last that polled is woken.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    #[inline]
    pub fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = ready!(self.poll_ready(Direction::Read, Waiter::Poller, cx))?;
            if let Some(result) = self.attempt(Direction::Read, seen, &mut operation) {
                return Poll::Ready(result);
            }
        }
    }

    /// [`write_with`](Self::write_with) as a `poll` function: the last that polled is woken.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    #[inline]
    pub fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = ready!(self.poll_ready(Direction::Write, Waiter::Poller, cx))?;
            if let Some(result) = self.attempt(Direction::Write, seen, &mut operation) {
                return Poll::Ready(result);
            }
        }
    }

    /// [`poll_read_with`](Self::poll_read_with) for a stream of bytes (a stream socket, a pipe), from which `operation`
    /// reads at most `len`: when it reads fewer, there is no more, and the next one waits without another try. On
    /// anything else a short read says nothing, and what is left would wait for ever.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    #[inline]
    pub fn poll_read_stream(
        &self,
        cx: &mut Context<'_>,
        len: usize,
        operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.poll_stream(Direction::Read, cx, len, operation)
    }

    /// [`poll_write_with`](Self::poll_write_with) for a stream of bytes, to which `operation` writes at most `len`:
    /// when it writes fewer, there is no more room; as [`poll_read_stream`](Self::poll_read_stream).
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    #[inline]
    pub fn poll_write_stream(
        &self,
        cx: &mut Context<'_>,
        len: usize,
        operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.poll_stream(Direction::Write, cx, len, operation)
    }

    #[inline]
    fn poll_stream(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        len: usize,
        mut operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let seen = ready!(self.poll_ready(direction, Waiter::Poller, cx))?;
            if let Some(result) = self.attempt(direction, seen, &mut operation) {
                if Selector::TELLS_ENDS
                    && let Ok(n) = result
                    && 0 < n
                    && n < len
                {
                    self.source.readiness().clear_ready(seen, direction);
                }
                return Poll::Ready(result);
            }
        }
    }

    /// Tries once; `None` if it would block.
    #[inline]
    pub(crate) fn attempt<R>(
        &self,
        direction: Direction,
        seen: Seen,
        operation: &mut impl FnMut(&T) -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        loop {
            match operation(&self.io) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.source.readiness().clear(seen, direction);
                    return None;
                }
                result => return Some(result),
            }
        }
    }

    #[inline]
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        waiter: Waiter<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Seen>> {
        // Of futures there may be several. (One that is moved is forgotten when its task is polled again.)
        let place = match &waiter {
            Waiter::Poller => Place::of(&*self.source).side(direction as u8),
            Waiter::Future(place) => Place::of(&**place),
        };
        let poll = self.source.poll_ready(direction, waiter, cx, || self.bind());
        if poll.is_pending() {
            let detail = if direction == Direction::Read { "to read" } else { "to write" };
            waits::poll_at(place, || Note::of_type::<T>().which(&*self.source).to(detail));
        } else {
            waits::end_at(place);
        }
        if Selector::IS_ONESHOT && poll.is_pending() {
            self.source.arm(direction, |poller, key, directions| {
                poller.make_selector()?.arm(sys::borrow(&*self.io), key, directions)
            })?;
        }
        poll
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    #[cold]
    fn bind(&self) -> io::Result<()> {
        let add = |poller: &Poller, key| poller.make_selector()?.add(sys::borrow(&*self.io), key);
        self.source.bind(current::poller, add, |poller| self.delete(poller))
    }

    fn unbind(&self) {
        self.source.unbind(|poller| self.delete(poller));
    }

    fn delete(&self, poller: &Poller) {
        if let Some(selector) = poller.selector() {
            // It can only fail if the descriptor is not what it was, and then there is nothing to take away.
            let _ = selector.delete(sys::borrow(&*self.io));
        }
    }
}

impl<T: AsSource> Drop for Async<T> {
    fn drop(&mut self) {
        self.unbind();
        // SAFETY: it is not used again, and `into_inner`, which takes it out, does not come here.
        unsafe { ManuallyDrop::drop(&mut self.io) };
    }
}

impl<T: AsSource> AsyncRead for &Async<T>
where
    for<'a> &'a T: Read,
{
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_with(cx, |mut io| io.read(buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_with(cx, |mut io| io.read_vectored(buffers))
    }
}

/// Not for streams that have to be shut down: [`poll_close`](AsyncWrite::poll_close) only flushes.
impl<T: AsSource> AsyncWrite for &Async<T>
where
    for<'a> &'a T: Write,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut io| io.write(buffer))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |mut io| io.write_vectored(buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_write_with(cx, |mut io| io.flush())
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<T: AsSource> AsyncRead for Async<T>
where
    for<'a> &'a T: Read,
{
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_read_vectored(cx, buffers)
    }
}

/// Not for streams that have to be shut down: [`poll_close`](AsyncWrite::poll_close) only flushes.
impl<T: AsSource> AsyncWrite for Async<T>
where
    for<'a> &'a T: Write,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write_vectored(cx, buffers)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_close(cx)
    }
}

/// Nothing in it is pinned.
impl<T: AsSource> Unpin for Async<T> {}

impl<T: AsSource + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Async").field("io", &*self.io).field("source", &self.source).finish()
    }
}
