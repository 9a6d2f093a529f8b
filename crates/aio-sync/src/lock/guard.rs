//! Having a lock.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use aio_base::{Home, Shared};

use super::Lock;

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
    pub(super) fn new(lock: &'a Lock<T, H>) -> Self {
        Self { lock, _access: PhantomData }
    }

    /// The lock that it is of.
    pub fn source(guard: &Self) -> &'a Lock<T, H> {
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

/// Access to the value of a [`Lock`] that it keeps a reference to; dropping it releases the lock and hands it to the
/// first who waits.
#[must_use = "dropping the guard releases the lock at once"]
pub struct OwnedLockGuard<T: ?Sized, H: Home = Shared> {
    lock: H::Ref<Lock<T, H>>,
    /// As in [`LockGuard`].
    _access: PhantomData<T>,
}

impl<T: ?Sized, H: Home> OwnedLockGuard<T, H> {
    /// By the one who has just got the lock.
    #[inline]
    pub(super) fn new(lock: H::Ref<Lock<T, H>>) -> Self {
        Self { lock, _access: PhantomData }
    }

    /// The lock that it is of.
    pub fn source(guard: &Self) -> &H::Ref<Lock<T, H>> {
        &guard.lock
    }
}

impl<T: ?Sized, H: Home> Deref for OwnedLockGuard<T, H> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: as in `LockGuard`.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T: ?Sized, H: Home> DerefMut for OwnedLockGuard<T, H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `LockGuard`.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T: ?Sized, H: Home> Drop for OwnedLockGuard<T, H> {
    #[inline]
    fn drop(&mut self) {
        self.lock.gate.open();
    }
}

impl<T: ?Sized + fmt::Debug, H: Home> fmt::Debug for OwnedLockGuard<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display, H: Home> fmt::Display for OwnedLockGuard<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
