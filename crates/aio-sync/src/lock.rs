//! Mutual exclusion between tasks.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::{Exclusive, Word};
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Shared};

use crate::wait_queue::{Line, Wait, Waiter, wake};

/// A value that one task at a time may use, across `.await`s if need be.
///
/// `aio_sync::Lock<T>` may be shared between threads; `aio_sync::local::Lock<T>` stays on one and is cheaper. Both are
/// this type in one of its [homes](aio_base::home).
///
/// # Coming from asyncio
///
/// The lock owns what it protects, and a [`LockGuard`] is the proof that it is held:
///
/// | asyncio                       | here                                                        |
/// |-------------------------------|-------------------------------------------------------------|
/// | `async with lock:`            | `{ let mut value = lock.lock().await; .. }`                 |
/// | `await lock.acquire()`        | `let guard = lock.lock().await;`                            |
/// | `lock.release()`              | `drop(guard)`, or the end of its block, a panic included    |
/// | release without having it     | does not compile: there is no guard to drop                 |
/// | release by another task       | send the guard there (not in the local home)                |
/// | `lock.locked()`               | [`lock.is_locked()`](Self::is_locked)                       |
/// | a lock beside what it guards  | `Lock<()>`                                                  |
///
/// As there, it is not reentrant: a task that waits for a lock it holds waits for ever.
///
/// # Fairness
/// First come, first served. The one who releases hands the lock to the first in the line before that one runs: nobody
/// overtakes, not even the one who released. [`try_lock`](Self::try_lock) does not overtake either.
///
/// # Panics
/// A panic while the lock is held releases it; the lock is not poisoned. A waker that panics does so in the `drop` of
/// the guard, and the lock has been handed over by then.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// let balance = aio_sync::Lock::new(10);
/// {
///     let mut balance = balance.lock().await;
///     *balance -= 3;
/// }
/// assert_eq!(*balance.lock().await, 7);
/// # });
/// ```
pub struct Lock<T: ?Sized, H: Home> {
    gate: Gate<H>,
    /// Belongs to whoever has moved the gate to LOCKED or was handed it: the one [`LockGuard`] in existence.
    value: UnsafeCell<T>,
}

// SAFETY: a shared lock gives access to its value to one thread at a time, by a guard that may be sent to another: that
// takes `T: Send`. It never gives two threads a `&T` at once (a guard does, and asks for `T: Sync`).
unsafe impl<T: ?Sized + Send> Sync for Lock<T, Shared> {}

/// Nobody has the lock, nobody waits. (That is what the byte beside a new line is.)
const UNLOCKED: u8 = 0;
/// Somebody has the lock, or has been handed it; nobody waits.
const LOCKED: u8 = 1;
/// Somebody has the lock, or has been handed it; others have come to wait, and may have given up since.
const CONTENDED: u8 = 2;

/// Whether one can pass, as a byte.
///
/// ```text
///               ──1 try_pass──▶            ──3 enter──▶
///      UNLOCKED                    LOCKED                CONTENDED ⟲ 4 hand_over
///         ▲     ◀────2 open────            ◀──4 hand_over──   │
///         └───────────────────5 hand_over─────────────────────┘
/// ```
/// 1. [`Gate::try_pass`], one compare-and-exchange; or [`Gate::enter`], when the lock was released just before.
/// 2. [`Gate::open`], one compare-and-exchange.
/// 3. [`Gate::enter`]: one has to wait.
/// 4. [`Gate::hand_over`] to the first in the line. The gate is CONTENDED again if others are in the line.
/// 5. [`Gate::hand_over`]: all have given up.
///
/// Edges 3 to 5 are made under the line's lock. The line is empty unless the gate is CONTENDED; so the lock does not
/// become free as long as somebody waits, and nobody overtakes.
struct Gate<H: Home> {
    /// The state is the byte beside the line.
    line: H::Exclusive<Line<H, ()>>,
}

impl<H: Home> Gate<H> {
    #[inline]
    fn state(&self) -> &H::Byte {
        self.line.byte()
    }

    #[inline]
    fn try_pass(&self) -> bool {
        // Acquire pairs with the Releases of `open` and `hand_over`: what the last holder wrote is visible to this one.
        self.state().compare_exchange(UNLOCKED, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Under the line's lock: whether one can pass, otherwise one must wait.
    fn enter(&self) -> bool {
        // Acquire as in `try_pass`.
        let is_free = self.state().swap(CONTENDED, Ordering::Acquire) == UNLOCKED;
        if is_free {
            // Nobody waits, and nobody else moves the gate now that it is taken. Relaxed: the next to see this is the
            // holder, at `open`.
            self.state().store(LOCKED, Ordering::Relaxed);
        }
        is_free
    }

    /// By the holder.
    #[inline]
    fn open(&self) {
        // Release pairs with the Acquires of `try_pass` and `enter`.
        if self.state().compare_exchange(LOCKED, UNLOCKED, Ordering::Release, Ordering::Relaxed).is_err() {
            self.hand_over();
        }
    }

    #[cold]
    fn hand_over(&self) {
        let next = self.line.with(|line| {
            let next = line.wake_first();
            if line.is_empty() {
                // Nobody else moves the gate: it is CONTENDED, and the line is locked. Release as in `open`. (Who is
                // handed the lock sees what was written before by being woken.)
                self.state().store(if next.is_some() { LOCKED } else { UNLOCKED }, Ordering::Release);
            }
            next
        });
        wake(next);
    }
}

impl<T, H: Home> Lock<T, H> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        let gate = Gate { line: Exclusive::new(Line::new()) };
        Self { gate, value: UnsafeCell::new(value) }
    }

    /// Takes the lock apart.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

#[cfg(not(aio_loom))]
impl<T> Lock<T, Shared> {
    /// A free lock around `value`, for a `static`.
    ///
    /// # Examples
    /// ```
    /// use aio_sync::Lock;
    ///
    /// static LOG: Lock<Vec<String>> = Lock::const_new(Vec::new());
    /// ```
    pub const fn const_new(value: T) -> Self {
        let gate = Gate { line: BriefLock::new(Line::new()) };
        Self { gate, value: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized, H: Home> Lock<T, H> {
    /// Waits until the lock is free and takes it. A free lock is taken without yielding.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the line; if the lock has been handed to it already, the next in the
    /// line gets it.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, the lock is never released again.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_sync::local::Lock;
    ///
    /// let names = Lock::new(vec!["Ada"]);
    /// names.lock().await.push("Grace");
    /// assert_eq!(names.into_inner(), ["Ada", "Grace"]);
    /// # });
    /// ```
    #[inline]
    pub fn lock(&self) -> LockFuture<'_, T, H> {
        LockFuture { wait: Wait::new(LockWaiter(self)) }
    }

    /// Takes the lock if it is free now. It is not while others wait for it.
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T, H>> {
        self.gate.try_pass().then(|| LockGuard::new(self))
    }

    /// Whether somebody has the lock, or is about to.
    pub fn is_locked(&self) -> bool {
        // Relaxed: it may have changed before the caller looks at the answer; who wants the value takes the lock.
        self.gate.state().load(Ordering::Relaxed) != UNLOCKED
    }

    /// The value itself, no lock needed: there is no other reference.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` is the only reference to the lock, so there is no guard.
        self.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: Default, H: Home> Default for Lock<T, H> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, H: Home> From<T> for Lock<T, H> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Shows the value if the lock is free; it does not wait. (It takes the lock for that moment.)
impl<T: ?Sized + fmt::Debug, H: Home> fmt::Debug for Lock<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lock = f.debug_struct("Lock");
        match self.try_lock() {
            Some(value) => lock.field("value", &&*value).finish(),
            None => lock.field("value", &format_args!("<locked>")).finish(),
        }
    }
}

/// Waits for a [`Lock`]: made by [`Lock::lock`].
#[must_use = "futures do nothing unless awaited"]
pub struct LockFuture<'a, T: ?Sized, H: Home = Shared> {
    wait: Wait<H, LockWaiter<'a, T, H>>,
}

impl<'a, T: ?Sized, H: Home> Future for LockFuture<'a, T, H> {
    type Output = LockGuard<'a, T, H>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let lock = self.wait.waiter.0;
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        ready!(wait.poll(cx, |_| lock.gate.try_pass(), |_, _line| (!lock.gate.enter()).then_some(())));
        Poll::Ready(LockGuard::new(lock))
    }
}

struct LockWaiter<'a, T: ?Sized, H: Home>(&'a Lock<T, H>);

// SAFETY: the lock that it refers to has one line, which has one lock.
unsafe impl<T: ?Sized, H: Home> Waiter<H> for LockWaiter<'_, T, H> {
    type Guarded = Line<H, ()>;
    type Note = ();

    #[inline]
    fn guarded(&self) -> &H::Exclusive<Line<H, ()>> {
        &self.0.gate.line
    }

    #[inline]
    fn line(line: &mut Line<H, ()>) -> &mut Line<H, ()> {
        line
    }

    fn pass_on(&self) {
        self.0.gate.open();
    }
}

impl<T: ?Sized, H: Home> fmt::Debug for LockFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockFuture").field(&self.wait).finish()
    }
}

/// Access to the value of a [`Lock`]; dropping it releases the lock and hands it to the first who waits.
#[must_use = "dropping the guard releases the lock at once"]
pub struct LockGuard<'a, T: ?Sized, H: Home = Shared> {
    lock: &'a Lock<T, H>,
    /// `Send` and `Sync` like the access it gives: `&Lock<T>` alone would make it `Sync` without `T: Sync`.
    _access: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized, H: Home> LockGuard<'a, T, H> {
    /// By the one who has just got the lock.
    #[inline]
    fn new(lock: &'a Lock<T, H>) -> Self {
        Self { lock, _access: PhantomData }
    }

    /// The lock that it is of.
    pub(crate) fn lock(guard: &Self) -> &'a Lock<T, H> {
        guard.lock
    }
}

impl<T: ?Sized, H: Home> Deref for LockGuard<'_, T, H> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value belongs to the holder of the lock, which is this guard as long as it exists.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T: ?Sized, H: Home> DerefMut for LockGuard<'_, T, H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and the guard is borrowed mutably.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized, H: Home> Drop for LockGuard<'_, T, H> {
    #[inline]
    fn drop(&mut self) {
        self.lock.gate.open();
    }
}

impl<T: ?Sized + fmt::Debug, H: Home> fmt::Debug for LockGuard<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display, H: Home> fmt::Display for LockGuard<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
