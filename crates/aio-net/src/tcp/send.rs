//! Sending several pieces at once, without the signal that ends a process whose peer is gone.

use std::io::{self, IoSlice};
use std::net::TcpStream;

/// The standard library sends one piece like this, but several by `writev`, which has no flags.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) fn send_vectored(stream: &TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

    /// More than that is an error (`IOV_MAX`).
    const MOST: usize = 1024;
    let pieces = &pieces[..pieces.len().min(MOST)];
    Ok(sendmsg(stream, pieces, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
}

/// There is no such signal, or the socket has an option against it, which the standard library sets.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(super) fn send_vectored(mut stream: &TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    io::Write::write_vectored(&mut stream, pieces)
}
