//! What differs from system to system: how it tells of events. One backend, one file, the same shape:
//!
//! - `Selector::new`; `add`, `delete`: a descriptor, once, for both directions;
//! - `wait`: for events, at most for a time, and no longer than until `notify`, which any thread may call, also before;
//! - `IS_ONESHOT`: whether it has to be asked anew after each event, for one direction or both, by `arm`;
//! - `TELLS_ENDS`: whether events say that nothing more will come. Only then does a short read say that there is no
//!   more.

#[cfg(all(any(target_os = "linux", target_os = "android"), not(aio_loom)))]
mod epoll;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(aio_loom)))]
use epoll as backend;

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android")), not(aio_loom)))]
mod kqueue;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android")), not(aio_loom)))]
use kqueue as backend;

#[cfg(all(windows, not(aio_loom)))]
mod windows;
#[cfg(all(windows, not(aio_loom)))]
use windows as backend;

/// A system that can only be notified, for the model checker.
#[cfg(aio_loom)]
mod model;
#[cfg(aio_loom)]
use model as backend;

#[cfg(unix)]
mod source_unix;
#[cfg(unix)]
pub use source_unix::AsSource;
#[cfg(unix)]
pub(crate) use source_unix::{Borrowed, borrow, set_nonblocking};

#[cfg(windows)]
mod source_windows;
#[cfg(windows)]
pub use source_windows::AsSource;
#[cfg(windows)]
pub(crate) use source_windows::{Borrowed, borrow, set_nonblocking};

pub(crate) use backend::{Events, Selector};

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::readiness::Direction;

/// Asks whether it is worth a try now.
pub(crate) fn is_ready(source: &impl AsSource, direction: Direction) -> io::Result<bool> {
    let flags = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    let mut source = [PollFd::from_borrowed_fd(borrow(source), flags)];
    loop {
        match poll(&mut source, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Err(Errno::INTR) => {}
            result => return Ok(result? > 0),
        }
    }
}
