//! Channels of one thread: see [`crate::channel`].
//!
//! ```
//! use aio_sync::local::channel;
//! use futures_lite::future::{block_on, zip};
//! use std::rc::Rc;
//!
//! let (sender, receiver) = channel::bounded(1);
//! let producer = async move { sender.send(Rc::new(1)).await.unwrap() };
//! assert_eq!(block_on(zip(producer, receiver.recv())).1, Ok(Rc::new(1)));
//! ```

use aio_base::Local;

use crate::channel;

macro_rules! local {
    ($($doc:literal $name:ident<$($lifetime:lifetime,)? T>;)+) => {
        $(
            #[doc = $doc]
            pub type $name<$($lifetime,)? T> = channel::$name<$($lifetime,)? T, Local>;
        )+
    };
}

local! {
    "Puts items into a local channel." Sender<T>;
    "A [`Sender`] that does not keep the channel open." WeakSender<T>;
    "Takes items out of a local channel." Receiver<T>;
    "A [`Receiver`] that does not keep the channel open." WeakReceiver<T>;
    "Puts an item into a local channel." SendFuture<'a, T>;
    "Takes an item out of a local channel." RecvFuture<'a, T>;
    "Takes many items out of a local channel." RecvManyFuture<'a, T>;
    "Waits for room in a local channel." ReserveFuture<'a, T>;
    "Waits for room in a local channel, and owns its sender." ReserveOwnedFuture<T>;
    "Room for one item of a local channel." SendPermit<'a, T>;
    "Room for one item of a local channel, with the sender." OwnedSendPermit<T>;
    "Waits until a local channel is closed." ClosedFuture<'a, T>;
    "The items of a local channel, as they come." RecvStream<'a, T>;
    "The items of a local channel, as they come, with the receiver." IntoRecvStream<T>;
    "The items that are in a local channel now." TryIter<'a, T>;
}

/// A channel with room for `capacity` items, which stays on its thread.
///
/// # Panics
/// If `capacity` is zero.
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    crate::generic::channel::bounded(capacity)
}

/// A channel with room for any number of items, which stays on its thread: whoever sends never waits.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    crate::generic::channel::unbounded()
}
