//! A socket of a simulated network, as the types of this crate use it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll};

use aio_base::sync::Mutex;

use super::options::Options;
use super::waiters::Wait;
use super::{Direction, Socket};

pub(crate) struct Simulated<S: Socket + ?Sized> {
    pub(crate) socket: Box<S>,
    options: Mutex<Options>,
}

impl<S: Socket + ?Sized> Simulated<S> {
    pub(crate) fn new(socket: Box<S>) -> Self {
        Self { socket, options: Options::new() }
    }

    /// Repeats `operation` until it need not wait. Any number of tasks may do so.
    pub(crate) fn wait<F, R>(&self, direction: Direction, what: &'static str, operation: F) -> Wait<'_, S, F>
    where
        F: FnMut(&S) -> io::Result<R> + Unpin,
    {
        Wait::new(&self.socket, direction, what, operation)
    }

    /// The same for one who polls. Of several, the last is woken.
    pub(crate) fn poll<R>(
        &self,
        direction: Direction,
        what: &'static str,
        cx: &Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.socket.waiters(direction).poll(what, cx, || operation(&self.socket))
    }

    /// Waits until an operation need not.
    pub(crate) async fn ready(&self, direction: Direction, what: &'static str) -> io::Result<()> {
        let look = |socket: &S| if socket.is_ready(direction) { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) };
        self.wait(direction, what, look).await
    }

    /// Of what is set.
    pub(crate) fn option<R>(&self, look: impl FnOnce(&Options) -> R) -> io::Result<R> {
        Ok(look(&self.options.lock()))
    }

    pub(crate) fn keep(&self, change: impl FnOnce(&mut Options)) -> io::Result<()> {
        change(&mut self.options.lock());
        Ok(())
    }

    pub(crate) fn has_no_groups(&self) -> io::Result<()> {
        Err(io::Error::new(ErrorKind::Unsupported, "a simulated network has no groups"))
    }

    #[cold]
    #[track_caller]
    pub(crate) fn has_no_descriptor(&self) -> ! {
        panic!("{self:?} is simulated: there is no socket of the system (`aio_net::simulation`)")
    }
}

impl<S: Socket + ?Sized> fmt::Debug for Simulated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
