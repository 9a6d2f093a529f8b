//! What a group is made of in each of the two homes.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be

use aio_base::{Local, Shared};
use aio_core::{Reason, TaskHome};

use super::in_place::InPlace;

/// Where a group lives: [`Shared`] or [`Local`]. Sealed, as `Home` is.
pub trait GroupHome: TaskHome {
    /// A child that runs inside the group's task, its type forgotten.
    #[doc(hidden)]
    type InPlace<'env>: InPlacePin;

    /// What is called with each error in a group that discards.
    #[doc(hidden)]
    type OnError<E>: Clone;

    #[doc(hidden)]
    fn report<E>(on_error: &Self::OnError<E>, error: E);
}

/// A pinned box of a child.
pub trait InPlacePin: Future<Output = ()> + Unpin {
    #[doc(hidden)]
    fn cancel(&mut self, reason: Reason);
    #[doc(hidden)]
    fn release(&mut self, reason: Reason);
}

impl GroupHome for Shared {
    type InPlace<'env> = Pin<Box<dyn InPlace + Send + 'env>>;
    type OnError<E> = Arc<dyn Fn(E) + Send + Sync>;

    fn report<E>(on_error: &Self::OnError<E>, error: E) {
        on_error(error);
    }
}

impl GroupHome for Local {
    type InPlace<'env> = Pin<Box<dyn InPlace + 'env>>;
    type OnError<E> = Rc<dyn Fn(E)>;

    fn report<E>(on_error: &Self::OnError<E>, error: E) {
        on_error(error);
    }
}

impl<C: InPlace + ?Sized> InPlacePin for Pin<Box<C>> {
    fn cancel(&mut self, reason: Reason) {
        self.as_mut().cancel(reason);
    }

    fn release(&mut self, reason: Reason) {
        self.as_mut().release(reason);
    }
}
