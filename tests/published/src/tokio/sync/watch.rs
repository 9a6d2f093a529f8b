//! `tokio::sync::watch`'s names.

pub use aio_sync::watch::{Receiver, Ref, Sender, channel};

/// The errors.
pub mod error {
    pub use aio_sync::watch::{RecvError, SendError};
}
