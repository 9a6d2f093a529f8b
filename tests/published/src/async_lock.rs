//! `async-lock`'s names.

pub use aio_sync::{Lock as Mutex, Semaphore};

/// The methods that have another name there: they say `arc` where we say `owned`.
pub mod names {
    use std::sync::Arc;

    use aio_sync::{OwnedLockFuture, OwnedLockGuard};

    use super::Mutex;

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
}
