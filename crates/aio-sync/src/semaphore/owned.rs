//! Permits that hold on to their semaphore, so that they may go anywhere.
#![cfg(not(aio_loom))]

use std::rc::Rc;

use aio_base::sync::Arc;
use aio_base::{Local, Shared, host};

use super::Semaphore;
use crate::{OwnedAcquireFuture, OwnedPermit};

macro_rules! owned_forms {
    ($($home:ident: $ref:ident, $module:literal;)+) => {$(
        /// Forms whose future and permit hold a counted reference instead of borrowing.
        impl Semaphore<$home> {
            /// [Waits](Self::acquire) for a permit that may outlive this reference.
            ///
            /// # Examples
            /// ```
            /// # futures_lite::future::block_on(async {
            #[doc = concat!("use std::", $module, "::", stringify!($ref), ";")]
            ///
            #[doc = concat!("let semaphore = ", stringify!($ref), "::new(aio_sync::generic::Semaphore::<aio_base::",
                stringify!($home), ">::new(1));")]
            /// let permit = semaphore.acquire_owned().await;
            /// drop(semaphore);
            /// drop(permit);
            /// # });
            /// ```
            #[inline]
            pub fn acquire_owned(self: &$ref<Self>) -> OwnedAcquireFuture<$home> {
                self.acquire_many_owned(1)
            }

            /// [Waits](Self::acquire_many) for `n` permits at once that may outlive this reference.
            #[inline]
            pub fn acquire_many_owned(self: &$ref<Self>, n: usize) -> OwnedAcquireFuture<$home> {
                OwnedAcquireFuture::<$home>::new(self.clone(), n)
            }

            /// [Takes](Self::try_acquire) a permit that may outlive this reference, if one is free now.
            #[inline]
            pub fn try_acquire_owned(self: &$ref<Self>) -> Option<OwnedPermit<$home>> {
                self.try_acquire_many_owned(1)
            }

            /// [Takes](Self::try_acquire_many) `n` permits that may outlive this reference, if so many are free now.
            #[inline]
            pub fn try_acquire_many_owned(self: &$ref<Self>, n: usize) -> Option<OwnedPermit<$home>> {
                self.try_take(n).then(|| OwnedPermit::<$home>::new(self.clone(), n))
            }
        }
    )+};
}

owned_forms! {
    Shared: Arc, "sync";
    Local: Rc, "rc";
}

impl Semaphore<Shared> {
    /// [Blocks](Self::acquire_blocking) the thread until there is a permit, which may outlive this reference.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn acquire_owned_blocking(self: &Arc<Self>) -> OwnedPermit {
        const WHAT: &str = "`acquire_owned_blocking`";
        host::assert_may_block(WHAT);
        self.try_acquire_owned().unwrap_or_else(|| host::block_on(WHAT, self.acquire_owned()))
    }

    /// [Blocks](Self::acquire_many_blocking) the thread until there are `n` permits at once, which may outlive this
    /// reference.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if there is nothing to wait for.
    #[track_caller]
    pub fn acquire_many_owned_blocking(self: &Arc<Self>, n: usize) -> OwnedPermit {
        const WHAT: &str = "`acquire_many_owned_blocking`";
        host::assert_may_block(WHAT);
        self.try_acquire_many_owned(n).unwrap_or_else(|| host::block_on(WHAT, self.acquire_many_owned(n)))
    }
}
