//! How long a peer may keep us waiting.

use std::time::Duration;

/// The limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) handshake: Duration,
    pub(crate) shutdown: Duration,
}

/// Those of asyncio, who has them from nginx.
impl Default for Timeouts {
    fn default() -> Self {
        Self { handshake: Duration::from_secs(60), shutdown: Duration::from_secs(30) }
    }
}
