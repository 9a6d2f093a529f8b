//! Connecting to a host by its name.

use std::fmt::Write;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use aio_io::{StreamReader, StreamWriter};
use aio_timer::{Sleep, sleep};

use crate::{OwnedReadHalf, OwnedWriteHalf, TcpStream, lookup};

/// How long one attempt is alone before the next begins beside it, as RFC 8305 recommends.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to `host`, a name or an address, at `port`: asyncio's `create_connection`, with happy eyeballs (RFC 8305).
///
/// The addresses of the name are tried in the order in which the system gives them, but IPv6 and IPv4 in turns. The
/// next attempt begins when the one before has failed, or after a quarter of a second; the first to succeed wins, and
/// the others are given up.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let stream = aio_net::connect("localhost", 8080).await?;
/// println!("connected to {}", stream.peer_addr()?);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Dropping the future gives up all attempts, and closes their sockets.
///
/// # Errors
/// If the name cannot be looked up; if no attempt succeeds: an error of the kind of the last, which names every address
/// and what became of it.
pub async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = interleave(lookup(host, port).await?);
    let outcome = staggered(addresses, ATTEMPT_DELAY, TcpStream::connect_to).await;
    outcome.map_err(|failures| all_failed(host, port, failures))
}

/// [`connect()`], and a buffered reader and a writer around the two directions: asyncio's `open_connection`.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let (mut reader, mut writer) = aio_net::open_connection("localhost", 8080).await?;
/// writer.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
/// while let Some(line) = reader.read_line().await? {
///     print!("{line}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// As [`connect()`].
///
/// # Errors
/// As [`connect()`].
pub async fn open_connection(
    host: &str,
    port: u16,
) -> io::Result<(StreamReader<OwnedReadHalf>, StreamWriter<OwnedWriteHalf>)> {
    let (read, write) = connect(host, port).await?.into_split();
    Ok((StreamReader::new(read), StreamWriter::new(write)))
}

/// [`UnixStream::connect`](crate::UnixStream::connect), and a buffered reader and a writer around the two directions:
/// asyncio's `open_unix_connection`.
///
/// # Cancel safety
/// Dropping the future gives up the attempt, and closes the socket.
///
/// # Errors
/// Those of the system, with the path in them.
#[cfg(unix)]
pub async fn open_unix_connection(
    path: impl AsRef<std::path::Path>,
) -> io::Result<(StreamReader<OwnedReadHalf<crate::UnixStream>>, StreamWriter<OwnedWriteHalf<crate::UnixStream>>)> {
    let (read, write) = crate::UnixStream::connect(path).await?.into_split();
    Ok((StreamReader::new(read), StreamWriter::new(write)))
}

type Failures = Vec<(SocketAddr, io::Error)>;

fn all_failed(host: &str, port: u16, failures: Failures) -> io::Error {
    let Some(kind) = failures.last().map(|(_, error)| error.kind()) else {
        return io::Error::new(io::ErrorKind::NotFound, format!("failed to connect to `{host}`: it has no address"));
    };
    let mut message = format!("failed to connect to `{host}` at port {port}");
    for (i, (address, error)) in failures.iter().enumerate() {
        let separator = if i == 0 { ": " } else { "; " };
        // A `String` takes everything.
        let _ = write!(message, "{separator}{address}: {error}");
    }
    io::Error::new(kind, message)
}

/// The families in turns, that of the first address first; within each the order stays.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return addresses };
    let is_v6 = first.is_ipv6();
    let (preferred, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == is_v6);
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    let mut turns = Vec::new();
    loop {
        match (preferred.next(), others.next()) {
            (None, None) => return turns,
            (one, other) => turns.extend(one.into_iter().chain(other)),
        }
    }
}

/// Attempts one address after the other, the next when the one before has failed or had `delay` for itself; the first
/// success wins.
async fn staggered<F, T>(
    addresses: Vec<SocketAddr>,
    delay: Duration,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Failures>
where
    F: Future<Output = io::Result<T>>,
{
    let mut addresses = addresses.into_iter();
    let mut attempts: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut failures = Failures::new();
    let mut timer = pin!(None::<Sleep>);
    poll_fn(|cx| {
        let mut begins = attempts.is_empty();
        loop {
            if begins && let Some(address) = addresses.next() {
                attempts.push((address, Box::pin(attempt(address))));
                timer.set((addresses.len() > 0).then(|| sleep(delay)));
            }
            begins = false;
            let mut i = 0;
            while let Some((address, future)) = attempts.get_mut(i) {
                match future.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        failures.push((*address, error));
                        attempts.remove(i);
                        begins = true;
                    }
                    Poll::Pending => i += 1,
                }
            }
            if let Some(sleep) = timer.as_mut().as_pin_mut()
                && sleep.poll(cx).is_ready()
            {
                timer.set(None);
                begins = true;
            }
            if attempts.is_empty() && addresses.len() == 0 {
                return Poll::Ready(Err(std::mem::take(&mut failures)));
            }
            if !begins || addresses.len() == 0 {
                return Poll::Pending;
            }
        }
    })
    .await
}

#[cfg(all(test, not(aio_loom)))]
mod tests;
