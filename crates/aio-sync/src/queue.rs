//! Items on their way from some tasks to others.

mod error;
mod get;
mod heap;
mod join;
mod order;
mod put;
mod reference;
mod state;

use std::fmt;

use aio_base::home::Exclusive;
use aio_base::{Home, Panics, Shared, host};

pub(crate) use error::Refusal;
pub use error::{GetError, PutError};
pub use get::GetFuture;
pub(crate) use get::{Getter, poll_get};
pub use join::QueueJoinFuture;
use order::Store;
pub use order::{Fifo, Lifo, Order, Smallest};
pub use put::PutFuture;
pub(crate) use put::{Putter, poll_reserve};
pub(crate) use reference::QueueRef;
use state::{Progress, State};

use crate::wait_queue::{wake, wake_batches};

/// Items on their way from tasks that put to tasks that get, in an [`Order`]: first in, first out, unless said
/// otherwise.
///
/// `aio_sync::Queue<T>` may be shared between threads; `aio_sync::local::Queue<T>` stays on one and is cheaper. Both
/// are this type in one of its [homes](aio_base::home). Any number of tasks may put and get, by a shared reference.
///
/// | order        | alias              | what comes out next                                 |
/// |--------------|--------------------|-----------------------------------------------------|
/// | [`Fifo`]     | `Queue<T>`         | the oldest                                          |
/// | [`Lifo`]     | `LifoQueue<T>`     | the newest                                          |
/// | [`Smallest`] | `PriorityQueue<T>` | the smallest by `T: Ord`; of equal ones, the oldest |
///
/// # Coming from asyncio
///
/// | asyncio                               | here                                                          |
/// |---------------------------------------|---------------------------------------------------------------|
/// | `Queue(maxsize=n)`                    | [`Queue::bounded(n)`](Self::bounded)                          |
/// | `LifoQueue(n)`, `PriorityQueue(n)`    | `LifoQueue::bounded(n)`, `PriorityQueue::bounded(n)`          |
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
/// item that was handed to a task rests until that task runs. What is set aside for getters that were woken is, first
/// in, first out, theirs in the order in which they run, whoever was woken for which; in the other orders it is *an*
/// item, and the getter takes the newest or the smallest that is there when it runs. So of several getters one may have
/// an item before another one has an earlier one; a single getter has them in the order of the queue.
///
/// # Comparisons
/// A `PriorityQueue` compares its items while it is locked: [`Ord`] of the items must not use the same queue (on one
/// thread that panics, or never ends; in the local home, dropping a future that waits for the queue aborts the process,
/// since there is no other way to keep the queue from using it). If a comparison panics, so does the call, or the
/// future, that made it. Nothing has happened then: an item that was to be put in is dropped by that panic, and all
/// others are still there.
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
pub struct Queue<T, H: Home, O: Order<T> = Fifo> {
    pub(crate) state: H::Exclusive<State<T, H, O>>,
}

impl<T, H: Home, O: Order<T>> Queue<T, H, O> {
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
    pub fn put(&self, item: T) -> PutFuture<'_, T, H, O> {
        PutFuture::new(self, item)
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
    pub fn get(&self) -> GetFuture<'_, T, H, O> {
        GetFuture::new(self)
    }

    /// Puts `item` in, if there is room now. There is none while others wait for it.
    ///
    /// # Errors
    /// [`PutError`] with the item, if the queue is full, or closed.
    #[inline]
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        // Here, so that it is dropped outside of the lock if a comparison panics.
        let mut item = Some(item);
        match self.state.with(|state| state.offer(&mut item)) {
            Ok(getter) => {
                wake(getter);
                Ok(())
            }
            Err(refusal) => Err(PutError::left(item, refusal)),
        }
    }

    /// Takes an item out, if there is one now that was not handed to somebody already.
    ///
    /// # Errors
    /// [`GetError`], if there is none.
    #[inline]
    pub fn try_get(&self) -> Result<T, GetError> {
        let (item, putter) = self.state.with(|state| state.take()).map_err(GetError::new)?;
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
    pub fn join(&self) -> QueueJoinFuture<'_, T, H, O> {
        QueueJoinFuture::new(self)
    }

    /// Closes the queue for ever: nothing more is put in, those who wait to do so get an error, and those who get take
    /// out what is there and then get an error.
    ///
    /// [`join`](Self::join) goes on waiting for what was put in. Closing it twice changes nothing.
    ///
    /// An item that was handed to a task which is dropped before it runs comes back also after the close, for whoever
    /// of those who waited runs next, or for who asks then.
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
    /// counts them as [done](Self::task_done). They are in the order in which they would have come out.
    ///
    /// # Panics
    /// If a waker panics, as in [`close`](Self::close), or a comparison. The items are dropped then.
    pub fn close_now(&self) -> Vec<T> {
        let mut panics = Panics::new();
        panics.catch(|| self.close());
        let (items, progress) = self.state.with(|state| state.remove_all());
        if let Progress::AllDone(round) = progress {
            panics.catch(|| self.wake_joiners(round));
        }
        panics.resume();
        items.into_vec()
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

impl<T, O: Order<T>> Queue<T, Shared, O> {
    /// [`put`](Self::put) from a thread: blocks it while there is no room.
    ///
    /// # Fairness
    /// Threads and tasks wait in the same line.
    ///
    /// # Errors
    /// As those of [`put`](Self::put).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is room.
    #[track_caller]
    pub fn put_blocking(&self, item: T) -> Result<(), PutError<T>> {
        host::block_on("`put_blocking`", self.put(item))
    }

    /// [`get`](Self::get) from a thread: blocks it while there is no item.
    ///
    /// # Fairness
    /// Threads and tasks wait in the same line.
    ///
    /// # Errors
    /// As those of [`get`](Self::get).
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is an item.
    #[track_caller]
    pub fn get_blocking(&self) -> Result<T, GetError> {
        host::block_on("`get_blocking`", self.get())
    }
}

impl<T, H: Home, O: Order<T>> fmt::Debug for Queue<T, H, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
