//! One value of which the newest counts: a setting, a state, progress. Whoever watches sees that it has changed, not
//! how often.
//!
//! ```
//! # futures_lite::future::block_on(async {
//! use aio_sync::watch;
//! use futures_lite::future::zip;
//!
//! let (level, mut watcher) = watch::channel("info");
//! let watches = async {
//!     watcher.changed().await.unwrap();
//!     *watcher.borrow_and_update()
//! };
//! let sets = async { level.send("debug").unwrap() };
//! assert_eq!(zip(watches, sets).await.0, "debug");
//! # });
//! ```
//!
//! Its twin of one thread is [`local::watch`](crate::local::watch).
//!
//! # Snapshots
//!
//! The value is behind a counted reference, and `borrow` gives another one: a [`Ref`] is a snapshot. It stays what it
//! is when a new value is sent, keeps nobody from sending, may be held across an `.await` and go to another thread. The
//! price: sending allocates, what [modifies](Sender::send_modify) the value works on a clone of it, and between threads
//! all who borrow write to the same count.
//!
//! Code of the user (closures, `Clone`, destructors, wakers) never runs under a lock of the channel: it may use the
//! channel again.
//!
//! # Coming from tokio
//!
//! | tokio                                         | here                                                          |
//! |-----------------------------------------------|---------------------------------------------------------------|
//! | a `Ref` that lives long makes `send` wait     | a `Ref` is a snapshot                                         |
//! | a `Ref` is not `Send`                         | it is, if the value is `Send + Sync`                          |
//! | a closure that uses the channel deadlocks     | it may                                                        |
//! | `send_modify(f)`, for any value, under a lock | for `T: Clone`, without; `f` may be called again              |
//! | `send_replace(x)` returns the old value       | a [`Ref`] to it: others may have one                          |
//! | `has_changed()` fails when all senders are gone | when also the last value was seen, as `changed()`           |
//! | `WatchStream` begins with the current value   | with what was not seen: [`Receiver::mark_changed`]            |

mod error;
mod future;
mod receiver;
mod sender;
mod snapshot;
mod state;
mod stream;

use aio_base::{Home, Shared};

pub use error::{RecvError, SendError};
pub use future::{ChangedFuture, ClosedFuture};
pub use receiver::Receiver;
pub use sender::Sender;
pub use snapshot::Ref;
pub use stream::WatchStream;

/// A channel whose first value is `value`; the receiver has seen it.
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    pair::<T, Shared>(value)
}

/// A channel in either home.
pub(crate) fn pair<T, H: Home>(value: T) -> (Sender<T, H>, Receiver<T, H>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

#[cfg(all(test, aio_loom))]
mod tests;
