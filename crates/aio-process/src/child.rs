//! A child process.

use std::fmt;
use std::io;
use std::process::{ExitStatus, Output};
use std::time::Duration;

use aio_timer::timeout;

use crate::communicate::{Until, communicate};
use crate::process::Process;
use crate::sys::Signal;
use crate::{ChildStderr, ChildStdin, ChildStdout};

/// A child process, which [`Command::spawn`](crate::Command::spawn) has started.
///
/// Dropping it lets the process go on, or kills it, as [`kill_on_drop`](crate::Command::kill_on_drop) says. When it
/// ends it is reaped in any case: no zombie is left.
///
/// Who waits and who signals need not be the same: all take `&self`.
///
/// ```
/// # #[cfg(unix)]
/// aio_core::block_on(async {
///     use aio_process::Command;
///     use std::os::unix::process::ExitStatusExt;
///
///     let child = Command::new("sleep").arg("1000").spawn()?;
///     assert_eq!(child.try_wait()?, None);
///     child.terminate()?;
///     assert_eq!(child.wait().await?.signal(), Some(15));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct Child {
    /// What it reads from, if that is [piped](std::process::Stdio::piped). To be taken out to be dropped.
    pub stdin: Option<ChildStdin>,
    /// What it writes its output to, if that is piped.
    pub stdout: Option<ChildStdout>,
    /// What it writes its errors to, if that is piped.
    pub stderr: Option<ChildStderr>,
    pub(crate) process: Process,
}

impl Child {
    /// Its number, with which the system calls it. Once its end has been seen, this may be the number of another.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the process has ended, whoever still holds its pipes. It may be called again, and by several at the
    /// same time.
    ///
    /// It leaves [`stdin`](Self::stdin) open: a child that reads it to its end wants it dropped before. And somebody
    /// has to read what is piped: a child that nobody listens to stops when 64 KiB or so are under way.
    /// [`communicate`](Self::communicate) sees to both.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect on the process, which may be waited for again.
    ///
    /// # Errors
    /// If somebody else has waited for the process, or if this program ignores `SIGCHLD`, so that the system forgets
    /// how its children have ended; and if there is neither a descriptor nor a thread to wait with: the next call tries
    /// again.
    pub async fn wait(&self) -> io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// How the process has ended, or `None` if it runs.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Sends the process a signal: its number, or a `Signal` of `aio-signal`.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// aio_core::block_on(async {
    ///     use aio_process::Command;
    ///
    ///     let child = Command::new("sleep").arg("1000").spawn()?;
    ///     child.signal(1)?;
    ///     assert_eq!(aio_process::returncode(child.wait().await?), -1);
    ///     assert_eq!(child.signal(1).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if its end has been seen, or if there is no such signal; `PermissionDenied` if it has become
    /// another user's.
    #[cfg(unix)]
    pub fn signal(&self, signal: impl Into<i32>) -> io::Result<()> {
        self.process.signal(crate::group::signal_of(signal.into())?)
    }

    /// Asks the process to end: `SIGTERM`. On Windows the same as [`kill`](Self::kill).
    ///
    /// # Errors
    /// As [`kill`](Self::kill).
    pub fn terminate(&self) -> io::Result<()> {
        self.process.signal(Signal::TERM)
    }

    /// Ends the process: `SIGKILL`. [`wait`](Self::wait) tells when that is done.
    ///
    /// # Errors
    /// `InvalidInput` if its end has been seen; `PermissionDenied` if it has become another user's.
    pub fn kill(&self) -> io::Result<()> {
        self.process.signal(Signal::KILL)
    }

    /// [`terminate`](Self::terminate)s the process, and waits; if it has not ended after `grace`, [`kill`](Self::kill)s
    /// it, and waits. For one that has ended already, this is [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// It was asked to end, and nobody kills it. In a cleanup, which is not cancelled, it belongs into
    /// [`defer`](aio_core::defer):
    ///
    /// ```
    /// # #[cfg(unix)]
    /// aio_core::block_on(async {
    ///     use aio_core::defer;
    ///     use aio_process::{Child, Command};
    ///     use std::time::Duration;
    ///
    ///     let child = Command::new("sleep").arg("1000").spawn()?;
    ///     let child = defer(child, async |child: Child| {
    ///         child.terminate_then_kill(Duration::from_secs(5)).await.expect("it was ours to end");
    ///     });
    ///     assert_eq!(child.try_wait()?, None);
    ///     child.run().await;
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`kill`](Self::kill) and [`wait`](Self::wait).
    pub async fn terminate_then_kill(&self, grace: Duration) -> io::Result<ExitStatus> {
        self.end(grace, |signal| self.process.signal(signal)).await
    }

    pub(crate) async fn end(&self, grace: Duration, send: impl Fn(Signal) -> io::Result<()>) -> io::Result<ExitStatus> {
        // It may have ended, and there is nobody to signal, or (on macOS) a zombie that may not be: no reason for an
        // error, as `wait` tells how it ended.
        let send = |signal| match send(signal) {
            Err(error) if matches!(self.try_wait(), Ok(None)) => Err(error),
            _ => Ok(()),
        };
        send(Signal::TERM)?;
        if let Ok(ended) = timeout(grace, self.wait()).await {
            return ended;
        }
        send(Signal::KILL)?;
        self.wait().await
    }

    /// Writes `input` to the process, closes its input, collects all that it writes, and waits until it has ended.
    ///
    /// All at the same time, so that neither side can be stopped by a full pipe. A process that does not read all of
    /// `input` is not an error. What is not piped is not written, and not collected.
    ///
    /// What the process has started and left behind may hold its pipes open: then this waits for it, too.
    /// [`output_until_exit`](Self::output_until_exit) does not.
    ///
    /// # Cancel safety
    /// Dropping the future drops the child, and loses what was collected. With a time limit:
    ///
    /// ```
    /// # #[cfg(unix)]
    /// aio_core::block_on(async {
    ///     use aio_process::{Command, Stdio};
    ///     use aio_timer::timeout;
    ///     use std::time::Duration;
    ///
    ///     let child = Command::new("sleep").arg("1000").kill_on_drop(true).stdout(Stdio::piped()).spawn()?;
    ///     assert!(timeout(Duration::from_millis(10), child.communicate("")).await.is_err());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of its pipes, and of [`wait`](Self::wait).
    pub async fn communicate(self, input: impl AsRef<[u8]>) -> io::Result<Output> {
        communicate(self, input.as_ref(), Until::Silence).await
    }

    /// Closes the input of the process, waits until it has ended, and collects what it has written until then. What it
    /// has started may go on, and hold its pipes.
    ///
    /// On Windows, where nobody can tell what is in a pipe, it is what comes within 0.2 seconds.
    ///
    /// # Cancel safety
    /// As [`communicate`](Self::communicate).
    ///
    /// # Errors
    /// As [`communicate`](Self::communicate).
    pub async fn output_until_exit(self) -> io::Result<Output> {
        communicate(self, &[], Until::Exit).await
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("process", &self.process)
            .finish()
    }
}
