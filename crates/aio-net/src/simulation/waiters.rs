//! Those who wait for a simulated socket.

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::waits::{self, Note, Place};
use aio_base::{Panics, WakerKey, WakerSet, WakerSlot};

use super::{Direction, Socket};

/// Those who wait for one direction of a socket.
#[derive(Default)]
pub struct Waiters {
    /// Each in a future of its own.
    futures: WakerSet,
    /// The last one that polled.
    poller: WakerSlot,
}

impl Waiters {
    /// Without anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes all: they look again. To be called without a lock, since wakers are strangers.
    ///
    /// # Panics
    /// If a waker panics; the others are woken nevertheless.
    pub fn wake_all(&self) {
        let mut panics = Panics::new();
        panics.catch(|| self.poller.wake());
        panics.catch(|| self.futures.wake_all());
        panics.resume();
    }

    /// One attempt of a poller. Of several, the last is woken.
    pub(super) fn poll<R>(
        &self,
        what: &'static str,
        cx: &Context<'_>,
        mut attempt: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let outcome = unless_it_would_block(attempt()).or_else(|| {
            self.poller.register(cx.waker());
            // What came before it was registered has woken nobody.
            unless_it_would_block(attempt())
        });
        match outcome {
            Some(outcome) => {
                waits::end_at(Place::of(&self.poller));
                Poll::Ready(outcome)
            }
            None => {
                // A poller has no destructor that would say that it waits no more.
                waits::poll_at(Place::of(&self.poller), || Note::new(what).which(self));
                Poll::Pending
            }
        }
    }
}

impl Drop for Waiters {
    fn drop(&mut self) {
        waits::end_at(Place::of(&self.poller));
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Waiters { .. }")
    }
}

/// Repeats an operation until it need not wait.
pub(crate) struct Wait<'a, S: Socket + ?Sized, F> {
    socket: &'a S,
    direction: Direction,
    what: &'static str,
    key: WakerKey,
    operation: F,
}

impl<'a, S: Socket + ?Sized, F> Wait<'a, S, F> {
    pub(super) fn new(socket: &'a S, direction: Direction, what: &'static str, operation: F) -> Self {
        Self { socket, direction, what, key: WakerKey::default(), operation }
    }
}

impl<S, F, R> Future for Wait<'_, S, F>
where
    S: Socket + ?Sized,
    F: FnMut(&S) -> io::Result<R> + Unpin,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let Self { socket, direction, what, key, operation } = &mut *self;
        let waiters = socket.waiters(*direction);
        let outcome = unless_it_would_block(operation(socket)).or_else(|| {
            waiters.futures.register(key, cx.waker());
            unless_it_would_block(operation(socket))
        });
        match outcome {
            Some(outcome) => {
                waiters.futures.remove(key);
                waits::end(key);
                Poll::Ready(outcome)
            }
            None => {
                waits::begin(key, waiters, what, "");
                Poll::Pending
            }
        }
    }
}

impl<S: Socket + ?Sized, F> Drop for Wait<'_, S, F> {
    fn drop(&mut self) {
        self.socket.waiters(self.direction).futures.remove(&mut self.key);
        waits::end(&self.key);
    }
}

fn unless_it_would_block<R>(result: io::Result<R>) -> Option<io::Result<R>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) if error.kind() == ErrorKind::Interrupted => None,
        result => Some(result),
    }
}
