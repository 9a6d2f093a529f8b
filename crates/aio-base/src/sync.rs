//! The facade: what `std::sync` offers, or what loom puts in its place under `--cfg aio_loom`.
//!
//! Locks do not poison: no foreign code (waker, future, destructor of a user's type) runs while one of ours is held, so
//! a panic cannot leave the data half-changed.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

#[cfg(aio_loom)]
use loom::{cell, sync as imp};
#[cfg(not(aio_loom))]
use std::{cell, sync as imp};

use std::sync::TryLockError; // facade: loom's locks have the same

use crate::footprint::touch;

pub use imp::Arc;
/// Under the facade as it is: a lazily made value is not a protocol of ours to model.
pub use std::sync::OnceLock;

/// Atomic integers and pointers, and their orderings.
pub mod atomic {
    #[cfg(aio_loom)]
    pub use loom::sync::atomic::{
        AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    #[cfg(not(aio_loom))]
    pub use std::sync::atomic::{
        AtomicBool, AtomicIsize, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

/// A cell whose contents are reached by raw pointer; the model checker sees two accesses that nothing orders.
pub struct UnsafeCell<T: ?Sized>(cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Around `value`.
    #[cfg(not(aio_loom))]
    pub const fn new(value: T) -> Self {
        Self(cell::UnsafeCell::new(value))
    }

    /// Around `value`.
    #[cfg(aio_loom)]
    pub fn new(value: T) -> Self {
        Self(cell::UnsafeCell::new(value))
    }

    /// Takes the cell apart.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `f` with a pointer to read from. Whoever does so must know that nobody writes meanwhile.
    #[cfg(not(aio_loom))]
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer to read from. Whoever does so must know that nobody writes meanwhile.
    #[cfg(aio_loom)]
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.with(f)
    }

    /// Calls `f` with a pointer to write to. Whoever does so must know that nobody reads or writes meanwhile.
    #[cfg(not(aio_loom))]
    #[inline]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer to write to. Whoever does so must know that nobody reads or writes meanwhile.
    #[cfg(aio_loom)]
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(f)
    }
}

impl<T: ?Sized> fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("UnsafeCell { .. }")
    }
}

/// Mutual exclusion between threads; never poisoned.
pub struct Mutex<T>(imp::Mutex<T>);

/// Access to what a [`Mutex`] guards.
pub struct MutexGuard<'a, T>(imp::MutexGuard<'a, T>);

impl<T> Mutex<T> {
    /// A free lock around `value`.
    #[cfg(not(aio_loom))]
    pub const fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// A free lock around `value`.
    #[cfg(aio_loom)]
    pub fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// Blocks the thread until the lock is free, and takes it: it is in the [footprint](crate::footprint) of who does.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        touch(self);
        MutexGuard(self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// [`lock`](Self::lock) without a footprint: for what is shared by those who have nothing to do with each other.
    pub fn lock_unseen(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        touch(self);
        match self.0.try_lock() {
            Ok(guard) => Some(MutexGuard(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(MutexGuard(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The value itself, no lock needed: there is no other reference.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes the lock apart.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Mutex { .. }")
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Threads that wait for a change of what a [`Mutex`] guards.
pub struct Condvar(imp::Condvar);

impl Condvar {
    /// A condition nobody waits for.
    #[cfg(not(aio_loom))]
    pub const fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// A condition nobody waits for.
    #[cfg(aio_loom)]
    pub fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// Gives up the lock, waits for a notification (or for nothing: spurious returns happen), takes the lock again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard(self.0.wait(guard.0).unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// The same for at most `timeout`; the second value says whether that time was up. (Loom knows no time: there it
    /// never is.)
    pub fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, timeout: Duration) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) = self.0.wait_timeout(guard.0, timeout).unwrap_or_else(|poisoned| poisoned.into_inner());
        (MutexGuard(guard), result.timed_out())
    }

    /// Wakes one waiting thread.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Condvar")
    }
}
