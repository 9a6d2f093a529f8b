//! Unix.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus};
use std::task::{Context, Poll};

use aio_reactor::Async;
use rustix::io::Errno;
use rustix::process::{Pid, kill_process, kill_process_group};

use super::Pidfd;
use crate::watch::{Blocker, Reap};

pub(crate) use rustix::process::Signal;

/// What runs `line`.
pub(crate) fn shell(line: &std::ffi::OsStr) -> Command {
    let mut command = Command::new(if cfg!(target_os = "android") { "/system/bin/sh" } else { "/bin/sh" });
    command.arg("-c").arg(line);
    command
}

/// A process that has not been reaped, as far as we know. So its number is its own, unless somebody else waits for
/// children that are not his.
pub(crate) struct System {
    child: std::process::Child,
    pid: Pid,
    /// Whether what is left of its group is killed before it is reaped: after that, the number may be another group's.
    sweeps_group: bool,
}

impl System {
    pub(crate) fn new(child: std::process::Child) -> Self {
        Self { pid: Pid::from_child(&child), child, sweeps_group: false }
    }

    pub(crate) fn signal(&mut self, pidfd: Option<&Pidfd>, signal: Signal) -> io::Result<()> {
        // The descriptor knows it if somebody else has reaped the process.
        let sent = match pidfd {
            Some(pidfd) => pidfd.signal(signal),
            None => kill_process(self.pid, signal),
        };
        sent.map_err(ended)
    }

    pub(crate) fn signal_group(&mut self, signal: Signal) -> io::Result<()> {
        kill_process_group(self.pid, signal).map_err(ended)
    }

    pub(crate) fn sweep_group(&mut self) {
        self.sweeps_group = true;
    }
}

/// The error that says that it has ended is the same for all.
fn ended(error: Errno) -> io::Error {
    match error {
        Errno::SRCH => io::Error::new(io::ErrorKind::InvalidInput, "it has ended"),
        error => error.into(),
    }
}

impl Reap for System {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.sweeps_group && wait_without_reaping(self.pid, false).is_ok_and(|has_ended| has_ended) {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        self.child.try_wait().map_err(|error| {
            if error.raw_os_error() != Some(Errno::CHILD.raw_os_error()) {
                return error;
            }
            let why = "somebody else has waited for it, or the program ignores the signal SIGCHLD";
            io::Error::new(error.kind(), format!("{error}: {why}"))
        })
    }

    fn blocker(&self) -> Blocker {
        let pid = self.pid;
        Box::new(move || wait_without_reaping(pid, true).map(|_| ()))
    }
}

/// Whether it has ended; if it `blocks`, once it has.
#[cfg(not(any(target_os = "openbsd", target_os = "redox", target_os = "horizon")))]
fn wait_without_reaping(pid: Pid, blocks: bool) -> io::Result<bool> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};

    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let options = if blocks { options } else { options | WaitIdOptions::NOHANG };
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Err(Errno::INTR) => {}
            result => return Ok(result?.is_some()),
        }
    }
}

/// These systems cannot.
#[cfg(any(target_os = "openbsd", target_os = "redox", target_os = "horizon"))]
fn wait_without_reaping(_: Pid, _: bool) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What the process writes to.
pub(crate) struct Reader(Async<File>);

impl Reader {
    pub(crate) fn new(pipe: impl Into<OwnedFd>) -> io::Result<Self> {
        Ok(Self(Async::new(File::from(pipe.into()))?))
    }

    // Not as a stream: a short read from a pipe of packets, which the process may make of it, does not say that there
    // is no more.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read_with(cx, |mut pipe| pipe.read(buffer))
    }

    pub(crate) fn poll_read_vectored(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read_with(cx, |mut pipe| pipe.read_vectored(buffers))
    }

    /// Appends what is in the pipe now, and no more: somebody may go on writing for ever.
    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub(crate) async fn drain(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let len = rustix::io::ioctl_fionread(self.0.get_ref())?;
        match self.0.get_ref().take(len).read_to_end(into) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result.map(|_| ()),
        }
    }

    pub(crate) fn into_blocking(self) -> io::Result<OwnedFd> {
        blocking(self.0.into_inner())
    }
}

/// What the process reads from.
pub(crate) struct Writer(Async<File>);

impl Writer {
    pub(crate) fn new(pipe: impl Into<OwnedFd>) -> io::Result<Self> {
        Ok(Self(Async::new(File::from(pipe.into()))?))
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write_with(cx, |mut pipe| pipe.write(buffer))
    }

    pub(crate) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_with(cx, |mut pipe| pipe.write_vectored(buffers))
    }

    pub(crate) fn into_blocking(self) -> io::Result<OwnedFd> {
        blocking(self.0.into_inner())
    }
}

/// As another program expects it.
fn blocking(pipe: File) -> io::Result<OwnedFd> {
    rustix::io::ioctl_fionbio(&pipe, false)?;
    Ok(pipe.into())
}
