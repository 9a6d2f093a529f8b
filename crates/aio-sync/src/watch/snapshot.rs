//! The value as it was.

use std::fmt;
use std::ops::Deref;

use aio_base::{Home, Shared};

/// A value of a watch channel, as it was when this was borrowed.
///
/// It is a counted reference: it does not change, keeps nobody from sending, and lives as long as it likes.
pub struct Ref<T, H: Home = Shared>(H::Ref<T>);

impl<T, H: Home> Ref<T, H> {
    pub(super) fn new(value: H::Ref<T>) -> Self {
        Self(value)
    }
}

impl<T, H: Home> Deref for Ref<T, H> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T, H: Home> Clone for Ref<T, H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug, H: Home> fmt::Debug for Ref<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, H: Home> fmt::Display for Ref<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
