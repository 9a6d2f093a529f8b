//! The process that a `Child` stands for.

use std::fmt;
use std::io::{self, ErrorKind};
use std::process::ExitStatus;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_timer::sleep;

use crate::attempted;
use crate::reaper::Reaper;
use crate::sys::{Pidfd, Signal, System};
use crate::watch::Watch;

/// How long the reaper waits before it tries again what the system had nothing to do with.
const PAUSE: Duration = Duration::from_secs(1);

/// The owner of a process. When it is dropped, the reaper takes over.
pub(crate) struct Process {
    id: u32,
    watch: Arc<Watch<System>>,
    /// What the loop waits for; without it a thread does.
    pidfd: Option<Pidfd>,
    pub(crate) leads_group: bool,
    pub(crate) kill_on_drop: bool,
}

/// How to wait for a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum WaitBy {
    /// A descriptor if there is one to be had, a thread if not.
    #[default]
    Best,
    Thread,
}

impl Process {
    pub(crate) fn new(child: std::process::Child, wait_by: WaitBy) -> Self {
        let id = child.id();
        // Nobody but us reaps it, so that its number is its own until then.
        let pidfd = if wait_by == WaitBy::Thread { None } else { Pidfd::open(&child) };
        Self { id, watch: Watch::new(System::new(child)), pidfd, leads_group: false, kill_on_drop: false }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.watch.try_wait().map_err(attempted(format_args!("wait for process {}", self.id)))
    }

    pub(crate) async fn wait(&self) -> io::Result<ExitStatus> {
        // What has been seen is told at once, also if the loop does not know yet.
        if let Some(pidfd) = self.pidfd.as_ref().filter(|_| self.is_running()) {
            let ended = pidfd.wait(|| self.try_wait()).await;
            if ended.is_ok() || !self.is_running() {
                return ended;
            }
            // The system can tell nothing more about descriptors just now: not for want of a process.
        }
        self.watch.wait().await.map_err(attempted(format_args!("wait for process {}", self.id)))
    }

    /// Whether its end is still to be seen.
    pub(crate) fn is_running(&self) -> bool {
        self.watch.with_running(|_| ()).is_some()
    }

    /// Sends it to the process.
    ///
    /// # Errors
    /// `InvalidInput` if the end has been seen.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let sent = self.watch.with_running(|process| process.signal(self.pidfd.as_ref(), signal));
        self.told(sent, format_args!("signal process {}", self.id))
    }

    /// Sends it to all that are in the group of the process.
    #[cfg(unix)]
    pub(crate) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        let sent = self.watch.with_running(|process| process.signal_group(signal));
        self.told(sent, format_args!("signal the group of process {}", self.id))
    }

    /// Kills what is left of the group when the process has ended.
    #[cfg(unix)]
    pub(crate) fn sweep_group(&self) {
        self.watch.with_running(System::sweep_group);
    }

    fn told(&self, sent: Option<io::Result<()>>, what: fmt::Arguments<'_>) -> io::Result<()> {
        let ended = || io::Error::new(ErrorKind::InvalidInput, "it has ended");
        sent.unwrap_or_else(|| Err(ended())).map_err(attempted(what))
    }

    /// Sends it to the process, or to its group if it leads one; nobody is there to be told of an error.
    fn kill_all(&self) {
        #[cfg(unix)]
        if self.leads_group {
            let _ = self.signal_group(Signal::KILL);
            return;
        }
        let _ = self.signal(Signal::KILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.kill_on_drop {
            self.kill_all();
        }
        if self.watch.abandon() {
            let orphan = Self {
                id: self.id,
                watch: self.watch.clone(),
                // Not bound to a loop any more, which may stand still, or end.
                pidfd: self.pidfd.take().map(Pidfd::unbound),
                leads_group: false,
                kill_on_drop: false,
            };
            Reaper::of_process().adopt(Box::pin(orphan.reaped()));
        }
    }
}

impl Process {
    /// Waits until it has been reaped, by us or by somebody else.
    async fn reaped(self) {
        while self.wait().await.is_err() && self.is_running() {
            sleep(PAUSE).await;
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits_by = if self.pidfd.is_some() { "descriptor" } else { "thread" };
        f.debug_struct("Process")
            .field("id", &self.id)
            .field("is_running", &self.is_running())
            .field("waits_by", &waits_by)
            .field("leads_group", &self.leads_group)
            .field("kill_on_drop", &self.kill_on_drop)
            .finish()
    }
}
