//! `async-lock`'s names.

pub use aio_sync::{Lock as Mutex, Semaphore};

/// The methods that have another name there: they say `arc` where we say `owned`.
pub mod names {
    use std::sync::Arc;

    use aio_base::host;
    use aio_sync::{OwnedAcquireFuture, OwnedLockFuture, OwnedLockGuard, OwnedPermit};

    use super::{Mutex, Semaphore};

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

    /// Of a [`Semaphore`].
    pub trait SemaphoreNames {
        /// `acquire_owned`
        fn acquire_arc(&self) -> OwnedAcquireFuture;
        /// `try_acquire_owned`
        fn try_acquire_arc(&self) -> Option<OwnedPermit>;
        /// `acquire_owned`, blocked on
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
            host::block_on("`acquire_arc_blocking`", self.acquire_owned())
        }
    }
}
