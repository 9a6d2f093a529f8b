//! Mutual exclusion between tasks.

mod future;
mod gate;
mod guard;

use std::fmt;

use aio_base::sync::UnsafeCell;
use aio_base::{Home, Shared, host};
#[cfg(not(aio_loom))]
use aio_base::{Local, sync::Arc};
#[cfg(not(aio_loom))]
use std::rc::Rc;

use gate::Gate;

pub use future::{LockFuture, OwnedLockFuture};
pub use guard::{LockGuard, OwnedLockGuard};

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
/// | keep it in a `'static` task   | [`lock.lock_owned().await`](Lock::lock_owned)               |
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
    /// Belongs to whoever has moved the gate to LOCKED or was handed it: the one guard in existence.
    value: UnsafeCell<T>,
}

// SAFETY: a shared lock gives access to its value to one thread at a time, by a guard that may be sent to another: that
// takes `T: Send`. It never gives two threads a `&T` at once (a guard does, and asks for `T: Sync`).
unsafe impl<T: ?Sized + Send> Sync for Lock<T, Shared> {}

impl<T, H: Home> Lock<T, H> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self { gate: Gate::new(), value: UnsafeCell::new(value) }
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
        Self { gate: Gate::const_new(), value: UnsafeCell::new(value) }
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
        LockFuture::new(self)
    }

    /// Takes the lock if it is free now. It is not while others wait for it.
    #[inline]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T, H>> {
        self.gate.try_pass().then(|| LockGuard::new(self))
    }

    /// Whether somebody has the lock, or is about to.
    pub fn is_locked(&self) -> bool {
        !self.gate.is_open()
    }

    /// The value itself, no lock needed: there is no other reference.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` is the only reference to the lock, so there is no guard.
        self.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized> Lock<T, Shared> {
    /// The same as [`lock`](Self::lock) for a thread that runs no tasks: blocks it until the lock is free.
    ///
    /// # Fairness
    /// The thread waits in the same line as the tasks.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if the lock is free.
    ///
    /// # Examples
    /// ```
    /// let names = aio_sync::Lock::new(vec!["Ada"]);
    /// names.lock_blocking().push("Grace");
    /// assert_eq!(*names.lock_blocking(), ["Ada", "Grace"]);
    /// ```
    #[track_caller]
    pub fn lock_blocking(&self) -> LockGuard<'_, T> {
        const WHAT: &str = "`lock_blocking`";
        host::assert_may_block(WHAT);
        match self.try_lock() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.lock()),
        }
    }
}

// (In a model `Arc` is another type, which cannot be that of `self`.)
#[cfg(not(aio_loom))]
impl<T: ?Sized> Lock<T, Shared> {
    /// The same as [`lock`](Self::lock) with a guard that borrows nothing: it keeps a reference to the lock.
    ///
    /// # Cancel safety
    /// As in [`lock`](Self::lock).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use std::sync::Arc;
    ///
    /// let log = Arc::new(aio_sync::Lock::new(Vec::new()));
    /// let mut guard = log.lock_owned().await;
    /// let writer = std::thread::spawn(move || guard.push("from there"));
    /// assert_eq!(*log.lock().await, ["from there"]);
    /// # writer.join().unwrap();
    /// # });
    /// ```
    #[inline]
    pub fn lock_owned(self: &Arc<Self>) -> OwnedLockFuture<T> {
        OwnedLockFuture::new(self.clone())
    }

    /// The same as [`try_lock`](Self::try_lock) with a guard that keeps a reference to the lock.
    #[inline]
    pub fn try_lock_owned(self: &Arc<Self>) -> Option<OwnedLockGuard<T>> {
        self.gate.try_pass().then(|| OwnedLockGuard::new(self.clone()))
    }

    /// The same as [`lock_blocking`](Self::lock_blocking) with a guard that keeps a reference to the lock.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if the lock is free.
    #[track_caller]
    pub fn lock_owned_blocking(self: &Arc<Self>) -> OwnedLockGuard<T> {
        const WHAT: &str = "`lock_owned_blocking`";
        host::assert_may_block(WHAT);
        match self.try_lock_owned() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.lock_owned()),
        }
    }
}

#[cfg(not(aio_loom))]
impl<T: ?Sized> Lock<T, Local> {
    /// The same as [`lock`](Self::lock) with a guard that borrows nothing: it keeps a reference to the lock.
    ///
    /// # Cancel safety
    /// As in [`lock`](Self::lock).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn lock_owned(self: &Rc<Self>) -> OwnedLockFuture<T, Local> {
        OwnedLockFuture::new(self.clone())
    }

    /// The same as [`try_lock`](Self::try_lock) with a guard that keeps a reference to the lock.
    #[inline]
    pub fn try_lock_owned(self: &Rc<Self>) -> Option<OwnedLockGuard<T, Local>> {
        self.gate.try_pass().then(|| OwnedLockGuard::new(self.clone()))
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
