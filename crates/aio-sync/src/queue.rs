//! Items on their way from some tasks to others.

mod error;
mod state;

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use aio_base::home::Exclusive;
use aio_base::{Home, Panics, Shared};

pub use error::{GetError, PutError};
use state::{Progress, State};

use crate::wait_queue::{Line, Turn, Wait, Waiter, wake, wake_batches};

/// Items on their way from tasks that put to tasks that get, first in, first out.
///
/// `aio_sync::Queue<T>` may be shared between threads; `aio_sync::local::Queue<T>` stays on one and is cheaper. Both
/// are this type in one of its [homes](aio_base::home). Any number of tasks may put and get, by a shared reference.
///
/// # Coming from asyncio
///
/// | asyncio                               | here                                                          |
/// |---------------------------------------|---------------------------------------------------------------|
/// | `Queue(maxsize=n)`                    | [`Queue::bounded(n)`](Self::bounded)                          |
/// | `Queue()`                             | [`Queue::unbounded()`](Self::unbounded)                       |
/// | `await q.put(x)`, `await q.get()`     | `q.put(x).await?`, `q.get().await?`: errors once it is closed |
/// | `q.put_nowait(x)`, `q.get_nowait()`   | `q.try_put(x)?`, `q.try_get()?`                               |
/// | `q.qsize()`, `q.empty()`, `q.full()`  | `q.len()`, `q.is_empty()`, `q.is_full()`                      |
/// | `q.task_done()`, `await q.join()`     | `q.task_done()`, `q.join().await`                             |
/// | `q.shutdown()`                        | [`q.close()`](Self::close)                                    |
/// | `q.shutdown(immediate=True)`          | [`q.close_now()`](Self::close_now), which returns the items   |
///
/// There, a getter that was woken may be robbed of the item by one that comes later, and goes to the back of the line.
/// Here it is not.
///
/// # Fairness
/// First come, first served, for those who put and for those who get. An item for somebody who waits is handed to the
/// first of them before that one runs, and room to the first who waits for room: nobody overtakes, neither do
/// [`try_put`](Self::try_put) and [`try_get`](Self::try_get).
///
/// An item counts, and takes room, until its getter has it: so a bounded queue never holds more than it may, but an
/// item that was handed to a task rests until that task runs.
///
/// # Panics
/// A waker that panics does so in the call that wakes it, after the queue has done what the call asks for. An item that
/// was just got is dropped by that panic.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::Queue;
/// use futures_lite::future::zip;
///
/// let queue = Queue::bounded(1);
/// let producer = async {
///     for i in 1..=3 {
///         queue.put(i).await.unwrap();
///     }
///     queue.close();
/// };
/// let consumer = async {
///     let mut sum = 0;
///     while let Ok(i) = queue.get().await {
///         sum += i;
///     }
///     sum
/// };
/// assert_eq!(zip(producer, consumer).await.1, 6);
/// # });
/// ```
pub struct Queue<T, H: Home> {
    state: H::Exclusive<State<T, H>>,
}

impl<T, H: Home> Queue<T, H> {
    /// An empty queue for at most `capacity` items.
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn bounded(capacity: usize) -> Self {
        assert!(capacity > 0, "a queue has room for at least one item");
        Self { state: Exclusive::new(State::new(capacity)) }
    }

    /// An empty queue for any number of items: whoever puts never waits.
    pub fn unbounded() -> Self {
        Self { state: Exclusive::new(State::new(usize::MAX)) }
    }

    /// Waits until there is room and puts `item` in. If there is room, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future drops the item, which has not been in the queue, and gives up the place in the line; room
    /// that it was just being given goes to the next in the line.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, it takes room for ever.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Errors
    /// [`PutError`] with the item, if the queue is [closed](Self::close), or is closed before the item is in.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn put(&self, item: T) -> PutFuture<'_, T, H> {
        PutFuture { item: Some(item), wait: Wait::new(Putter(self)) }
    }

    /// Waits until there is an item and takes it out. If there is one, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing out and gives up the place in the line. If it was just being given an item,
    /// that goes to the next in the line; if nobody is there, it stays at the front.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, an item stays in the queue for ever.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Errors
    /// [`GetError`], if the queue is empty and [closed](Self::close).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn get(&self) -> GetFuture<'_, T, H> {
        GetFuture { wait: Wait::new(Getter(self)) }
    }

    /// Puts `item` in, if there is room now. There is none while others wait for it.
    ///
    /// # Errors
    /// [`PutError`] with the item, if the queue is full, or closed.
    #[inline]
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        let getter = self.state.with(|state| state.offer(item))?;
        wake(getter);
        Ok(())
    }

    /// Takes an item out, if there is one now that was not handed to somebody already.
    ///
    /// # Errors
    /// [`GetError`], if there is none.
    #[inline]
    pub fn try_get(&self) -> Result<T, GetError> {
        let (item, putter) = self.state.with(|state| state.take())?;
        wake(putter);
        Ok(item)
    }

    /// How many items are in the queue. One that was handed to a task counts until that task has run.
    pub fn len(&self) -> usize {
        self.state.with(|state| state.len())
    }

    /// Whether no item is in the queue, none that was handed to somebody either.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room. It is also taken by those to whom it was given and who have not put their item in yet.
    pub fn is_full(&self) -> bool {
        self.state.with(|state| !state.has_room())
    }

    /// For how many items there is room; `None` if for any number.
    pub fn capacity(&self) -> Option<usize> {
        let capacity = self.state.with(|state| state.capacity());
        (capacity != usize::MAX).then_some(capacity)
    }

    /// Says that an item that was put in has been dealt with: [`join`](Self::join) waits for all of them.
    ///
    /// # Panics
    /// If it is called more often than items were put in.
    #[track_caller]
    pub fn task_done(&self) {
        match self.state.with(|state| state.finish(1)) {
            Progress::TooMuch => panic!("`task_done` was called more often than items were put into the queue"),
            Progress::SomeLeft => {}
            Progress::AllDone(round) => self.wake_joiners(round),
        }
    }

    /// Waits until [`task_done`](Self::task_done) has been called for every item that was put in. If that is so, or
    /// none was, does not yield.
    ///
    /// Once it was so, the waiting is over, even if new items come before the future is polled.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_sync::local::Queue;
    /// use futures_lite::future::or;
    ///
    /// let queue = Queue::unbounded();
    /// for page in ["a", "b"] {
    ///     queue.try_put(page).unwrap();
    /// }
    /// let worker = async {
    ///     while let Ok(page) = queue.get().await {
    ///         assert!(page < "c");
    ///         queue.task_done();
    ///     }
    /// };
    /// or(worker, queue.join()).await;
    /// assert!(queue.is_empty());
    /// # });
    /// ```
    #[inline]
    pub fn join(&self) -> QueueJoinFuture<'_, T, H> {
        QueueJoinFuture { wait: Wait::new(Joiner(self)) }
    }

    /// Closes the queue for ever: nothing more is put in, those who wait to do so get an error, and those who get take
    /// out what is there and then get an error.
    ///
    /// [`join`](Self::join) goes on waiting for what was put in. Closing it twice changes nothing.
    ///
    /// # Fairness
    /// Those who wait are woken in the order in which they came, the getters first.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn close(&self) {
        // Nobody joins the lines of a closed queue, so that this ends.
        wake_batches(|wakers| self.state.with(|state| state.close(wakers)));
    }

    /// [Closes](Self::close) the queue and empties it: returns the items that were not handed to anybody yet, and
    /// counts them as [done](Self::task_done).
    ///
    /// # Panics
    /// If a waker panics, as in [`close`](Self::close). The items are dropped then.
    pub fn close_now(&self) -> Vec<T> {
        let mut panics = Panics::new();
        panics.catch(|| self.close());
        let (items, progress) = self.state.with(|state| state.remove_all());
        if let Progress::AllDone(round) = progress {
            panics.catch(|| self.wake_joiners(round));
        }
        panics.resume();
        items.into()
    }

    /// Whether it has been [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.state.with(|state| state.is_closed())
    }

    /// Everything is done for the `round`th time: lets those go who came to join before it was.
    fn wake_joiners(&self, round: usize) {
        wake_batches(|wakers| self.state.with(|state| state.dismiss_joiners(round, wakers)));
    }
}

impl<T, H: Home> fmt::Debug for Queue<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// Puts an item into a [`Queue`]: made by [`Queue::put`].
#[must_use = "futures do nothing unless awaited"]
pub struct PutFuture<'a, T, H: Home = Shared> {
    /// Until it is in the queue, or handed back.
    item: Option<T>,
    wait: Wait<H, Putter<'a, T, H>>,
}

impl<T, H: Home> Future for PutFuture<'_, T, H> {
    type Output = Result<(), PutError<T>>;

    // Small, since all that is rare is apart; and a call would move the item through memory.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is. `item` is not: it is moved.
        let (item, mut wait) = unsafe {
            let this = self.get_unchecked_mut();
            (&mut this.item, Pin::new_unchecked(&mut this.wait))
        };
        let queue = wait.waiter.0;
        // SAFETY: `push` moves the item, and calls nothing.
        let output = if wait.is_new() && unsafe { queue.state.try_with_leaf(|state| state.push(item)) } == Some(true) {
            Ok(())
        } else {
            ready!(offer_or_wait(item, wait.as_mut(), cx))
        };
        // In sight of the destructor, which then has nothing to do: if it had to look, what is here would be kept in
        // registers that are saved and restored each time.
        wait.pass();
        Poll::Ready(output)
    }
}

/// All that [`State::push`] does not do.
#[cold]
#[inline(never)]
fn offer_or_wait<T, H: Home>(
    item: &mut Option<T>,
    wait: Pin<&mut Wait<H, Putter<'_, T, H>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), PutError<T>>> {
    if wait.is_new()
        && let Some(offered) = item.take()
    {
        match wait.waiter.0.state.with(|state| state.offer(offered)) {
            Err(error) if error.is_full() => *item = Some(error.into_item()),
            done => {
                wait.pass();
                return Poll::Ready(done.map(wake));
            }
        }
    }
    wait_for_room(Cell::from_mut(item), wait, cx)
}

#[inline(never)]
fn wait_for_room<T, H: Home>(
    item: &Cell<Option<T>>,
    wait: Pin<&mut Wait<H, Putter<'_, T, H>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), PutError<T>>> {
    let queue = wait.waiter.0;
    let outcome = Cell::new(None);
    // Whether there is nothing to wait for. The item is there: it leaves with the output, and then `Wait` does not ask
    // again.
    let offer = |state: &mut State<T, H>| match state.offer(item.take().expect("an item that was not put yet")) {
        Err(error) if error.is_full() => {
            item.set(Some(error.into_item()));
            false
        }
        done => {
            outcome.set(Some(done));
            true
        }
    };
    let turn = ready!(wait.poll(cx, |_| false, |_, state| (!offer(state)).then_some(())));
    let outcome = match (outcome.into_inner(), item.take()) {
        (Some(outcome), _) => outcome,
        (None, Some(item)) if turn == Turn::Given => queue.state.with(|state| state.offer_reserved(item)),
        (None, Some(item)) => Err(PutError::closed(item)),
        (None, None) => unreachable!("without an outcome the item has not left"),
    };
    Poll::Ready(outcome.map(wake))
}

impl<T, H: Home> fmt::Debug for PutFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PutFuture").field(&self.wait).finish()
    }
}

/// Takes an item out of a [`Queue`]: made by [`Queue::get`].
#[must_use = "futures do nothing unless awaited"]
pub struct GetFuture<'a, T, H: Home = Shared> {
    wait: Wait<H, Getter<'a, T, H>>,
}

impl<T, H: Home> Future for GetFuture<'_, T, H> {
    type Output = Result<T, GetError>;

    // Small, since all that is rare is apart; and a call would move the item through memory.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let mut wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let queue = wait.waiter.0;
        let output = if wait.is_new()
            // SAFETY: `pop` moves the item, and calls nothing.
            && let Some(Some(item)) = unsafe { queue.state.try_with_leaf(State::pop) }
        {
            Ok(item)
        } else {
            ready!(take_or_wait(wait.as_mut(), cx))
        };
        // As in `PutFuture`.
        wait.pass();
        Poll::Ready(output)
    }
}

/// All that [`State::pop`] does not do.
#[cold]
#[inline(never)]
fn take_or_wait<T, H: Home>(
    wait: Pin<&mut Wait<H, Getter<'_, T, H>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, GetError>> {
    let queue = wait.waiter.0;
    let outcome = Cell::new(None);
    // Whether there is nothing to wait for.
    let take = |state: &mut State<T, H>| match state.take() {
        Err(error) if error.is_empty() => false,
        done => {
            outcome.set(Some(done));
            true
        }
    };
    let turn = ready!(wait.poll(cx, |_| false, |_, state| (!take(state)).then_some(())));
    let outcome = match outcome.into_inner() {
        Some(outcome) => outcome,
        None if turn == Turn::Given => Ok(queue.state.with(State::take_handed)),
        None => Err(GetError::CLOSED),
    };
    Poll::Ready(outcome.map(|(item, putter)| {
        wake(putter);
        item
    }))
}

impl<T, H: Home> fmt::Debug for GetFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GetFuture").field(&self.wait).finish()
    }
}

/// Waits until everything in a [`Queue`] is done: made by [`Queue::join`].
#[must_use = "futures do nothing unless awaited"]
pub struct QueueJoinFuture<'a, T, H: Home = Shared> {
    wait: Wait<H, Joiner<'a, T, H>>,
}

impl<T, H: Home> Future for QueueJoinFuture<'_, T, H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let queue = wait.waiter.0;
        let rounds_before = |state: &mut State<T, H>| state.rounds_before_joining();
        wait.poll(cx, |_| queue.state.with(rounds_before).is_none(), |_, state| rounds_before(state)).map(|_| ())
    }
}

impl<T, H: Home> fmt::Debug for QueueJoinFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueJoinFuture").field(&self.wait).finish()
    }
}

/// Waits for room.
struct Putter<'a, T, H: Home>(&'a Queue<T, H>);

/// Waits for an item.
struct Getter<'a, T, H: Home>(&'a Queue<T, H>);

/// Waits for the end of all work.
struct Joiner<'a, T, H: Home>(&'a Queue<T, H>);

macro_rules! waiter {
    ($waiter:ident, $line:ident: $note:ty, |$state:ident| $pass_on:expr) => {
        // SAFETY: the queue that it refers to has one lock, and one line for this purpose.
        unsafe impl<T, H: Home> Waiter<H> for $waiter<'_, T, H> {
            type Guarded = State<T, H>;
            type Note = $note;

            #[inline]
            fn guarded(&self) -> &H::Exclusive<State<T, H>> {
                &self.0.state
            }

            #[inline]
            fn line(state: &mut State<T, H>) -> &mut Line<H, $note> {
                &mut state.$line
            }

            fn pass_on(&self) {
                let next: Option<Waker> = self.0.state.with(|$state| $pass_on);
                wake(next);
            }
        }
    };
}

waiter!(Putter, putters: (), |state| state.give_back_room());
waiter!(Getter, getters: (), |state| state.give_back_item());
// Each is woken when all is done: there is nothing to pass on.
waiter!(Joiner, joiners: usize, |_state| None);

#[cfg(all(test, aio_loom))]
mod tests;
