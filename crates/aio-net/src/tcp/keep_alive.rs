//! Finding out that a peer is gone that says nothing.

use std::time::Duration;

/// When a connection on which nothing happens is asked whether its peer is still there.
///
/// ```
/// use aio_net::KeepAlive;
/// use std::time::Duration;
///
/// let keep_alive = KeepAlive::after(Duration::from_secs(60)).interval(Duration::from_secs(10));
/// # let _ = keep_alive;
/// ```
#[derive(Debug, Clone)]
#[must_use = "give it to `TcpStream::set_keep_alive`"]
pub struct KeepAlive(socket2::TcpKeepalive);

impl KeepAlive {
    /// When nothing has come for as long as `time`. (Whole seconds, on most systems.)
    pub const fn after(time: Duration) -> Self {
        Self(socket2::TcpKeepalive::new().with_time(time))
    }

    /// How long to wait for an answer before it is asked again.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    pub const fn interval(self, interval: Duration) -> Self {
        Self(self.0.with_interval(interval))
    }

    pub(super) fn as_params(&self) -> &socket2::TcpKeepalive {
        &self.0
    }
}
