//! Tokens that hold on to their limiter, so that they may go anywhere.
#![cfg(not(aio_loom))]

use std::rc::Rc;

use aio_base::sync::Arc;
use aio_base::{Local, Shared};

use super::{AcquireError, CapacityLimiter};
use crate::{OwnedLimiterFuture, OwnedLimiterPermit};

macro_rules! owned_forms {
    ($($home:ident: $ref:ident;)+) => {$(
        /// Forms whose future and permit hold a counted reference instead of borrowing.
        impl CapacityLimiter<$home> {
            /// [Waits](Self::acquire) for a token that may outlive this reference.
            #[inline]
            pub fn acquire_owned(self: &$ref<Self>) -> OwnedLimiterFuture<$home> {
                self.acquire_many_owned(1)
            }

            /// [Waits](Self::acquire_many) for `n` tokens at once that may outlive this reference.
            #[inline]
            pub fn acquire_many_owned(self: &$ref<Self>, n: usize) -> OwnedLimiterFuture<$home> {
                OwnedLimiterFuture::<$home>::new(self.clone(), n)
            }

            /// [Borrows](Self::try_acquire) a token that may outlive this reference, if one is available now.
            ///
            /// # Errors
            /// As [`try_acquire`](Self::try_acquire).
            #[inline]
            pub fn try_acquire_owned(self: &$ref<Self>) -> Result<OwnedLimiterPermit<$home>, AcquireError> {
                self.try_acquire_many_owned(1)
            }

            /// [Borrows](Self::try_acquire_many) `n` tokens that may outlive this reference, if so many are available
            /// now.
            ///
            /// # Errors
            /// As [`try_acquire`](Self::try_acquire).
            #[inline]
            pub fn try_acquire_many_owned(
                self: &$ref<Self>,
                n: usize,
            ) -> Result<OwnedLimiterPermit<$home>, AcquireError> {
                self.try_borrow(n).map(|()| OwnedLimiterPermit::<$home>::new(self.clone(), n))
            }
        }
    )+};
}

owned_forms! {
    Shared: Arc;
    Local: Rc;
}
