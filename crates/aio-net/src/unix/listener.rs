//! What waits for connections.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{self, SocketAddr};
use std::path::{Path, PathBuf};

use aio_reactor::Async;
use socket2::{Domain, SockAddr, Socket, Type};

use super::{UnixStream, address_of};
use crate::tcp::attempted;

/// Waits for connections at a path. When it is dropped, the path is removed, unless something else is there meanwhile.
pub struct UnixListener {
    /// Dropped before the socket is closed.
    entry: Option<Entry>,
    io: Async<net::UnixListener>,
}

impl UnixListener {
    /// Listens at `path` (Linux: one that begins with a zero byte is a name in the abstract namespace). A socket that
    /// an earlier program has left there, so that nobody listens at it, is removed first.
    ///
    /// Two programs that do so at the same time may each remove what the other has just made; have one of them start
    /// it.
    ///
    /// Whoever may reach the path may connect: put it into a directory that only the right ones may enter.
    ///
    /// # Errors
    /// What the system says, with the path in it: `AddrInUse`, if somebody listens there, or if it is no socket.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Self::bind_to(path).map_err(attempted(format_args!("listen at `{}`", path.display())))
    }

    fn bind_to(path: &Path) -> io::Result<Self> {
        let address = address_of(path)?;
        let listener = match net::UnixListener::bind_addr(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_over(path, &address) => {
                fs::remove_file(path)?;
                net::UnixListener::bind_addr(&address)?
            }
            result => result?,
        };
        let entry = address.as_pathname().and_then(Entry::of);
        Ok(Self { entry, io: Async::new(listener)? })
    }

    /// Takes over a listener of the standard library, and has the system make it non-blocking. Its path is never
    /// removed.
    ///
    /// # Errors
    /// What the system says to that.
    pub fn from_std(listener: net::UnixListener) -> io::Result<Self> {
        Ok(Self { entry: None, io: Async::new(listener)? })
    }

    /// The listener of the standard library, non-blocking. Its path stays.
    pub fn into_std(self) -> net::UnixListener {
        if let Some(mut entry) = self.entry {
            entry.stays = true;
        }
        self.io.into_inner()
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// Waits for the next connection. One whose peer has gone meanwhile is passed over.
    ///
    /// # Cancel safety
    /// No connection is lost: it waits for who accepts next.
    ///
    /// # Fairness
    /// Any number of tasks may wait at the same time. All are woken, and the first to run has it.
    ///
    /// # Errors
    /// What the system says. When it has no descriptor or no memory (`EMFILE` and the like), the connection stays where
    /// it is, and to try again at once fails again: wait first.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let accept = |listener: &net::UnixListener| loop {
            match listener.accept() {
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                result => break result,
            }
        };
        let (stream, peer) = self.io.read_with(accept).await?;
        Ok((UnixStream::from_std(stream)?, peer))
    }
}

/// A stream socket that does not block.
pub(super) fn new_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(super) fn to_socket2(address: &SocketAddr) -> io::Result<SockAddr> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::ffi::OsString;
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStringExt;

        if let Some(name) = address.as_abstract_name() {
            return SockAddr::unix(OsString::from_vec([b"\0", name].concat()));
        }
    }
    SockAddr::unix(address.as_pathname().unwrap_or(Path::new("")))
}

/// Whether there is a socket at `path` that nobody listens at.
fn is_left_over(path: &Path, address: &SocketAddr) -> bool {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        return false;
    }
    let attempt = to_socket2(address).and_then(|address| new_socket()?.connect(&address));
    attempt.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// What a listener has put into a directory.
struct Entry {
    path: PathBuf,
    device: u64,
    inode: u64,
    stays: bool,
}

impl Entry {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        // The working directory may change.
        let path = std::path::absolute(path).ok()?;
        Some(Self { path, device: metadata.dev(), inode: metadata.ino(), stays: false })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let is_ours = |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode);
        if !self.stays && fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Nobody is there to be told that it cannot be removed; whoever listens next finds it left over.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
