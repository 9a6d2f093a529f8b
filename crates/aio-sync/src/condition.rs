//! Waiting, with a lock given up meanwhile, for a change of what it protects.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::Exclusive;
use aio_base::{Home, Shared, host};

use crate::lock::{Lock, LockFuture, LockGuard};
use crate::wait_queue::{Line, Turn, Wait, Waiter, wake, wake_batches};

/// What tasks wait for that have a [`Lock`], and need somebody else to change its value first: asyncio's `Condition`.
///
/// `aio_sync::Condition` may be shared between threads; `aio_sync::local::Condition` stays on one and is cheaper. Both
/// are this type in one of its [homes](aio_base::home). Any number of conditions may go with one lock.
///
/// # Coming from asyncio
///
/// | asyncio                             | here                                                             |
/// |-------------------------------------|------------------------------------------------------------------|
/// | `async with condition:`             | `let mut guard = lock.lock().await;`                             |
/// | `await condition.wait()`            | `guard = condition.wait(guard).await;`                           |
/// | `await condition.wait_for(f)`       | `guard = condition.wait_for(guard, f).await;`                    |
/// | `condition.notify(n)`, `notify_all` | `condition.notify(n)`, `condition.notify_all()`                  |
/// | waiting without the lock            | does not compile: there is no guard                              |
/// | cancelled, it still has the lock    | dropped, it does not: it lets go of the lock when it begins      |
/// | `await wait_for(condition.wait(), t)` | `timeout(t, condition.wait(guard)).await`: see below           |
///
/// A change is not missed if it is made under the lock, and then notified, with the lock or after its release.
///
/// # Waiting with a deadline
/// There is no form of `wait` with one: to give up is to drop the future, which `aio::timeout`, or that of another
/// runtime, does. A notification is not lost by it: if it was just given to the one that gives up, the next one has it.
///
/// The lock is not held after that, and to take it again may take longer than the deadline. Who needs to know what has
/// become of the value takes it outside of the time limit, and looks:
///
/// ```
/// # use aio_sync::{Condition, Lock};
/// # struct Elapsed;
/// # async fn timeout<F: Future>(_: std::time::Duration, future: F) -> Result<F::Output, Elapsed> { Ok(future.await) }
/// # async fn example(stock: &Lock<u32>, delivered: &Condition, limit: std::time::Duration) -> bool {
/// let guard = stock.lock().await;
/// let mut stock = match timeout(limit, delivered.wait_for(guard, |stock| *stock >= 3)).await {
///     Ok(guard) => guard,
///     Err(Elapsed) => stock.lock().await,
/// };
/// let is_enough = *stock >= 3;
/// # is_enough }
/// ```
///
/// # Fairness
/// First come, first served: the first to wait is the first to be woken, and goes to the back of the line of the lock
/// when it runs.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::{Condition, Lock};
/// use futures_lite::future::zip;
///
/// let stock = Lock::new(0);
/// let delivered = Condition::new();
///
/// let customer = async {
///     let mut stock = delivered.wait_for(stock.lock().await, |stock| *stock >= 3).await;
///     *stock -= 3;
/// };
/// let supplier = async {
///     *stock.lock().await += 5;
///     delivered.notify_all();
/// };
/// zip(customer, supplier).await;
/// assert_eq!(stock.into_inner(), 2);
/// # });
/// ```
pub struct Condition<H: Home> {
    waiting: H::Exclusive<Waiting<H>>,
}

/// Who waits, and how many.
struct Waiting<H: Home> {
    n: usize,
    line: Line<H, ()>,
}

impl<H: Home> Waiting<H> {
    const fn new() -> Self {
        Self { n: 0, line: Line::new() }
    }

    fn take_first(&mut self, take: impl Fn(&mut Line<H, ()>) -> Option<Waker>) -> Option<Waker> {
        let first = take(&mut self.line);
        self.n -= usize::from(first.is_some());
        first
    }
}

impl<H: Home> Condition<H> {
    /// A condition that nobody waits for.
    pub fn new() -> Self {
        Self { waiting: Exclusive::new(Waiting::new()) }
    }

    /// Releases the lock, waits for a notification, and waits for the lock again.
    ///
    /// Others may have taken the lock, and changed its value again, between the notification and the return: use
    /// [`wait_for`](Self::wait_for), or look at the value and wait again.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the lock released, or releases it if the future was never polled. If it was notified
    /// already, the next who waits is notified instead.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll, before the lock is released.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    pub fn wait<'a, T: ?Sized>(&'a self, guard: LockGuard<'a, T, H>) -> ConditionFuture<'a, T, H> {
        ConditionFuture { stage: Stage::Holding { condition: self, guard } }
    }

    /// [Waits](Self::wait) until `predicate` holds, and returns with the lock. If it holds already, does not yield.
    ///
    /// # Cancel safety
    /// As in [`wait`](Self::wait).
    ///
    /// # Fairness
    /// One that is woken although its predicate does not hold goes to the back of the line.
    pub async fn wait_for<'a, T: ?Sized>(
        &'a self,
        mut guard: LockGuard<'a, T, H>,
        mut predicate: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'a, T, H> {
        while !predicate(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Wakes the first who waits. If nobody does, nothing happens.
    ///
    /// # Panics
    /// If the waker panics.
    pub fn notify_one(&self) {
        wake(self.waiting.with(|waiting| waiting.take_first(Line::wake_first)));
    }

    /// Wakes the first `n` of those who wait, or all, if there are fewer.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn notify(&self, n: usize) {
        self.wake_some(n, Line::wake_first);
    }

    /// Wakes all who wait.
    ///
    /// # Fairness
    /// They are woken in the order in which they came.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn notify_all(&self) {
        // Nobody is left who would have to get the notification of one that is dropped.
        self.wake_some(usize::MAX, Line::dismiss_first);
    }

    fn wake_some(&self, most: usize, take: impl Fn(&mut Line<H, ()>) -> Option<Waker>) {
        // As many as wait now: not those who come while others are being woken.
        let mut left = None;
        wake_batches(|wakers| {
            self.waiting.with(|waiting| {
                let left = left.get_or_insert(most.min(waiting.n));
                while *left > 0 && wakers.has_room() {
                    let Some(waker) = waiting.take_first(&take) else { return false };
                    wakers.push(waker);
                    *left -= 1;
                }
                *left > 0
            })
        });
    }
}

#[cfg(not(aio_loom))]
impl Condition<Shared> {
    /// A condition that nobody waits for, for a `static`.
    pub const fn const_new() -> Self {
        Self { waiting: BriefLock::new(Waiting::new()) }
    }
}

impl Condition<Shared> {
    /// [Waits](Self::wait) on a thread that is no task's: blocks it until it is notified and has the lock again.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still. The lock is released then.
    #[track_caller]
    pub fn wait_blocking<'a, T: ?Sized>(&'a self, guard: LockGuard<'a, T>) -> LockGuard<'a, T> {
        host::block_on("`wait_blocking`", self.wait(guard))
    }

    /// [Waits](Self::wait_for) until `predicate` holds on a thread that is no task's: blocks it until it does, and
    /// returns with the lock.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still. The lock is released then.
    #[track_caller]
    pub fn wait_for_blocking<'a, T: ?Sized>(
        &'a self,
        guard: LockGuard<'a, T>,
        predicate: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'a, T> {
        host::block_on("`wait_for_blocking`", self.wait_for(guard, predicate))
    }
}

impl<H: Home> Default for Condition<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: Home> fmt::Debug for Condition<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("n_waiting", &self.waiting.with(|waiting| waiting.n)).finish()
    }
}

/// Waits for a [`Condition`]: made by [`Condition::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct ConditionFuture<'a, T: ?Sized, H: Home = Shared> {
    stage: Stage<'a, T, H>,
}

enum Stage<'a, T: ?Sized, H: Home> {
    /// Not polled yet.
    Holding {
        condition: &'a Condition<H>,
        guard: LockGuard<'a, T, H>,
    },
    /// In the line of the condition, or woken from it.
    Waiting {
        lock: &'a Lock<T, H>,
        wait: Wait<H, Notifiee<'a, H>>,
    },
    /// In the line of the lock. (When this is dropped, in the order of the fields.)
    Locking {
        lock: LockFuture<'a, T, H>,
        notification: Notification<'a, H>,
    },
    Done,
}

/// What [`Condition::notify_one`] gave, and the next gets if this is dropped.
struct Notification<'a, H: Home>(Option<&'a Condition<H>>);

impl<H: Home> Drop for Notification<'_, H> {
    fn drop(&mut self) {
        if let Some(condition) = self.0 {
            condition.notify_one();
        }
    }
}

impl<'a, T: ?Sized, H: Home> Future for ConditionFuture<'a, T, H> {
    type Output = LockGuard<'a, T, H>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `stage` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let mut stage = unsafe { self.map_unchecked_mut(|this| &mut this.stage) };
        // Released when this returns: by then the place in the line is taken, so that whoever has the lock next does
        // not notify too early.
        let mut _held = None;
        loop {
            // SAFETY: of what is in there, `wait` and `lock` are pinned: they are only polled, and dropped by
            // `Pin::set`.
            match unsafe { stage.as_mut().get_unchecked_mut() } {
                holding @ Stage::Holding { .. } => {
                    let Stage::Holding { condition, guard } = std::mem::replace(holding, Stage::Done) else {
                        unreachable!("it is in this stage");
                    };
                    let lock = LockGuard::source(&guard);
                    _held = Some(guard);
                    stage.set(Stage::Waiting { lock, wait: Wait::new(Notifiee(condition)) });
                }
                Stage::Waiting { lock, wait } => {
                    let (lock, condition) = (*lock, wait.waiter.0);
                    // SAFETY: see above.
                    let wait = unsafe { Pin::new_unchecked(wait) };
                    let turn = ready!(wait.poll(
                        cx,
                        |_| false,
                        |_, waiting| {
                            waiting.n += 1;
                            Some(())
                        }
                    ));
                    let notification = Notification((turn == Turn::Given).then_some(condition));
                    stage.set(Stage::Locking { lock: lock.lock(), notification });
                }
                Stage::Locking { lock, notification } => {
                    // SAFETY: see above.
                    let lock = unsafe { Pin::new_unchecked(lock) };
                    let guard = ready!(lock.poll(cx));
                    notification.0 = None;
                    stage.set(Stage::Done);
                    return Poll::Ready(guard);
                }
                Stage::Done => panic!("polled again after it was ready"),
            }
        }
    }
}

impl<T: ?Sized, H: Home> fmt::Debug for ConditionFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Holding { .. } => f.write_str("ConditionFuture(New)"),
            Stage::Waiting { wait, .. } => write!(f, "ConditionFuture({wait:?})"),
            Stage::Locking { lock, .. } => write!(f, "ConditionFuture({lock:?})"),
            Stage::Done => f.write_str("ConditionFuture(Done)"),
        }
    }
}

struct Notifiee<'a, H: Home>(&'a Condition<H>);

// SAFETY: the condition that it refers to has one lock and one line.
unsafe impl<H: Home> Waiter<H> for Notifiee<'_, H> {
    type Guarded = Waiting<H>;
    type Note = ();

    fn guarded(&self) -> &H::Exclusive<Waiting<H>> {
        &self.0.waiting
    }

    fn line(waiting: &mut Waiting<H>) -> &mut Line<H, ()> {
        &mut waiting.line
    }

    fn pass_on(&self) {
        self.0.notify_one();
    }

    fn leaves(waiting: &mut Waiting<H>) {
        waiting.n -= 1;
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
