//! One message from one task to another: the answer to a request, say.
//!
//! ```
//! # futures_lite::future::block_on(async {
//! use aio_sync::oneshot;
//! use futures_lite::future::zip;
//!
//! let (sender, receiver) = oneshot::channel();
//! let asks = async { receiver.await.unwrap() };
//! let answers = async { sender.send(42).unwrap() };
//! assert_eq!(zip(asks, answers).await.0, 42);
//! # });
//! ```
//!
//! The two ends share one allocation, and need neither a lock nor a count of references. Their twins of one thread are
//! in [`local::oneshot`](crate::local::oneshot).
//!
//! # Coming from asyncio
//!
//! | asyncio                           | here                                                             |
//! |-----------------------------------|------------------------------------------------------------------|
//! | `future = loop.create_future()`   | `let (sender, receiver) = oneshot::channel()`                    |
//! | `future.set_result(x)`            | `sender.send(x)`: once, and it says whether anybody listens      |
//! | `future.set_exception(e)`         | a channel for a `Result`                                         |
//! | `await future`                    | `receiver.await`                                                 |
//! | `future.cancel()`, `cancelled()`  | `drop(receiver)`, `sender.is_closed()`, `sender.closed().await`  |
//! | `future.done()`                   | `receiver.try_recv()`                                            |

mod block;
mod error;
mod state;

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use aio_base::waits::{self, Note, Place};
use aio_base::{Home, Shared, host};

use block::Block;
pub use error::{RecvError, SendError, TryRecvError};
use state::End;

/// A channel for one message, whose ends may be on different threads.
#[inline]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    pair()
}

/// A channel for one message, in either home.
#[inline]
pub(crate) fn pair<T, H: Home>() -> (Sender<T, H>, Receiver<T, H>) {
    let block = Block::new();
    (Sender { block, _message: PhantomData }, Receiver { block: Some(block), _message: PhantomData })
}

/// The end that sends: made by [`channel`]. If it is dropped without sending, the receiver gets an error.
#[must_use = "if the sender is dropped, the receiver gets an error"]
pub struct Sender<T, H: Home = Shared> {
    block: NonNull<Block<T, H>>,
    _message: PhantomData<T>,
}

/// The end that receives: made by [`channel`]. It is a future of the message.
///
/// # Cancel safety
/// Awaited by reference (`(&mut receiver).await`), dropping that future loses nothing. Dropping the receiver drops a
/// message that was sent already.
///
/// # Errors
/// [`RecvError`], if the sender was dropped without sending, or the receiver was [closed](Self::close) before it sent.
///
/// # Panics
/// If it is polled again after it was ready, or after [`try_recv`](Self::try_recv) has received the message.
#[must_use = "futures do nothing unless awaited"]
pub struct Receiver<T, H: Home = Shared> {
    /// Until it was ready.
    block: Option<NonNull<Block<T, H>>>,
    _message: PhantomData<T>,
}

// SAFETY: the message moves from one thread to the other, and nothing else is reached by the pointer that is not
// atomic, or handed over by the word, or `Send` (a waker): see `block`.
unsafe impl<T: Send> Send for Sender<T, Shared> {}

// SAFETY: as above.
unsafe impl<T: Send> Send for Receiver<T, Shared> {}

// SAFETY: a shared reference to a sender reads the word.
unsafe impl<T: Send> Sync for Sender<T, Shared> {}

// SAFETY: a shared reference to a receiver reads the word.
unsafe impl<T: Send> Sync for Receiver<T, Shared> {}

// Whoever panics in a call (a waker, a message's destructor), the word is not in the middle of something.
impl<T, H: Home> UnwindSafe for Sender<T, H> {}
impl<T, H: Home> RefUnwindSafe for Sender<T, H> {}
impl<T, H: Home> UnwindSafe for Receiver<T, H> {}
impl<T, H: Home> RefUnwindSafe for Receiver<T, H> {}

// Nothing is pinned in them.
impl<T, H: Home> Unpin for Sender<T, H> {}
impl<T, H: Home> Unpin for Receiver<T, H> {}

impl<T, H: Home> Sender<T, H> {
    /// Sends the message. Never waits.
    ///
    /// That it was sent does not mean that it will be received: the receiver may be dropped with it.
    ///
    /// # Errors
    /// [`SendError`] with the message, if the receiver was dropped or [closed](Receiver::close).
    ///
    /// # Panics
    /// If the receiver's waker panics. The message was sent then; or if the receiver was closed, having waited, it is
    /// dropped.
    #[inline]
    pub fn send(self, message: T) -> Result<(), SendError<T>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: this is the sender, which has not left: it has ended with this, and is not dropped.
        unsafe { Block::send(this.block, message) }.map_err(SendError::new)
    }

    /// Whether the receiver was dropped or [closed](Receiver::close), so that there is no point in sending.
    pub fn is_closed(&self) -> bool {
        // SAFETY: this is the sender, and it has not left.
        unsafe { Block::state(self.block) }.is_closed()
    }

    /// Waits until the receiver is dropped or [closed](Receiver::close). If it is, does not yield.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_sync::oneshot;
    /// use futures_lite::future::{or, pending, zip};
    ///
    /// let (mut sender, receiver) = oneshot::channel::<u32>();
    /// let compute = async {
    ///     let answer = pending::<u32>();
    ///     or(async { Some(answer.await) }, async { sender.closed().await; None }).await
    /// };
    /// let loses_interest = async { drop(receiver) };
    /// assert_eq!(zip(compute, loses_interest).await.0, None);
    /// # });
    /// ```
    #[inline]
    pub fn closed(&mut self) -> ClosedFuture<'_, T, H> {
        ClosedFuture { sender: self }
    }
}

impl<T, H: Home> Drop for Sender<T, H> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is the sender, which has not sent (`send` forgets it).
        unsafe { Block::abandon(self.block) };
    }
}

impl<T, H: Home> Receiver<T, H> {
    /// The message, if it has been sent. Receives it only once.
    ///
    /// # Errors
    /// [`TryRecvError`], if it has not been sent yet, or never will be.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Some(block) = self.block else { return Err(TryRecvError::CLOSED) };
        // SAFETY: this is the receiver, and it has not left.
        let state = unsafe { Block::state(block) };
        if state.has_value() {
            self.block = None;
            // SAFETY: the same, and now it has.
            return unsafe { Block::take_and_leave(block) }.ok_or(TryRecvError::CLOSED);
        }
        Err(if state.is_over() { TryRecvError::CLOSED } else { TryRecvError::EMPTY })
    }

    /// Has nothing sent any more: sending fails from now on. What was sent before can still be received.
    ///
    /// # Panics
    /// If the waker of a sender panics that waits for this. It is closed nevertheless.
    pub fn close(&mut self) {
        if let Some(block) = self.block {
            // SAFETY: this is the receiver, and it has not left.
            unsafe { Block::close(block) };
        }
    }
}

impl<T> Receiver<T, Shared> {
    /// Blocks the thread until the message is there.
    ///
    /// # Errors
    /// [`RecvError`], as by awaiting it.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still. If the message was received already.
    #[track_caller]
    pub fn recv_blocking(mut self) -> Result<T, RecvError> {
        host::assert_may_block("`recv_blocking`");
        match self.try_recv() {
            Ok(message) => Ok(message),
            Err(_) => host::block_on("`recv_blocking`", self),
        }
    }
}

impl<T, H: Home> Future for Receiver<T, H> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let block = this.block.expect("polled again after it was ready");
        // SAFETY: this is the receiver, and it has not left.
        let is_over = unsafe { Block::state(block).is_over() || Block::wait(block, End::Receiver, cx).is_some() };
        let place = Place::of_pointer(block.as_ptr());
        if !is_over {
            waits::poll_at(place, || Note::new("oneshot").which_at(block.as_ptr()));
            return Poll::Pending;
        }
        waits::end_at(place);
        this.block = None;
        // SAFETY: as above, and now it has.
        Poll::Ready(unsafe { Block::take_and_leave(block) }.ok_or(RecvError::NEW))
    }
}

impl<T, H: Home> Drop for Receiver<T, H> {
    #[inline]
    fn drop(&mut self) {
        if let Some(block) = self.block {
            waits::end_at(Place::of_pointer(block.as_ptr()));
            // The message, if there is one, is dropped after all else.
            // SAFETY: this is the receiver, and it has not left.
            drop(unsafe { Block::take_and_leave(block) });
        }
    }
}

impl<T, H: Home> fmt::Debug for Sender<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}

impl<T, H: Home> fmt::Debug for Receiver<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: this is the receiver, and it has not left.
        f.write_str(match self.block.map(|block| unsafe { Block::state(block) }) {
            None => "Receiver(Done)",
            Some(state) if state.has_value() => "Receiver(Sent)",
            Some(state) if state.is_over() => "Receiver(Closed)",
            Some(_) => "Receiver(Empty)",
        })
    }
}

/// Waits until nobody receives any more: made by [`Sender::closed`].
#[must_use = "futures do nothing unless awaited"]
pub struct ClosedFuture<'a, T, H: Home = Shared> {
    sender: &'a mut Sender<T, H>,
}

impl<T, H: Home> Future for ClosedFuture<'_, T, H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: this has the sender, which has not left.
        match unsafe { Block::wait(self.sender.block, End::Sender, cx) } {
            Some(_closed) => Poll::Ready(()),
            None => Poll::Pending,
        }
    }
}

impl<T, H: Home> Drop for ClosedFuture<'_, T, H> {
    fn drop(&mut self) {
        // SAFETY: this has the sender, which has not left.
        drop(unsafe { Block::withdraw(self.sender.block, End::Sender) });
    }
}

impl<T, H: Home> fmt::Debug for ClosedFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFuture").field("is_closed", &self.sender.is_closed()).finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
