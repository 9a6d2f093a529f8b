//! `async-lock`'s names.

pub use crate::barrier::Barrier;
pub use aio_sync::{
    BarrierTurn as BarrierWaitResult, Lock as Mutex, OwnedRwLockReadGuard as RwLockReadGuardArc,
    OwnedRwLockUpgradableReadGuard as RwLockUpgradableReadGuardArc, RwLock, RwLockReadGuard, RwLockUpgradableReadGuard,
    Semaphore,
};

/// The methods that have another name there: they say `arc` where we say `owned`.
pub mod names {
    use std::sync::Arc;

    use aio_sync::{
        OwnedAcquireFuture, OwnedLockFuture, OwnedLockGuard, OwnedPermit, OwnedRwLockReadFuture, OwnedRwLockReadGuard,
        OwnedRwLockUpgradableReadFuture, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteFuture, OwnedRwLockWriteGuard,
    };

    use super::{Mutex, RwLock, Semaphore};

    /// Of a [`Mutex`].
    pub trait MutexNames<T> {
        /// `lock_owned`
        fn lock_arc(&self) -> OwnedLockFuture<T>;
        /// `try_lock_owned`
        fn try_lock_arc(&self) -> Option<OwnedLockGuard<T>>;
        /// `lock_owned_blocking`
        fn lock_arc_blocking(&self) -> OwnedLockGuard<T>;
    }

    impl<T> MutexNames<T> for Arc<Mutex<T>> {
        fn lock_arc(&self) -> OwnedLockFuture<T> {
            self.lock_owned()
        }

        fn try_lock_arc(&self) -> Option<OwnedLockGuard<T>> {
            self.try_lock_owned()
        }

        fn lock_arc_blocking(&self) -> OwnedLockGuard<T> {
            self.lock_owned_blocking()
        }
    }

    /// Of a [`RwLock`].
    pub trait RwLockNames<T> {
        /// `read_owned`
        fn read_arc(&self) -> OwnedRwLockReadFuture<T>;
        /// `try_read_owned`
        fn try_read_arc(&self) -> Option<OwnedRwLockReadGuard<T>>;
        /// `read_owned_blocking`
        fn read_arc_blocking(&self) -> OwnedRwLockReadGuard<T>;
        /// `write_owned`
        fn write_arc(&self) -> OwnedRwLockWriteFuture<T>;
        /// `try_write_owned`
        fn try_write_arc(&self) -> Option<OwnedRwLockWriteGuard<T>>;
        /// `write_owned_blocking`
        fn write_arc_blocking(&self) -> OwnedRwLockWriteGuard<T>;
        /// `upgradable_read_owned`
        fn upgradable_read_arc(&self) -> OwnedRwLockUpgradableReadFuture<T>;
        /// `try_upgradable_read_owned`
        fn try_upgradable_read_arc(&self) -> Option<OwnedRwLockUpgradableReadGuard<T>>;
        /// `upgradable_read_owned_blocking`
        fn upgradable_read_arc_blocking(&self) -> OwnedRwLockUpgradableReadGuard<T>;
    }

    impl<T> RwLockNames<T> for Arc<RwLock<T>> {
        fn read_arc(&self) -> OwnedRwLockReadFuture<T> {
            self.read_owned()
        }

        fn try_read_arc(&self) -> Option<OwnedRwLockReadGuard<T>> {
            self.try_read_owned()
        }

        fn read_arc_blocking(&self) -> OwnedRwLockReadGuard<T> {
            self.read_owned_blocking()
        }

        fn write_arc(&self) -> OwnedRwLockWriteFuture<T> {
            self.write_owned()
        }

        fn try_write_arc(&self) -> Option<OwnedRwLockWriteGuard<T>> {
            self.try_write_owned()
        }

        fn write_arc_blocking(&self) -> OwnedRwLockWriteGuard<T> {
            self.write_owned_blocking()
        }

        fn upgradable_read_arc(&self) -> OwnedRwLockUpgradableReadFuture<T> {
            self.upgradable_read_owned()
        }

        fn try_upgradable_read_arc(&self) -> Option<OwnedRwLockUpgradableReadGuard<T>> {
            self.try_upgradable_read_owned()
        }

        fn upgradable_read_arc_blocking(&self) -> OwnedRwLockUpgradableReadGuard<T> {
            self.upgradable_read_owned_blocking()
        }
    }

    /// Of a [`Semaphore`].
    pub trait SemaphoreNames {
        /// `acquire_owned`
        fn acquire_arc(&self) -> OwnedAcquireFuture;
        /// `try_acquire_owned`
        fn try_acquire_arc(&self) -> Option<OwnedPermit>;
        /// `acquire_owned_blocking`
        fn acquire_arc_blocking(&self) -> OwnedPermit;
    }

    impl SemaphoreNames for Arc<Semaphore> {
        fn acquire_arc(&self) -> OwnedAcquireFuture {
            self.acquire_owned()
        }

        fn try_acquire_arc(&self) -> Option<OwnedPermit> {
            self.try_acquire_owned()
        }

        fn acquire_arc_blocking(&self) -> OwnedPermit {
            self.acquire_owned_blocking()
        }
    }
}
