//! The two homes: what may cross threads, and what stays on its loop.
//!
//! Every primitive exists in both: `aio::Lock` may be shared between threads, `aio::local::Lock` stays on one and
//! needs neither atomics nor locks. The algorithm is written once, generic over a [`Home`], which says how to share a
//! value, how to have it for oneself, and what a state word is made of.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::sync::Arc;
use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

#[cfg(not(aio_loom))]
use crate::BriefLock as Lock;
// A model that looks again and again for a lock has too many branches. `BriefLock` has a model of its own.
#[cfg(aio_loom)]
use crate::sync::Mutex as Lock;

/// The home of values that may cross threads: [`Arc`], [`BriefLock`](crate::BriefLock), atomics.
#[derive(Debug, Clone, Copy)]
pub struct Shared;

/// The home of values that stay on their thread: [`Rc`], [`RefCell`], [`Cell`].
#[derive(Debug, Clone, Copy)]
pub struct Local;

/// Where a primitive lives: [`Shared`] or [`Local`]. Sealed.
pub trait Home: sealed::Sealed + Sized + fmt::Debug + 'static {
    /// A counted reference.
    type Ref<T>: Clone + Deref<Target = T>;
    /// A value to have for oneself during a call.
    type Exclusive<T>: Exclusive<T>;
    /// A state word.
    type Word: Word<usize>;
    /// A small one, for what there are many of.
    type Byte: Word<u8>;

    /// A first reference to `value`.
    fn new_ref<T>(value: T) -> Self::Ref<T>;
}

/// Access to a value during a call; the call must not lead back to it.
pub trait Exclusive<T> {
    /// Around `value`.
    fn new(value: T) -> Self;
    /// Runs `f` with the value. No foreign code may run in `f`: no waker may be cloned, woken or dropped in it.
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R;
    /// The same if nobody has the value just now, for a few steps that lead nowhere else: nothing watches that they do
    /// not lead back here, not even where there is one thread.
    ///
    /// # Safety
    /// `f` calls nothing that might use this value again: no code that the caller has not in view, an allocator's
    /// included.
    unsafe fn try_with_leaf<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R>;
    /// The value, when nobody else can have it.
    fn get_mut(&mut self) -> &mut T;
}

/// A word that changes by compare-and-exchange. The orderings are those of the atomic; one thread needs none.
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
}

impl Home for Shared {
    type Ref<T> = Arc<T>;
    type Exclusive<T> = Lock<T>;
    type Word = AtomicUsize;
    type Byte = AtomicU8;

    fn new_ref<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }
}

impl Home for Local {
    type Ref<T> = Rc<T>;
    type Exclusive<T> = RefCell<T>;
    type Word = Cell<usize>;
    type Byte = Cell<u8>;

    fn new_ref<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }
}

impl<T> Exclusive<T> for Lock<T> {
    #[inline]
    fn new(value: T) -> Self {
        Lock::new(value)
    }
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock())
    }
    #[inline]
    unsafe fn try_with_leaf<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.try_lock().map(|mut value| f(&mut value))
    }
    #[inline]
    fn get_mut(&mut self) -> &mut T {
        self.get_mut()
    }
}

impl<T> Exclusive<T> for RefCell<T> {
    #[inline]
    fn new(value: T) -> Self {
        RefCell::new(value)
    }
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.borrow_mut())
    }
    #[inline]
    unsafe fn try_with_leaf<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        // SAFETY: nobody writes the flag meanwhile. Nor does anybody use the value: it is borrowed by `with` alone, and
        // mutably, which is seen here; `f` does not lead there, as the caller vouches, and the thread is the only one.
        unsafe { self.try_borrow_unguarded().is_ok().then(|| f(&mut *self.as_ptr())) }
    }
    #[inline]
    fn get_mut(&mut self) -> &mut T {
        self.get_mut()
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
                self.load(order)
            }
            #[inline]
            fn store(&self, value: $value, order: Ordering) {
                self.store(value, order);
            }
            #[inline]
            fn swap(&self, value: $value, order: Ordering) -> $value {
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
                self.compare_exchange(current, new, ok, err)
            }
            #[inline]
            fn fetch_or(&self, mask: $value, order: Ordering) -> $value {
                self.fetch_or(mask, order)
            }
            #[inline]
            fn fetch_and(&self, mask: $value, order: Ordering) -> $value {
                self.fetch_and(mask, order)
            }
        }

        impl Word<$value> for Cell<$value> {
            #[inline]
            fn new(value: $value) -> Self {
                Cell::new(value)
            }
            #[inline]
            fn load(&self, _: Ordering) -> $value {
                self.get()
            }
            #[inline]
            fn store(&self, value: $value, _: Ordering) {
                self.set(value);
            }
            #[inline]
            fn swap(&self, value: $value, _: Ordering) -> $value {
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
                self.replace(self.get() | mask)
            }
            #[inline]
            fn fetch_and(&self, mask: $value, _: Ordering) -> $value {
                self.replace(self.get() & mask)
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
