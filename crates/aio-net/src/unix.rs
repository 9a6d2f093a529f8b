//! Sockets of the Unix domain.

mod datagram;
mod listener;
mod stream;

pub use datagram::UnixDatagram;
pub use listener::UnixListener;
pub use stream::UnixStream;

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How long to wait before another try where the system does not tell when there is room.
const PAUSE: Duration = Duration::from_millis(2);

/// The address of `path`; on Linux, one that begins with a zero byte is a name in the abstract namespace.
fn address_of(path: &Path) -> io::Result<SocketAddr> {
    if path.as_os_str().is_empty() {
        // Linux would choose a name of its own.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is empty"));
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;

        if let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"\0") {
            return SocketAddr::from_abstract_name(name);
        }
    }
    SocketAddr::from_pathname(path)
}
