//! One writer, or many readers.

mod future;
mod gate;
mod guard;
#[cfg(not(aio_loom))]
mod owned;

use std::fmt;

use aio_base::sync::UnsafeCell;
use aio_base::{Home, Shared, host};

use future::Entrant;
use gate::{Access, Gate};

pub use future::{
    OwnedRwLockReadFuture, OwnedRwLockUpgradableReadFuture, OwnedRwLockUpgradeFuture, OwnedRwLockWriteFuture,
    RwLockReadFuture, RwLockUpgradableReadFuture, RwLockUpgradeFuture, RwLockWriteFuture,
};
pub use guard::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};

/// A value that many tasks may read at once, or one may write, across `.await`s if need be.
///
/// `aio_sync::RwLock<T>` may be shared between threads; `aio_sync::local::RwLock<T>` stays on one and is cheaper. Both
/// are this type in one of its [homes](aio_base::home).
///
/// Where accesses are short, a [`Lock`](crate::Lock) is smaller and no slower; this is for a value that is read across
/// `.await`s.
///
/// # Coming from tokio or async-lock
///
/// | there                                             | here                                              |
/// |---------------------------------------------------|---------------------------------------------------|
/// | `lock.read().await`, `lock.write().await`         | the same                                          |
/// | `lock.try_read()` (tokio: `.ok()`)                | [`lock.try_read()`](Self::try_read)               |
/// | `read_owned()`, async-lock's `read_arc()`         | [`lock.read_owned()`](RwLock::read_owned)         |
/// | `blocking_read()`, async-lock's `read_blocking()` | [`lock.read_blocking()`](RwLock::read_blocking)   |
/// | `guard.downgrade()`                               | [`RwLockWriteGuard::downgrade(guard)`][downgrade] |
/// | async-lock's `upgradable_read()`                  | [`lock.upgradable_read()`](Self::upgradable_read) |
///
/// [downgrade]: RwLockWriteGuard::downgrade
///
/// # Fairness
/// First come, first served. A reader who comes while a writer waits goes behind it, so readers that come again and
/// again do not keep it out for ever; readers that are next to each other in the line are let in together.
/// [`try_read`](Self::try_read) does not overtake either.
///
/// Hence a task that reads must not begin to read a second time: if a writer has come in between, each waits for the
/// other.
///
/// # Panics
/// A panic of somebody who reads or writes releases the lock; it is not poisoned. A waker that panics does so in the
/// `drop` of the guard; all who are next have been let in by then, and all others woken.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// let limits = aio_sync::RwLock::new((1, 10));
/// {
///     let (first, second) = (limits.read().await, limits.read().await);
///     assert_eq!(first.0 + second.1, 11);
/// }
/// limits.write().await.1 = 20;
/// assert_eq!(*limits.read().await, (1, 20));
/// # });
/// ```
pub struct RwLock<T: ?Sized, H: Home> {
    gate: Gate<H>,
    /// Whoever has passed the gate may read it. Whoever has passed as the writer may write, and is alone then.
    value: UnsafeCell<T>,
}

// SAFETY: a shared lock gives a `&T` to several threads at once, which takes `T: Sync`, and a `&mut T` to one at a
// time, by a guard that may be sent to another: that takes `T: Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T, Shared> {}

impl<T, H: Home> RwLock<T, H> {
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
impl<T> RwLock<T, Shared> {
    /// A free lock around `value`, for a `static`.
    ///
    /// # Examples
    /// ```
    /// use aio_sync::RwLock;
    ///
    /// static NAMES: RwLock<Vec<String>> = RwLock::const_new(Vec::new());
    /// ```
    pub const fn const_new(value: T) -> Self {
        Self { gate: Gate::const_new(), value: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized, H: Home> RwLock<T, H> {
    /// How many may read at once. One more waits until all of them have gone.
    pub const MAX_READERS: usize = gate::MAX_READERS;

    /// Waits until nobody writes, and nobody waits who came before, to read. If that is so already, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the line; if it has been let in already, it leaves.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, it reads for ever.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn read(&self) -> RwLockReadFuture<'_, T, H> {
        RwLockReadFuture { wait: Entrant::wait(self) }
    }

    /// Waits until nobody reads or writes, to write. If that is so already, does not yield.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the line, and readers that have waited behind it are let in; if it has
    /// been let in already, it leaves.
    ///
    /// A future that was polled and is then leaked ([`std::mem::forget`] of a boxed one) keeps its place: when its turn
    /// comes, the lock is never released again.
    ///
    /// # Fairness
    /// First come, first served; the place in the line is taken at the first poll.
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn write(&self) -> RwLockWriteFuture<'_, T, H> {
        RwLockWriteFuture { wait: Entrant::wait(self) }
    }

    /// Waits as [`read`](Self::read) does, to read beside others, and perhaps to write later: of all who may, one is
    /// let in at a time. (Two readers that both wait for the other to go before they write would wait for ever.)
    ///
    /// # Cancel safety
    /// As in [`read`](Self::read).
    ///
    /// # Fairness
    /// As in [`read`](Self::read).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_sync::{RwLock, RwLockUpgradableReadGuard};
    ///
    /// let names = RwLock::new(vec!["Ada"]);
    /// let seen = names.upgradable_read().await;
    /// if !seen.contains(&"Grace") {
    ///     RwLockUpgradableReadGuard::upgrade(seen).await.push("Grace");
    /// }
    /// assert_eq!(*names.read().await, ["Ada", "Grace"]);
    /// # });
    /// ```
    #[inline]
    pub fn upgradable_read(&self) -> RwLockUpgradableReadFuture<'_, T, H> {
        RwLockUpgradableReadFuture { wait: Entrant::wait(self) }
    }

    /// Reads if nobody writes now, and nobody waits.
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T, H>> {
        self.gate.try_pass(Access::Read).then(|| RwLockReadGuard::new(self))
    }

    /// Writes if nobody reads or writes now, and nobody waits.
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T, H>> {
        self.gate.try_pass(Access::Write).then(|| RwLockWriteGuard::new(self))
    }

    /// The same as [`try_read`](Self::try_read) for one who may write later, if there is no such one now.
    #[inline]
    pub fn try_upgradable_read(&self) -> Option<RwLockUpgradableReadGuard<'_, T, H>> {
        self.gate.try_pass(Access::UpgradableRead).then(|| RwLockUpgradableReadGuard::new(self))
    }

    /// The value itself, no lock needed: there is no other reference.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` is the only reference to the lock, so there is no guard.
        self.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized> RwLock<T, Shared> {
    /// The same as [`read`](Self::read) for a thread that runs no tasks: blocks it until it may read.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn read_blocking(&self) -> RwLockReadGuard<'_, T> {
        const WHAT: &str = "`read_blocking`";
        host::assert_may_block(WHAT);
        match self.try_read() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.read()),
        }
    }

    /// The same as [`write`](Self::write) for a thread that runs no tasks: blocks it until it may write.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    ///
    /// # Examples
    /// ```
    /// let names = aio_sync::RwLock::new(vec!["Ada"]);
    /// names.write_blocking().push("Grace");
    /// assert_eq!(*names.read_blocking(), ["Ada", "Grace"]);
    /// ```
    #[track_caller]
    pub fn write_blocking(&self) -> RwLockWriteGuard<'_, T> {
        const WHAT: &str = "`write_blocking`";
        host::assert_may_block(WHAT);
        match self.try_write() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.write()),
        }
    }

    /// The same as [`upgradable_read`](Self::upgradable_read) for a thread that runs no tasks: blocks it until it may
    /// read.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn upgradable_read_blocking(&self) -> RwLockUpgradableReadGuard<'_, T> {
        const WHAT: &str = "`upgradable_read_blocking`";
        host::assert_may_block(WHAT);
        match self.try_upgradable_read() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.upgradable_read()),
        }
    }
}

impl<T: Default, H: Home> Default for RwLock<T, H> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, H: Home> From<T> for RwLock<T, H> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Shows the value if it can be read now; it does not wait. (It reads for that moment.)
impl<T: ?Sized + fmt::Debug, H: Home> fmt::Debug for RwLock<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lock = f.debug_struct("RwLock");
        match self.try_read() {
            Some(value) => lock.field("value", &&*value).finish(),
            None => lock.field("value", &format_args!("<locked>")).finish(),
        }
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
