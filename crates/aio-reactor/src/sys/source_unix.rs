//! On Unix, anything with a file descriptor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// What the system can tell about: a file descriptor, on Windows a socket.
pub trait AsSource: AsFd {}

impl<T: AsFd> AsSource for T {}

pub(crate) type Borrowed<'a> = BorrowedFd<'a>;

pub(crate) fn borrow(source: &impl AsSource) -> Borrowed<'_> {
    source.as_fd()
}

pub(crate) fn set_nonblocking(source: &impl AsSource) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(source, true)?)
}
