//! What a group is made of in each of the two homes.

use std::pin::Pin;

use aio_base::{Local, Shared};
use aio_core::TaskHome;

use super::in_place::InPlace;

/// Where a group lives: [`Shared`] or [`Local`]. Sealed, as `Home` is.
pub trait GroupHome: TaskHome {
    /// A child that runs inside the group's task, its type forgotten.
    #[doc(hidden)]
    type InPlace<'env>: InPlacePin;
}

/// A pinned box of a child.
pub trait InPlacePin: Future<Output = ()> + Unpin {
    #[doc(hidden)]
    fn cancel(&mut self);
}

impl GroupHome for Shared {
    type InPlace<'env> = Pin<Box<dyn InPlace + Send + 'env>>;
}

impl GroupHome for Local {
    type InPlace<'env> = Pin<Box<dyn InPlace + 'env>>;
}

impl<C: InPlace + ?Sized> InPlacePin for Pin<Box<C>> {
    fn cancel(&mut self) {
        self.as_mut().cancel();
    }
}
