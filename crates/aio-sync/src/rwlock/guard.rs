//! Having a read-write lock, for reading or for writing.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr;

use aio_base::{Home, Shared, host, waits};

use super::{OwnedRwLockUpgradeFuture, RwLock, RwLockUpgradeFuture, gate::Access};

/// A guard that has the lock by a reference of this type, and leaves by this method of the gate.
macro_rules! guard {
    ($(#[$doc:meta])* $Guard:ident [$($life:lifetime)?] ($Ref:ty) $release:ident) => {
        $(#[$doc])*
        #[must_use = "dropping the guard releases the lock at once"]
        pub struct $Guard<$($life,)? T: ?Sized, H: Home = Shared> {
            lock: $Ref,
        }

        impl<$($life,)? T: ?Sized, H: Home> $Guard<$($life,)? T, H> {
            /// By the one who has just got this access.
            #[inline]
            pub(super) fn new(lock: $Ref) -> Self {
                waits::took(lock.gate.waiting());
                Self { lock }
            }

            /// The lock that it is of.
            pub fn source(guard: &Self) -> source!($($life)? $Ref) {
                source!(@ $($life)? guard.lock)
            }
        }

        impl<$($life,)? T: ?Sized, H: Home> Deref for $Guard<$($life,)? T, H> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                // SAFETY: as long as this guard exists, nobody has a mutable reference but by this guard.
                self.lock.value.with(|value| unsafe { &*value })
            }
        }

        impl<$($life,)? T: ?Sized, H: Home> Drop for $Guard<$($life,)? T, H> {
            #[inline]
            fn drop(&mut self) {
                waits::gave(self.lock.gate.waiting());
                self.lock.gate.$release();
            }
        }

        impl<$($life,)? T: ?Sized + fmt::Debug, H: Home> fmt::Debug for $Guard<$($life,)? T, H> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<$($life,)? T: ?Sized + fmt::Display, H: Home> fmt::Display for $Guard<$($life,)? T, H> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

/// Of a borrowed reference, what it refers to; of a counted one, a look at it.
macro_rules! source {
    ($life:lifetime $Ref:ty) => {
        $Ref
    };
    ($Ref:ty) => {
        &$Ref
    };
    (@ $life:lifetime $lock:expr) => {
        $lock
    };
    (@ $lock:expr) => {
        &$lock
    };
}

/// For guards that become others.
macro_rules! into_lock {
    ($Guard:ident [$($life:lifetime)?] ($Ref:ty)) => {
        impl<$($life,)? T: ?Sized, H: Home> $Guard<$($life,)? T, H> {
            /// The reference, of a guard that is no more: the access is the caller's.
            fn into_lock(self) -> $Ref {
                let guard = ManuallyDrop::new(self);
                waits::gave(guard.lock.gate.waiting());
                // SAFETY: the guard is neither used nor dropped after this.
                unsafe { ptr::read(&guard.lock) }
            }
        }
    };
}

macro_rules! write_guard {
    ($Guard:ident [$($life:lifetime)?] ($Ref:ty) $ReadGuard:ident $UpgradableGuard:ident) => {
        into_lock!($Guard[$($life)?]($Ref));

        impl<$($life,)? T: ?Sized, H: Home> DerefMut for $Guard<$($life,)? T, H> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                // SAFETY: as long as this guard exists, nobody has a reference but by this guard, and that is borrowed
                // mutably.
                self.lock.value.with_mut(|value| unsafe { &mut *value })
            }
        }

        impl<$($life,)? T: ?Sized, H: Home> $Guard<$($life,)? T, H> {
            /// Goes on as a reader, without letting a writer in between. Readers who are next are let in with it.
            pub fn downgrade(guard: Self) -> $ReadGuard<$($life,)? T, H> {
                let guard = $ReadGuard::<T, H>::new(guard.into_lock());
                guard.lock.gate.downgrade_write();
                guard
            }

            /// Goes on as a reader who may write again, without letting another writer in between. Readers who are next
            /// are let in with it.
            pub fn downgrade_to_upgradable(guard: Self) -> $UpgradableGuard<$($life,)? T, H> {
                let guard = $UpgradableGuard::<T, H>::new(guard.into_lock());
                guard.lock.gate.downgrade_write_to_upgradable();
                guard
            }
        }
    };
}

macro_rules! upgradable_guard {
    ($Guard:ident [$($life:lifetime)?] ($Ref:ty) $ReadGuard:ident $WriteGuard:ident $Future:ident) => {
        into_lock!($Guard[$($life)?]($Ref));

        impl<$($life,)? T: ?Sized, H: Home> $Guard<$($life,)? T, H> {
            /// Waits until the other readers have gone, and goes on as the writer; no other writer comes in between.
            ///
            /// # Cancel safety
            /// The future has the guard: dropping it is dropping the guard. Nothing else has happened then.
            ///
            /// # Fairness
            /// It goes before all who wait: they could not pass before it is done. While it waits, nobody else is let
            /// in.
            ///
            /// # Panics
            /// The future, if it is polled again after it was ready.
            pub fn upgrade(guard: Self) -> $Future<$($life,)? T, H> {
                $Future::new(guard.lock.clone(), guard)
            }

            /// Goes on as the writer if there are no other readers.
            ///
            /// # Errors
            /// The guard, if there are.
            pub fn try_upgrade(guard: Self) -> Result<$WriteGuard<$($life,)? T, H>, Self> {
                if guard.lock.gate.try_pass(Access::Upgrade) { Ok(Self::finish(guard)) } else { Err(guard) }
            }

            /// Goes on as a reader who will not write.
            pub fn downgrade(guard: Self) -> $ReadGuard<$($life,)? T, H> {
                let guard = $ReadGuard::<T, H>::new(guard.into_lock());
                guard.lock.gate.downgrade_upgradable();
                guard
            }

            /// By the one who was let in as the writer.
            pub(super) fn finish(guard: Self) -> $WriteGuard<$($life,)? T, H> {
                guard.lock.gate.finish_upgrade();
                $WriteGuard::new(guard.into_lock())
            }
        }

        impl<$($life,)? T: ?Sized> $Guard<$($life,)? T, Shared> {
            /// The same as [`upgrade`](Self::upgrade) for a thread that runs no tasks: blocks it until the other
            /// readers have gone.
            ///
            /// # Panics
            /// On the thread of a loop, which would stand still, even if there are none. The lock is released then.
            #[track_caller]
            pub fn upgrade_blocking(guard: Self) -> $WriteGuard<$($life,)? T> {
                host::block_on("`upgrade_blocking`", Self::upgrade(guard))
            }
        }
    };
}

guard! {
    /// Access for reading to the value of a [`RwLock`], beside others.
    RwLockReadGuard['a](&'a RwLock<T, H>) release_read
}
guard! {
    /// Access for reading to the value of a [`RwLock`] that it keeps a reference to.
    OwnedRwLockReadGuard[](H::Ref<RwLock<T, H>>) release_read
}
guard! {
    /// Access for writing to the value of a [`RwLock`]; dropping it lets those in who are next.
    RwLockWriteGuard['a](&'a RwLock<T, H>) release_write
}
guard! {
    /// Access for writing to the value of a [`RwLock`] that it keeps a reference to.
    OwnedRwLockWriteGuard[](H::Ref<RwLock<T, H>>) release_write
}
guard! {
    /// Access for reading to the value of a [`RwLock`], beside readers, by the only one who may go on as the writer.
    RwLockUpgradableReadGuard['a](&'a RwLock<T, H>) release_upgradable
}
guard! {
    /// The same as [`RwLockUpgradableReadGuard`], of a [`RwLock`] that it keeps a reference to.
    OwnedRwLockUpgradableReadGuard[](H::Ref<RwLock<T, H>>) release_upgradable
}
write_guard! {
    RwLockWriteGuard['a](&'a RwLock<T, H>) RwLockReadGuard RwLockUpgradableReadGuard
}
write_guard! {
    OwnedRwLockWriteGuard[](H::Ref<RwLock<T, H>>) OwnedRwLockReadGuard OwnedRwLockUpgradableReadGuard
}
upgradable_guard! {
    RwLockUpgradableReadGuard['a](&'a RwLock<T, H>) RwLockReadGuard RwLockWriteGuard RwLockUpgradeFuture
}
upgradable_guard! {
    OwnedRwLockUpgradableReadGuard[](H::Ref<RwLock<T, H>>)
    OwnedRwLockReadGuard OwnedRwLockWriteGuard OwnedRwLockUpgradeFuture
}
