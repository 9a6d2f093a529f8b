//! What is set on a simulated socket, and asked again.

use std::time::Duration;

use aio_base::sync::Mutex;

/// The options of a socket, which mean nothing to a simulated network, but for `linger`.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) nodelay: bool,
    pub(crate) keep_alive: bool,
    pub(crate) linger: Option<Duration>,
    pub(crate) ttl: u32,
    pub(crate) broadcast: bool,
    pub(crate) multicast_loop_v4: bool,
    pub(crate) multicast_loop_v6: bool,
    pub(crate) multicast_ttl_v4: u32,
}

impl Options {
    pub(super) fn new() -> Mutex<Self> {
        Mutex::new(Self {
            nodelay: true,
            keep_alive: false,
            linger: None,
            ttl: 64,
            broadcast: false,
            multicast_loop_v4: true,
            multicast_loop_v6: true,
            multicast_ttl_v4: 1,
        })
    }
}
