//! Channels: a [queue](crate::Queue) with two ends, which is closed when one of them is gone.
//!
//! Any number of [`Sender`]s and [`Receiver`]s share a channel; each item goes to one receiver. When the last sender is
//! dropped, receivers take out what is there and then get an error; when the last receiver is dropped, so are the items
//! that are left, and senders get theirs back.
//!
//! Those here may be shared between threads; their twins in [`local::channel`](crate::local::channel) stay on one. A
//! channel is one allocation; to wait takes none, nor does an item, once the channel has grown to what it holds.
//!
//! ```
//! use aio_sync::channel;
//! use futures_lite::future::{block_on, zip};
//!
//! let (sender, receiver) = channel::bounded(1);
//! let producer = async move {
//!     for i in 1..=3 {
//!         sender.send(i).await.unwrap();
//!     }
//! };
//! let consumer = async {
//!     let mut sum = 0;
//!     while let Ok(i) = receiver.recv().await {
//!         sum += i;
//!     }
//!     sum
//! };
//! assert_eq!(block_on(zip(producer, consumer)).1, 6);
//! ```
//!
//! # Fairness
//! First come, first served, for those who send and for those who receive: an item for somebody who waits is handed to
//! the first of them before that one runs, and room to the first who waits for room. Nobody overtakes, neither do the
//! `try_` forms. Threads that wait in the `_blocking` forms stand in the same lines as tasks.
//!
//! # Coming from elsewhere
//!
//! | tokio's `mpsc`, async-channel, flume       | here                                                    |
//! |--------------------------------------------|---------------------------------------------------------|
//! | `mpsc::channel(n)`, `bounded(n)`           | [`bounded(n)`](bounded)                                 |
//! | `mpsc::unbounded_channel()`, `unbounded()` | [`unbounded()`](unbounded)                              |
//! | `send(x).await`, `send_async(x).await`     | [`send(x).await`](Sender::send)                         |
//! | `blocking_send(x)`, `send_blocking(x)`     | [`send_blocking(x)`](Sender::send_blocking)             |
//! | `reserve().await`                          | [`reserve().await`](Sender::reserve)                    |
//! | `reserve_owned().await`                    | [`reserve_owned().await`](Sender::reserve_owned)        |
//! | `force_send(x)`                            | [`send_evicting(x)`](Sender::send_evicting)             |
//! | `recv_many(&mut buffer, n).await`          | [`recv_many(&mut items, n).await`](Receiver::recv_many) |
//! | `ReceiverStream`, `stream()`               | [`stream()`](Receiver::stream)                          |
//! | `into_stream()`                            | [`into_stream()`](Receiver::into_stream)                |
//! | `bounded(0)`, a rendezvous                 | none: let the receiver answer                           |

mod closed;
mod core;
mod error;
mod iter;
mod permit;
mod receiver;
mod sender;
mod stream;

use aio_base::Shared;

pub use closed::ClosedFuture;
pub use error::{RecvError, SendError};
pub use iter::{IntoIterBlocking, IterBlocking, TryIter};
pub use permit::{OwnedSendPermit, ReserveFuture, ReserveOwnedFuture, SendPermit};
pub use receiver::{Receiver, RecvFuture, RecvManyFuture, WeakReceiver};
pub use sender::{SendFuture, Sender, WeakSender};
pub use stream::{IntoRecvStream, RecvStream};

/// A channel with room for `capacity` items, which may be shared between threads.
///
/// # Panics
/// If `capacity` is zero.
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    core::bounded::<T, Shared>(capacity)
}

/// A channel with room for any number of items, which may be shared between threads: whoever sends never waits.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    core::unbounded::<T, Shared>()
}

/// Channels with their home as a parameter.
pub(crate) mod generic {
    pub use super::core::{bounded, unbounded};
}

#[cfg(all(test, aio_loom))]
mod tests;
