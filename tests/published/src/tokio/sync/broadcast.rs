//! `tokio::sync::broadcast`'s names.

pub use aio_sync::broadcast::{Receiver, Sender, channel};

/// Named by the tests; ours has none.
#[derive(Debug)]
pub struct WeakSender<T>(std::marker::PhantomData<T>);

/// The errors.
pub mod error {
    pub use aio_sync::broadcast::{RecvError, SendError, TryRecvError};
}
