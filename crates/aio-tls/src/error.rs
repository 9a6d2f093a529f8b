//! A handshake that failed.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use aio_timer::timeout;

/// What the errors of a handshake hold, of whatever kind: they say with whom, and their `source` is the error of
/// `rustls`, if it is one.
#[derive(Debug)]
struct HandshakeError {
    /// "with `example.org`"
    peer: String,
    cause: io::Error,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the TLS handshake {} failed: {}", self.peer, self.cause)
    }
}

impl Error for HandshakeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.get_ref().map(|cause| cause as _)
    }
}

/// Waits for the handshake with `peer`, for `limit` at most.
pub(crate) async fn handshake<T>(
    peer: impl FnOnce() -> String,
    limit: Duration,
    handshake: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let outcome = timeout(limit, handshake).await;
    let cause = match outcome {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(cause)) => cause,
        Err(elapsed) => io::Error::new(io::ErrorKind::TimedOut, format!("{elapsed} after {limit:?}")),
    };
    Err(io::Error::new(cause.kind(), HandshakeError { peer: peer(), cause }))
}
