//! What is awaited of a descriptor, by any number of tasks.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::waits;

use crate::Async;
use crate::readiness::{Direction, Seen};
use crate::sys::{self, AsSource};
use crate::waiters::{Place, Waiter};

/// One of those who wait.
struct Wait<'a, T: AsSource> {
    io: &'a Async<T>,
    direction: Direction,
    place: Place,
}

impl<T: AsSource> Wait<'_, T> {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Seen>> {
        self.io.poll_ready(self.direction, Waiter::Future(&mut self.place), cx)
    }
}

impl<T: AsSource> Drop for Wait<'_, T> {
    #[inline]
    fn drop(&mut self) {
        waits::end_at(waits::Place::of(&self.place));
        self.io.source().unregister(self.direction, &mut self.place);
    }
}

/// The future of [`Async::readable`] and [`Async::writable`].
#[must_use = "futures do nothing unless awaited"]
pub struct Ready<'a, T: AsSource>(Wait<'a, T>);

impl<'a, T: AsSource> Ready<'a, T> {
    pub(crate) fn new(io: &'a Async<T>, direction: Direction) -> Self {
        Self(Wait { io, direction, place: Place::default() })
    }
}

impl<T: AsSource> Future for Ready<'_, T> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wait = &mut self.0;
        loop {
            let seen = ready!(wait.poll_ready(cx))?;
            // What is remembered may be from before somebody else read or wrote, past this type.
            if sys::is_ready(wait.io.get_ref(), wait.direction)? {
                return Poll::Ready(Ok(()));
            }
            wait.io.source().readiness().clear(seen, wait.direction);
        }
    }
}

/// The future of [`Async::read_with`] and [`Async::write_with`].
#[must_use = "futures do nothing unless awaited"]
pub struct Operation<'a, T: AsSource, F> {
    wait: Wait<'a, T>,
    operation: F,
}

impl<'a, T: AsSource, F> Operation<'a, T, F> {
    #[inline]
    pub(crate) fn new(io: &'a Async<T>, direction: Direction, operation: F) -> Self {
        Self { wait: Wait { io, direction, place: Place::default() }, operation }
    }
}

impl<T: AsSource, F, R> Future for Operation<'_, T, F>
where
    F: FnMut(&T) -> io::Result<R>,
{
    type Output = io::Result<R>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let Self { wait, operation } = &mut *self;
        loop {
            let seen = ready!(wait.poll_ready(cx))?;
            if let Some(result) = wait.io.attempt(wait.direction, seen, operation) {
                return Poll::Ready(result);
            }
        }
    }
}

/// The closure is called, not pinned.
impl<T: AsSource, F> Unpin for Operation<'_, T, F> {}

impl<T: AsSource> fmt::Debug for Wait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("direction", &self.direction).field("place", &self.place).finish_non_exhaustive()
    }
}

impl<T: AsSource> fmt::Debug for Ready<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.0).finish()
    }
}

impl<T: AsSource, F> fmt::Debug for Operation<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("wait", &self.wait).finish_non_exhaustive()
    }
}
