//! What differs from system to system. The same shape in each file:
//!
//! - `System`: a process, reaped and signalled by its number (on Windows, its handle);
//! - `Signal`: those that can be sent, `TERM` and `KILL` among them;
//! - `Reader`, `Writer`: our ends of its pipes;
//! - `shell`: what runs a line of text;
//! - `Pidfd`: a descriptor for a process, where there are such.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as backend;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as backend;

#[cfg(target_os = "linux")]
mod pidfd;
#[cfg(not(target_os = "linux"))]
#[path = "sys/no_pidfd.rs"]
mod pidfd;

pub(crate) use backend::{Reader, Signal, System, Writer, shell};
pub(crate) use pidfd::Pidfd;
