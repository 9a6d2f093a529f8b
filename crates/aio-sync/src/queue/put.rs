//! Putting an item in, and waiting for room.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use aio_base::choice;
use aio_base::home::Exclusive;
use aio_base::{Home, Shared};

use super::Queue;
use super::error::{PutError, Refusal};
use super::order::{Fifo, Order};
use super::reference::{PassOn, QueueRef, waiter};
use super::state::State;
use crate::wait_queue::{Line, Turn, Wait, Waiter, wake, wake_apart};

waiter!(
    /// Waits for room.
    Putter, "to put", putters: (), |state| state.give_back_room()
);

type Borrowed<'a, T, H, O> = Wait<H, Putter<T, O, &'a Queue<T, H, O>>>;

/// Puts an item into a [`Queue`]: made by [`Queue::put`].
#[must_use = "futures do nothing unless awaited"]
pub struct PutFuture<'a, T, H: Home = Shared, O: Order<T> = Fifo> {
    /// Until it is in the queue, or handed back.
    item: Option<T>,
    wait: Borrowed<'a, T, H, O>,
}

impl<'a, T, H: Home, O: Order<T>> PutFuture<'a, T, H, O> {
    #[inline]
    pub(super) fn new(queue: &'a Queue<T, H, O>, item: T) -> Self {
        Self { item: Some(item), wait: Wait::new(Putter::new(queue)) }
    }

    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(name).field(&self.wait).finish()
    }
}

impl<T, H: Home, O: Order<T>> Future for PutFuture<'_, T, H, O> {
    type Output = Result<(), PutError<T>>;

    // Small, since all that is rare is apart; and a call would move the item through memory.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `item` is not: it is moved.
        let (item, mut wait) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.item, Pin::new_unchecked(&mut this.wait))
        };
        let queue = wait.waiter.queue;
        let pushed = if wait.is_new() {
            // SAFETY: `push` moves the item and perhaps a waker, and calls nothing but what it is made of.
            unsafe { queue.state.try_with_leaf(|state| state.push(item)) }.flatten()
        } else {
            None
        };
        let output = match pushed {
            Some(None) => Ok(()),
            Some(Some(getter)) => {
                // Also if the waker panics.
                wait.pass();
                wake_apart(getter);
                Ok(())
            }
            None => ready!(offer_or_wait(item, wait.as_mut(), cx)),
        };
        // In sight of the destructor, which then has nothing to do: if it had to look, what is here would be kept in
        // registers that are saved and restored each time.
        wait.pass();
        Poll::Ready(output)
    }
}

/// All that [`State::push`] does not do.
#[inline(never)]
fn offer_or_wait<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    item: &mut Option<T>,
    wait: Pin<&mut Wait<H, Putter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), PutError<T>>> {
    let offered = if wait.is_new() && item.is_some() {
        match wait.waiter.queue.state.with(|state| state.offer(item)) {
            Err(Refusal::Full) => ready!(wait_for_room(item, wait, cx)),
            done => {
                // Also if the waker panics.
                wait.pass();
                done
            }
        }
    } else {
        ready!(wait_for_room(item, wait, cx))
    };
    Poll::Ready(match offered {
        Ok(getter) => {
            wake(getter);
            Ok(())
        }
        Err(refusal) => Err(PutError::left(item.take(), refusal)),
    })
}

#[inline(never)]
fn wait_for_room<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    item: &mut Option<T>,
    mut wait: Pin<&mut Wait<H, Putter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Waker>, Refusal>> {
    let mut outcome = None;
    let mut offer = |state: &mut State<T, H, O>| match state.offer(item) {
        Err(Refusal::Full) => Some(()),
        done => {
            outcome = Some(done);
            None
        }
    };
    let turn = ready!(wait.as_mut().poll(cx, |_| false, |_, state| offer(state)));
    Poll::Ready(match outcome {
        Some(outcome) => outcome,
        None if turn == Turn::Given => {
            let claim = PassOn::new(&wait.waiter);
            let outcome = wait.waiter.queue.state.with(|state| state.offer_reserved(item));
            claim.forget();
            outcome
        }
        None => Err(Refusal::Closed),
    })
}

impl<T, H: Home, O: Order<T>> fmt::Debug for PutFuture<'_, T, H, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("PutFuture", f)
    }
}

/// Waits for room, and leaves it reserved. The wait is done with that.
pub(crate) fn poll_reserve<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    mut wait: Pin<&mut Wait<H, Putter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Refusal>> {
    if wait.is_new() {
        match wait.waiter.queue.try_reserve() {
            Err(Refusal::Full) => {}
            done => {
                wait.pass();
                return Poll::Ready(done);
            }
        }
    }
    let mut outcome = None;
    let mut reserve = |state: &mut State<T, H, O>| match state.reserve() {
        Err(Refusal::Full) => Some(()),
        done => {
            outcome = Some(done);
            None
        }
    };
    let turn = ready!(wait.as_mut().poll(cx, |_| false, |_, state| reserve(state)));
    Poll::Ready(match outcome {
        Some(outcome) => outcome,
        None if turn == Turn::Given && !wait.waiter.queue.is_closed() => Ok(()),
        None => {
            if turn == Turn::Given {
                wait.waiter.queue.unreserve();
            }
            Err(Refusal::Closed)
        }
    })
}

/// What only channels offer.
impl<T, H: Home, O: Order<T>> Queue<T, H, O> {
    /// Takes room, if there is some.
    pub(crate) fn try_reserve(&self) -> Result<(), Refusal> {
        self.state.with(|state| state.reserve())
    }

    /// Gives up room that was reserved.
    pub(crate) fn unreserve(&self) {
        let next = self.state.with(|state| state.give_back_room());
        wake(next);
    }

    /// Puts `item` into room that was reserved.
    pub(crate) fn put_reserved(&self, item: T) -> Result<(), PutError<T>> {
        let mut item = Some(item);
        match self.state.with(|state| state.offer_reserved(&mut item)) {
            Ok(getter) => {
                wake(getter);
                Ok(())
            }
            Err(refusal) => Err(PutError::left(item, refusal)),
        }
    }

    /// Puts `item` in; if there is no room, in place of the next, which is returned.
    pub(crate) fn put_evicting(&self, item: T) -> Result<Option<T>, PutError<T>> {
        let mut item = Some(item);
        match self.state.with(|state| state.offer_evicting(&mut item)) {
            Ok((evicted, getter)) => {
                wake(getter);
                Ok(evicted)
            }
            Err(refusal) => Err(PutError::left(item, refusal)),
        }
    }
}
