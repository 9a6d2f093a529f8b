//! A system without descriptors for processes.

use std::convert::Infallible;
use std::io;
use std::process::{Child, ExitStatus};

#[cfg(unix)]
use super::Signal;

pub(crate) struct Pidfd(Infallible);

impl Pidfd {
    pub(crate) fn open(_: &Child) -> Option<Self> {
        None
    }

    pub(crate) async fn wait(&self, _: impl Fn() -> io::Result<Option<ExitStatus>>) -> io::Result<ExitStatus> {
        match self.0 {}
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, _: Signal) -> rustix::io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn unbound(self) -> Self {
        self
    }
}
