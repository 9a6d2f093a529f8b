//! Every receiver gets every message that is sent while it is there; the newest are kept for those who are slow.
//!
//! ```
//! # futures_lite::future::block_on(async {
//! use aio_sync::broadcast;
//! use futures_lite::future::zip;
//!
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! assert_eq!(sender.send("hello"), Ok(2));
//! assert_eq!(zip(first.recv(), second.recv()).await, (Ok("hello"), Ok("hello")));
//! # });
//! ```
//!
//! Its twin of one thread is [`local::broadcast`](crate::local::broadcast).
//!
//! # Lagging behind
//!
//! A channel keeps a number of messages, and sending never waits: the oldest one makes room. A receiver that had yet to
//! get it is told how many it has missed ([`RecvError::Lagged`]), and goes on with the oldest one that is kept.
//!
//! # Whose the messages are
//!
//! Each receiver gets a clone, and the last one who has yet to get it gets the message itself: with one receiver
//! nothing is cloned. A message that nobody has yet to get is not kept. `Clone` and destructors of messages never run
//! under a lock of the channel: they may use it again, and take their time. Several receivers may be cloning a message
//! at a time, so between threads messages have to be `Send + Sync`.
//!
//! Once it has grown to what it keeps, a channel allocates nothing. (But for a message that is overwritten while
//! somebody is still cloning it: it stays where it is, and the new one goes to another place, to be used again later.)
//!
//! # Coming from tokio
//!
//! | tokio                                            | here                                                      |
//! |--------------------------------------------------|-----------------------------------------------------------|
//! | `channel(n)` keeps up to the next power of two   | keeps `n`, and takes memory only as they come             |
//! | sending waits for those who clone what it replaces | never waits                                             |
//! | the last receiver gets a clone, too              | the message itself                                        |
//! | what all have received is kept until overwritten | is dropped                                                |
//! | `Sender::closed()`, `WeakSender`                 | not there                                                 |
//! | `BroadcastStream`                                | [`Receiver::stream`]                                      |

mod channel;
mod error;
mod future;
mod receiver;
mod sender;
mod state;
mod stream;

use aio_base::{Home, Shared};

pub use error::{Lagged, RecvError, SendError, TryRecvError};
pub use future::RecvFuture;
pub use receiver::Receiver;
pub use sender::Sender;
pub use stream::BroadcastStream;

/// A channel that keeps `capacity` messages for those who are slow.
///
/// # Panics
/// If `capacity` is zero.
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    pair::<T, Shared>(capacity)
}

/// A channel in either home.
#[track_caller]
pub(crate) fn pair<T, H: Home>(capacity: usize) -> (Sender<T, H>, Receiver<T, H>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

#[cfg(all(test, aio_loom))]
mod tests;
