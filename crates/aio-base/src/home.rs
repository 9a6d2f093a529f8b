//! The two homes: what may cross threads, and what stays on its loop.
//!
//! Every primitive exists in both: `aio::Lock` may be shared between threads, `aio::local::Lock` stays on one and
//! needs neither atomics nor locks. The algorithm is written once, generic over a [`Home`], which says how to share a
//! value, how to have it for oneself, and what a state word is made of.

mod exclusive;

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::footprint::touch;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

#[cfg(aio_loom)]
pub use exclusive::ModelLock;
pub use exclusive::{Exclusive, LocalCell};

/// The home of values that may cross threads: [`Arc`], [`BriefLock`](crate::BriefLock), atomics.
#[derive(Debug, Clone, Copy)]
pub struct Shared;

/// The home of values that stay on their thread: [`Rc`], [`LocalCell`], [`Cell`].
#[derive(Debug, Clone, Copy)]
pub struct Local;

/// Where a primitive lives: [`Shared`] or [`Local`]. Sealed.
pub trait Home: sealed::Sealed + Sized + fmt::Debug + 'static {
    /// A counted reference.
    type Ref<T: ?Sized>: Clone + Deref<Target = T>;
    /// A value to have for oneself during a call, and a byte beside it.
    type Exclusive<T>: Exclusive<T, Byte = Self::Byte>;
    /// A state word.
    type Word: Word<usize>;
    /// A small one, for what there are many of.
    type Byte: Word<u8>;

    /// Whether what lives here may cross threads.
    const CROSSES_THREADS: bool;

    /// A first reference to `value`.
    fn new_ref<T>(value: T) -> Self::Ref<T>;
}

/// A word that changes by compare-and-exchange. The orderings are those of the atomic; one thread needs none.
/// Whatever is done to it is in the [footprint](crate::footprint) of who does it.
pub trait Word<T> {
    /// Holding `value`.
    fn new(value: T) -> Self;
    /// Reads it.
    fn load(&self, order: Ordering) -> T;
    /// Writes it.
    fn store(&self, value: T, order: Ordering);
    /// Writes `value` and returns what was there.
    fn swap(&self, value: T, order: Ordering) -> T;
    /// Writes `new` if `current` is there.
    ///
    /// # Errors
    /// What is there instead.
    fn compare_exchange(&self, current: T, new: T, ok: Ordering, err: Ordering) -> Result<T, T>;
    /// Sets the bits of `mask` and returns what was there.
    fn fetch_or(&self, mask: T, order: Ordering) -> T;
    /// Keeps only the bits of `mask` and returns what was there.
    fn fetch_and(&self, mask: T, order: Ordering) -> T;
    /// Adds `n`, wrapping around, and returns what was there.
    fn fetch_add(&self, n: T, order: Ordering) -> T;
    /// Subtracts `n`, wrapping around, and returns what was there.
    fn fetch_sub(&self, n: T, order: Ordering) -> T;
}

impl Home for Shared {
    type Ref<T: ?Sized> = Arc<T>;
    #[cfg(not(aio_loom))]
    type Exclusive<T> = crate::BriefLock<T, AtomicU8>;
    #[cfg(aio_loom)]
    type Exclusive<T> = ModelLock<T>;
    type Word = AtomicUsize;
    type Byte = AtomicU8;

    const CROSSES_THREADS: bool = true;

    fn new_ref<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }
}

impl Home for Local {
    type Ref<T: ?Sized> = Rc<T>;
    type Exclusive<T> = LocalCell<T>;
    type Word = Cell<usize>;
    type Byte = Cell<u8>;

    const CROSSES_THREADS: bool = false;

    fn new_ref<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }
}

macro_rules! words {
    ($($atomic:ty, $value:ty;)*) => {$(
        impl Word<$value> for $atomic {
            #[inline]
            fn new(value: $value) -> Self {
                <$atomic>::new(value)
            }
            #[inline]
            fn load(&self, order: Ordering) -> $value {
                touch(self);
                self.load(order)
            }
            #[inline]
            fn store(&self, value: $value, order: Ordering) {
                touch(self);
                self.store(value, order);
            }
            #[inline]
            fn swap(&self, value: $value, order: Ordering) -> $value {
                touch(self);
                self.swap(value, order)
            }
            #[inline]
            fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                ok: Ordering,
                err: Ordering,
            ) -> Result<$value, $value> {
                touch(self);
                self.compare_exchange(current, new, ok, err)
            }
            #[inline]
            fn fetch_or(&self, mask: $value, order: Ordering) -> $value {
                touch(self);
                self.fetch_or(mask, order)
            }
            #[inline]
            fn fetch_and(&self, mask: $value, order: Ordering) -> $value {
                touch(self);
                self.fetch_and(mask, order)
            }
            #[inline]
            fn fetch_add(&self, n: $value, order: Ordering) -> $value {
                touch(self);
                self.fetch_add(n, order)
            }
            #[inline]
            fn fetch_sub(&self, n: $value, order: Ordering) -> $value {
                touch(self);
                self.fetch_sub(n, order)
            }
        }

        impl Word<$value> for Cell<$value> {
            #[inline]
            fn new(value: $value) -> Self {
                Cell::new(value)
            }
            #[inline]
            fn load(&self, _: Ordering) -> $value {
                touch(self);
                self.get()
            }
            #[inline]
            fn store(&self, value: $value, _: Ordering) {
                touch(self);
                self.set(value);
            }
            #[inline]
            fn swap(&self, value: $value, _: Ordering) -> $value {
                touch(self);
                self.replace(value)
            }
            #[inline]
            fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                _: Ordering,
                _: Ordering,
            ) -> Result<$value, $value> {
                touch(self);
                let found = self.get();
                if found == current {
                    self.set(new);
                    Ok(found)
                } else {
                    Err(found)
                }
            }
            #[inline]
            fn fetch_or(&self, mask: $value, _: Ordering) -> $value {
                touch(self);
                self.replace(self.get() | mask)
            }
            #[inline]
            fn fetch_and(&self, mask: $value, _: Ordering) -> $value {
                touch(self);
                self.replace(self.get() & mask)
            }
            #[inline]
            fn fetch_add(&self, n: $value, _: Ordering) -> $value {
                touch(self);
                self.replace(self.get().wrapping_add(n))
            }
            #[inline]
            fn fetch_sub(&self, n: $value, _: Ordering) -> $value {
                touch(self);
                self.replace(self.get().wrapping_sub(n))
            }
        }
    )*};
}

words! {
    AtomicUsize, usize;
    AtomicU8, u8;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Shared {}
    impl Sealed for super::Local {}
}
