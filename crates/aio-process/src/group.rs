//! A child with all that it has started.

use std::io::{self, ErrorKind};
use std::process::ExitStatus;
use std::time::Duration;

use crate::Child;
use crate::sys::Signal;

/// The process group that a child leads: the child, and what it and its children have started, unless they have left.
///
/// A child leads one if its command said [`process_group(0)`](crate::Command::process_group) or
/// [`new_session`](crate::Command::new_session). Once the end of the child has been seen, the group can no longer be
/// signalled: its number may be another's.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    child: &'a Child,
}

impl Child {
    /// The group that it leads.
    ///
    /// # Errors
    /// `InvalidInput` if it leads none: it is in ours, or in that of somebody else.
    pub fn group(&self) -> io::Result<Group<'_>> {
        if self.process.leads_group {
            return Ok(Group { child: self });
        }
        let text = format!("process {} leads no group: start it with `process_group(0)` or `new_session`", self.id());
        Err(io::Error::new(ErrorKind::InvalidInput, text))
    }
}

impl Group<'_> {
    /// [`Child::signal`] for each.
    ///
    /// # Errors
    /// As [`Child::signal`]. One that could be sent it is enough.
    pub fn signal(&self, signal: impl Into<i32>) -> io::Result<()> {
        self.child.process.signal_group(signal_of(signal.into())?)
    }

    /// [`Child::terminate`] for each.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn terminate(&self) -> io::Result<()> {
        self.child.process.signal_group(Signal::TERM)
    }

    /// [`Child::kill`] for each.
    ///
    /// # Errors
    /// As [`signal`](Self::signal).
    pub fn kill(&self) -> io::Result<()> {
        self.child.process.signal_group(Signal::KILL)
    }

    /// Waits until the child has ended, and kills what is left of the group. (Not on OpenBSD, where no system call
    /// tells of its end while it still has its number.)
    ///
    /// # Cancel safety
    /// The child runs on. What is left when it has ended is killed, also if nobody waits then.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub async fn wait_then_kill(&self) -> io::Result<ExitStatus> {
        self.child.process.sweep_group();
        self.child.wait().await
    }

    /// Asks all of them to end, and kills those that are left when the child has ended, or after `grace`. Returns how
    /// the child has ended. (On OpenBSD, those that outlive the child are left alone, as by
    /// [`wait_then_kill`](Self::wait_then_kill).)
    ///
    /// # Cancel safety
    /// They were asked to end. Nobody kills the child, but what is left when it has ended is killed.
    ///
    /// # Errors
    /// As [`Child::terminate_then_kill`].
    pub async fn terminate_then_kill(&self, grace: Duration) -> io::Result<ExitStatus> {
        self.child.process.sweep_group();
        self.child.end(grace, |signal| self.child.process.signal_group(signal)).await
    }
}

/// The signal of that number.
pub(crate) fn signal_of(number: i32) -> io::Result<Signal> {
    Signal::from_named_raw(number).or_else(|| real_time(number)).ok_or_else(|| {
        let text = format!("failed to signal a process: {number} is not the number of a signal");
        io::Error::new(ErrorKind::InvalidInput, text)
    })
}

/// Linux has signals without a name, of which the C library keeps the first few for itself.
fn real_time(number: i32) -> Option<Signal> {
    let first = match () {
        () if cfg!(target_os = "android") => 41,
        () if cfg!(target_env = "musl") => 35,
        () => 34,
    };
    let is_free = cfg!(any(target_os = "linux", target_os = "android")) && (first..=64).contains(&number);
    // SAFETY: it asks for the number of a signal that libc does not keep for itself: glibc has 32 and 33, musl 34 too,
    // and bionic those up to 40. (It is sent to other programs only, whose handlers are theirs.)
    is_free.then(|| unsafe { Signal::from_raw_unchecked(number) })
}
