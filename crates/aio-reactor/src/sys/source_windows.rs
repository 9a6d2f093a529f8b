//! On Windows, sockets.

use std::io;
use std::os::windows::io::{AsSocket, BorrowedSocket};

/// What the system can tell about: a file descriptor, on Windows a socket.
pub trait AsSource: AsSocket {}

impl<T: AsSocket> AsSource for T {}

pub(crate) type Borrowed<'a> = BorrowedSocket<'a>;

pub(crate) fn borrow(source: &impl AsSource) -> Borrowed<'_> {
    source.as_socket()
}

pub(crate) fn set_nonblocking(source: &impl AsSource) -> io::Result<()> {
    socket2::SockRef::from(source).set_nonblocking(true)
}
