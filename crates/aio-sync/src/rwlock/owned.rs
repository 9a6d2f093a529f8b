//! The forms that keep a reference to the lock.
//!
//! (Not in models, where `Arc` is another type, which cannot be that of `self`.)

use std::rc::Rc;

use aio_base::sync::Arc;
use aio_base::{Local, Shared, host};

use super::future::Entrant;
use super::gate::Access;
use super::{
    OwnedRwLockReadFuture, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadFuture, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockWriteFuture, OwnedRwLockWriteGuard, RwLock,
};

macro_rules! owned_forms {
    ($home:ident, $Ref:ident) => {
        impl<T: ?Sized> RwLock<T, $home> {
            /// The same as [`read`](Self::read) with a guard that borrows nothing: it keeps a reference to the lock.
            ///
            /// # Cancel safety
            /// As in [`read`](Self::read).
            ///
            /// # Panics
            /// The future, if it is polled again after it was ready.
            #[inline]
            pub fn read_owned(self: &$Ref<Self>) -> OwnedRwLockReadFuture<T, $home> {
                OwnedRwLockReadFuture { wait: Entrant::wait(self.clone()) }
            }

            /// The same as [`write`](Self::write) with a guard that borrows nothing: it keeps a reference to the lock.
            ///
            /// # Cancel safety
            /// As in [`write`](Self::write).
            ///
            /// # Panics
            /// The future, if it is polled again after it was ready.
            #[inline]
            pub fn write_owned(self: &$Ref<Self>) -> OwnedRwLockWriteFuture<T, $home> {
                OwnedRwLockWriteFuture { wait: Entrant::wait(self.clone()) }
            }

            /// The same as [`upgradable_read`](Self::upgradable_read) with a guard that borrows nothing: it keeps a
            /// reference to the lock.
            ///
            /// # Cancel safety
            /// As in [`read`](Self::read).
            ///
            /// # Panics
            /// The future, if it is polled again after it was ready.
            #[inline]
            pub fn upgradable_read_owned(self: &$Ref<Self>) -> OwnedRwLockUpgradableReadFuture<T, $home> {
                OwnedRwLockUpgradableReadFuture { wait: Entrant::wait(self.clone()) }
            }

            /// The same as [`try_read`](Self::try_read) with a guard that keeps a reference to the lock.
            #[inline]
            pub fn try_read_owned(self: &$Ref<Self>) -> Option<OwnedRwLockReadGuard<T, $home>> {
                self.gate.try_pass(Access::Read).then(|| OwnedRwLockReadGuard::new(self.clone()))
            }

            /// The same as [`try_write`](Self::try_write) with a guard that keeps a reference to the lock.
            #[inline]
            pub fn try_write_owned(self: &$Ref<Self>) -> Option<OwnedRwLockWriteGuard<T, $home>> {
                self.gate.try_pass(Access::Write).then(|| OwnedRwLockWriteGuard::new(self.clone()))
            }

            /// The same as [`try_upgradable_read`](Self::try_upgradable_read) with a guard that keeps a reference to
            /// the lock.
            #[inline]
            pub fn try_upgradable_read_owned(self: &$Ref<Self>) -> Option<OwnedRwLockUpgradableReadGuard<T, $home>> {
                self.gate.try_pass(Access::UpgradableRead).then(|| OwnedRwLockUpgradableReadGuard::new(self.clone()))
            }
        }
    };
}

owned_forms!(Shared, Arc);
owned_forms!(Local, Rc);

impl<T: ?Sized> RwLock<T, Shared> {
    /// The same as [`read_blocking`](Self::read_blocking) with a guard that keeps a reference to the lock.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn read_owned_blocking(self: &Arc<Self>) -> OwnedRwLockReadGuard<T> {
        const WHAT: &str = "`read_owned_blocking`";
        host::assert_may_block(WHAT);
        match self.try_read_owned() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.read_owned()),
        }
    }

    /// The same as [`write_blocking`](Self::write_blocking) with a guard that keeps a reference to the lock.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn write_owned_blocking(self: &Arc<Self>) -> OwnedRwLockWriteGuard<T> {
        const WHAT: &str = "`write_owned_blocking`";
        host::assert_may_block(WHAT);
        match self.try_write_owned() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.write_owned()),
        }
    }

    /// The same as [`upgradable_read_blocking`](Self::upgradable_read_blocking) with a guard that keeps a reference to
    /// the lock.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn upgradable_read_owned_blocking(self: &Arc<Self>) -> OwnedRwLockUpgradableReadGuard<T> {
        const WHAT: &str = "`upgradable_read_owned_blocking`";
        host::assert_may_block(WHAT);
        match self.try_upgradable_read_owned() {
            Some(guard) => guard,
            None => host::block_on(WHAT, self.upgradable_read_owned()),
        }
    }
}
