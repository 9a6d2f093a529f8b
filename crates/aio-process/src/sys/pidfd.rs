//! Linux: a descriptor for a process, which is readable when that has ended.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::{Child, ExitStatus};

use aio_base::waits;
use aio_reactor::Async;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use super::Signal;

pub(crate) struct Pidfd(Async<OwnedFd>);

impl Pidfd {
    /// None, if the kernel is older than 5.3 or forbids it, or has no descriptor left.
    pub(crate) fn open(child: &Child) -> Option<Self> {
        let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()?;
        // Non-blocking or not, it is never read from.
        Some(Self(Async::from_nonblocking(pidfd)))
    }

    /// Calls `look` until it tells the end, whenever there may be one.
    pub(crate) async fn wait(&self, look: impl Fn() -> io::Result<Option<ExitStatus>>) -> io::Result<ExitStatus> {
        let mut ended = self.0.read_with(|_| look()?.ok_or_else(|| ErrorKind::WouldBlock.into()));
        poll_fn(|cx| {
            let poll = Pin::new(&mut ended).poll(cx);
            if poll.is_pending() {
                // Nobody knows of the descriptor.
                waits::called("a child process");
            }
            poll
        })
        .await
    }

    pub(crate) fn signal(&self, signal: Signal) -> rustix::io::Result<()> {
        pidfd_send_signal(self.0.get_ref(), signal)
    }

    /// As it was before anybody waited.
    pub(crate) fn unbound(self) -> Self {
        Self(Async::from_nonblocking(self.0.into_inner()))
    }
}
