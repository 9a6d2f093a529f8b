//! Taking an item out, and waiting for one.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use aio_base::choice;
use aio_base::home::Exclusive;
use aio_base::{Home, Shared, WakeList};

use super::Queue;
use super::error::{GetError, Lack};
use super::order::{Fifo, Order, Store};
use super::reference::{PassOn, QueueRef, waiter};
use super::state::State;
use crate::wait_queue::{Line, Turn, Wait, Waiter, wake};

waiter!(
    /// Waits for an item.
    Getter, "to get", getters: (), |state| state.give_back_item()
);

type Borrowed<'a, T, H, O> = Wait<H, Getter<T, O, &'a Queue<T, H, O>>>;

/// Takes an item out of a [`Queue`]: made by [`Queue::get`].
#[must_use = "futures do nothing unless awaited"]
pub struct GetFuture<'a, T, H: Home = Shared, O: Order<T> = Fifo> {
    wait: Borrowed<'a, T, H, O>,
}

impl<'a, T, H: Home, O: Order<T>> GetFuture<'a, T, H, O> {
    #[inline]
    pub(super) fn new(queue: &'a Queue<T, H, O>) -> Self {
        Self { wait: Wait::new(Getter::new(queue)) }
    }

    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(name).field(&self.wait).finish()
    }
}

impl<T, H: Home, O: Order<T>> Future for GetFuture<'_, T, H, O> {
    type Output = Result<T, GetError>;

    // Small, since all that is rare is apart; and a call would move the item through memory.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let output = ready!(poll_get(wait.as_mut(), cx));
        // As in `PutFuture`.
        wait.pass();
        Poll::Ready(output)
    }
}

/// The wait is done with that, unless it is new.
#[inline(always)]
pub(crate) fn poll_get<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    wait: Pin<&mut Wait<H, Getter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, GetError>> {
    if !wait.is_new() {
        return come_back(wait, cx);
    }
    // SAFETY: `pop` moves the item and perhaps a waker, and calls nothing but what it is made of.
    match unsafe { wait.waiter.queue.state.try_with_leaf(State::pop) }.flatten() {
        Some((item, None)) => Poll::Ready(Ok(item)),
        Some((item, Some(putter))) => {
            // Also if the waker panics.
            wait.pass();
            tell(item, putter)
        }
        None => take_or_wait(wait, cx),
    }
}

/// All that [`State::pop`] does not do.
#[inline(never)]
fn take_or_wait<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    mut wait: Pin<&mut Wait<H, Getter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, GetError>> {
    // SAFETY: `has_none_yet` compares numbers.
    if O::Store::HAS_LEAVES && unsafe { wait.as_mut().try_enter(cx, |state| state.has_none_yet().then_some(())) } {
        return Poll::Pending;
    }
    look_again(wait, cx)
}

/// Takes an item that is there after all, or the order of the items needs foreign code for it.
#[inline(never)]
fn look_again<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    wait: Pin<&mut Wait<H, Getter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, GetError>> {
    let mut outcome = match wait.waiter.queue.state.with(|state| state.take()) {
        Err(Lack::Empty) => None,
        done => {
            wait.pass();
            return Poll::Ready(had(done));
        }
    };
    let mut take = |state: &mut State<T, H, O>| match state.take() {
        Err(Lack::Empty) => Some(()),
        done => {
            outcome = Some(done);
            None
        }
    };
    ready!(wait.poll(cx, |_| false, |_, state| take(state)));
    Poll::Ready(had(outcome.expect("otherwise it waits")))
}

/// By one that has waited.
#[inline(never)]
fn come_back<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    wait: Pin<&mut Wait<H, Getter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, GetError>> {
    match wait.try_serve() {
        Some(turn) => served(&wait.into_ref().get_ref().waiter, turn),
        None => wait_on(wait, cx),
    }
}

#[cold]
#[inline(never)]
fn wait_on<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    mut wait: Pin<&mut Wait<H, Getter<T, O, Q>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, GetError>> {
    let turn = ready!(wait.as_mut().poll(cx, |_| false, |_, _| None));
    served(&wait.waiter, turn)
}

#[inline]
fn served<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    waiter: &Getter<T, O, Q>,
    turn: Turn,
) -> Poll<Result<T, GetError>> {
    if turn != Turn::Given {
        // Closed, with nothing left for this one then. But what another had a claim to may have come back since.
        return Poll::Ready(waiter.queue.try_get());
    }
    // SAFETY: `pop_claimed` moves the item, and calls nothing.
    match unsafe { waiter.queue.state.try_with_leaf(State::pop_claimed) }.flatten() {
        Some(item) => Poll::Ready(Ok(item)),
        None => take_claimed(waiter),
    }
}

/// Tells who waits for the room, when an item was taken out.
#[inline(never)]
fn tell<T>(item: T, putter: Waker) -> Poll<Result<T, GetError>> {
    wake(Some(putter));
    Poll::Ready(Ok(item))
}

/// All that [`State::pop_claimed`] does not do.
#[inline(never)]
fn take_claimed<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>>(
    waiter: &Getter<T, O, Q>,
) -> Poll<Result<T, GetError>> {
    let claim = PassOn::new(waiter);
    let taken = waiter.queue.state.with(State::take_claimed);
    claim.forget();
    Poll::Ready(had(Ok(taken)))
}

/// Tells who waits for the room.
#[inline(never)]
fn had<T>(taken: Result<(T, Option<Waker>), Lack>) -> Result<T, GetError> {
    let (item, putter) = taken.map_err(GetError::new)?;
    wake(putter);
    Ok(item)
}

impl<T, H: Home, O: Order<T>> fmt::Debug for GetFuture<'_, T, H, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("GetFuture", f)
    }
}

/// What only channels offer.
impl<T, H: Home, O: Order<T>> Queue<T, H, O> {
    /// Moves what is there to the end of `items`, but no more than `limit`. How many these were.
    pub(crate) fn try_get_many(&self, items: &mut Vec<T>, limit: usize) -> usize {
        let mut n_taken = 0;
        loop {
            // Under the lock nothing is allocated for it.
            let n = self.len().min(limit - n_taken);
            items.reserve(n);
            let mut putters = WakeList::new();
            let taken = self.state.with(|state| {
                let mut taken = 0;
                while taken < n
                    && putters.has_room()
                    && let Ok((item, putter)) = state.take()
                {
                    items.push(item);
                    putter.into_iter().for_each(|putter| putters.push(putter));
                    taken += 1;
                }
                taken
            });
            putters.wake_all();
            n_taken += taken;
            if taken == 0 {
                return n_taken;
            }
        }
    }
}
