//! What ends a server.

use std::time::Duration;

use aio_timer::CancelScope;

/// Ends a [`Server`](super::Server), from any thread.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    /// Around what accepts.
    pub(super) accepting: CancelScope,
    /// Around everything.
    pub(super) serving: CancelScope,
}

impl ServerHandle {
    pub(super) fn new() -> Self {
        Self { accepting: CancelScope::new(), serving: CancelScope::new() }
    }

    /// Stops to accept: the sockets that listen are closed, and the server ends when all connections have. How they
    /// hear of it is between them and the program.
    pub fn close(&self) {
        self.accepting.cancel();
    }

    /// [`close`](Self::close), and cancels the connections that have not ended within `grace`. Their cleanups run.
    pub fn drain(&self, grace: Duration) {
        self.serving.set_timeout(grace);
        self.close();
    }

    /// Stops to accept, and cancels all connections. Their cleanups run.
    pub fn abort(&self) {
        self.serving.cancel();
    }
}
