//! How the body of a generator hands out its items.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::sync::Mutex;

use crate::slot::{self, Id};

/// Hands the items of a generator to whoever iterates over it; see [`generate`](crate::generate()).
pub struct Emitter<T> {
    id: Id,
    /// It is sent and shared as what it stands for would be. And it takes items of just the type of its generator:
    /// ```compile_fail
    /// # use aio_stream::Emitter;
    /// fn shorten<'a>(emitter: Emitter<&'static str>) -> Emitter<&'a str> {
    ///     emitter
    /// }
    /// ```
    items: PhantomData<Mutex<T>>,
}

impl<T> Emitter<T> {
    pub(crate) fn new(id: Id) -> Self {
        Self { id, items: PhantomData }
    }

    /// Hands out `item`, and waits until the next one is asked for: the future is ready when it is polled again.
    ///
    /// The body may wait for several emits at once; their items are handed out in the order in which the emits were
    /// first polled, and the body goes on when all are taken.
    ///
    /// # Cancel safety
    /// The item is handed over by the first poll. To drop the future later only gives up waiting.
    ///
    /// # Panics
    /// The future panics if it is polled elsewhere than in the body of its generator: an `Emitter` is of no use to
    /// another task or thread. It may be lent to a generator or any other future that the body awaits.
    pub fn emit(&self, item: T) -> Emit<'_, T> {
        Emit { ahead: Some((self.id, item)), emitter: PhantomData }
    }
}

impl<T> fmt::Debug for Emitter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Emitter { .. }")
    }
}

/// The future of [`Emitter::emit`].
#[must_use = "an item is emitted when this is awaited"]
pub struct Emit<'a, T> {
    /// The item and where it belongs, until it is handed over. (Together, since an id is never zero: that is `None`.)
    ahead: Option<(Id, T)>,
    emitter: PhantomData<&'a Emitter<T>>,
}

/// The item is only ever moved.
impl<T> Unpin for Emit<'_, T> {}

impl<T> Future for Emit<'_, T> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Polled again: the body runs, so all items have been taken. (`take` alone would store something here too.)
        if self.ahead.is_none() {
            return Poll::Ready(());
        }
        if let Some((id, item)) = self.ahead.take() {
            slot::emit(id, item, cx);
        }
        Poll::Pending
    }
}

impl<T> fmt::Debug for Emit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").field("is_handed_over", &self.ahead.is_none()).finish()
    }
}
