//! From names of hosts to addresses.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use aio_base::sync::OnceLock;
use aio_blocking::{Pool, PoolConfig};

use crate::tcp::attempted;

/// How many names a loop looks up at the same time. A server of names that does not answer holds a thread for many
/// seconds; the pool of `to_thread` is not to wait behind it.
const MAX_THREADS: usize = 4;

/// All addresses of `host`, in the order in which they should be tried.
///
/// A number (`"127.0.0.1"`, `"::1"`) is its own address, at once. For anything else the system is asked
/// (`getaddrinfo`), which may take seconds, in a thread of a small pool that each loop has for this.
///
/// # Cancel safety
/// If the system has not been asked yet, it will not be. Otherwise it cannot be stopped: its answer is thrown away, and
/// the end of the loop waits for it as for any other job of a pool.
///
/// # Errors
/// What the system says, with the name in it; also if it knows the host but no address of it.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// let addresses = aio_net::lookup("127.0.0.1", 80).await?;
/// assert_eq!(addresses, ["127.0.0.1:80".parse().unwrap()]);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
pub async fn lookup(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    lookup_name(host, port).await.map_err(attempted(format_args!("look up `{host}`")))
}

async fn lookup_name(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.is_empty() {
        // The system would take that for this machine.
        return Err(io::Error::new(ErrorKind::InvalidInput, "the name is empty"));
    }
    #[cfg(feature = "simulation")]
    if let Some(network) = crate::simulation::current() {
        return Ok(network.lookup(host)?.into_iter().map(|ip| SocketAddr::new(ip, port)).collect());
    }
    let name = host.to_owned();
    let addresses =
        in_pool(move || Ok::<_, io::Error>((name.as_str(), port).to_socket_addrs()?.collect::<Vec<_>>())).await?;
    if addresses.is_empty() {
        return Err(io::Error::new(ErrorKind::NotFound, "it has no address"));
    }
    Ok(addresses)
}

/// Splits `"host:port"`: `"localhost:80"`, `"127.0.0.1:80"`, `"[::1]:80"`.
///
/// # Errors
/// `InvalidInput`, with the text in it: there is no port, or no host, or an IPv6 address without brackets.
///
/// # Examples
/// ```
/// assert_eq!(aio_net::parse_host_port("localhost:80")?, ("localhost", 80));
/// assert_eq!(aio_net::parse_host_port("[::1]:80")?, ("::1", 80));
/// assert!(aio_net::parse_host_port("localhost").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn parse_host_port(text: &str) -> io::Result<(&str, u16)> {
    let invalid = |why: &str| io::Error::new(ErrorKind::InvalidInput, format!("`{text}` is not `host:port`: {why}"));
    let (host, port) = text.rsplit_once(':').ok_or_else(|| invalid("there is no port"))?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(|| invalid("the port must follow the bracket"))?,
        None if host.contains(':') => return Err(invalid("an IPv6 address must be in brackets")),
        None => host,
    };
    if host.is_empty() {
        return Err(invalid("there is no host"));
    }
    // `parse` would allow a sign.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("the port is not a number"));
    }
    let port = port.parse().map_err(|_| invalid("the port must be from 0 to 65535"))?;
    Ok((host, port))
}

/// The pool of a loop for names.
struct Names(Pool);

impl Names {
    fn new() -> Self {
        Self(Pool::new(PoolConfig::new().max_threads(MAX_THREADS)))
    }
}

fn in_pool<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> aio_blocking::ToThread<T> {
    static OF_THE_PROCESS: OnceLock<Names> = OnceLock::new();
    match aio_core::loop_local(Names::new) {
        Some(names) => names.0.run(f),
        None => OF_THE_PROCESS.get_or_init(Names::new).0.run(f),
    }
}
