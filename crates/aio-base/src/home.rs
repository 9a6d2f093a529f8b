//! The two homes: what may cross threads, and what stays on its loop.
//!
//! Every primitive exists in both: `aio::Lock` may be shared between threads, `aio::local::Lock` stays on one and
//! needs neither atomics nor locks. The algorithm is written once, generic over a [`Home`], which says how to share a
//! value, how to have it for oneself, and what a state word is made of.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex};

/// The home of values that may cross threads: [`Arc`], [`Mutex`], atomics.
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
    type Word: Word;

    /// A first reference to `value`.
    fn new_ref<T>(value: T) -> Self::Ref<T>;
}

/// Access to a value during a call; the call must not lead back to it.
pub trait Exclusive<T> {
    /// Around `value`.
    fn new(value: T) -> Self;
    /// Runs `f` with the value. No foreign code may run in `f`: no waker may be cloned, woken or dropped in it.
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R;
    /// The value, when nobody else can have it.
    fn get_mut(&mut self) -> &mut T;
}

/// A word that changes by compare-and-exchange. The orderings are those of the atomic; one thread needs none.
pub trait Word {
    /// Holding `value`.
    fn new(value: usize) -> Self;
    /// Reads it.
    fn load(&self, order: Ordering) -> usize;
    /// Writes it.
    fn store(&self, value: usize, order: Ordering);
    /// Writes `value` and returns what was there.
    fn swap(&self, value: usize, order: Ordering) -> usize;
    /// Writes `new` if `current` is there.
    ///
    /// # Errors
    /// What is there instead.
    fn compare_exchange(&self, current: usize, new: usize, ok: Ordering, err: Ordering) -> Result<usize, usize>;
    /// Sets the bits of `mask` and returns what was there.
    fn fetch_or(&self, mask: usize, order: Ordering) -> usize;
    /// Keeps only the bits of `mask` and returns what was there.
    fn fetch_and(&self, mask: usize, order: Ordering) -> usize;
}

impl Home for Shared {
    type Ref<T> = Arc<T>;
    type Exclusive<T> = Mutex<T>;
    type Word = AtomicUsize;

    fn new_ref<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }
}

impl Home for Local {
    type Ref<T> = Rc<T>;
    type Exclusive<T> = RefCell<T>;
    type Word = Cell<usize>;

    fn new_ref<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }
}

impl<T> Exclusive<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Mutex::new(value)
    }
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock())
    }
    fn get_mut(&mut self) -> &mut T {
        self.get_mut()
    }
}

impl<T> Exclusive<T> for RefCell<T> {
    fn new(value: T) -> Self {
        RefCell::new(value)
    }
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.borrow_mut())
    }
    fn get_mut(&mut self) -> &mut T {
        self.get_mut()
    }
}

impl Word for AtomicUsize {
    fn new(value: usize) -> Self {
        AtomicUsize::new(value)
    }
    fn load(&self, order: Ordering) -> usize {
        self.load(order)
    }
    fn store(&self, value: usize, order: Ordering) {
        self.store(value, order);
    }
    fn swap(&self, value: usize, order: Ordering) -> usize {
        self.swap(value, order)
    }
    fn compare_exchange(&self, current: usize, new: usize, ok: Ordering, err: Ordering) -> Result<usize, usize> {
        self.compare_exchange(current, new, ok, err)
    }
    fn fetch_or(&self, mask: usize, order: Ordering) -> usize {
        self.fetch_or(mask, order)
    }
    fn fetch_and(&self, mask: usize, order: Ordering) -> usize {
        self.fetch_and(mask, order)
    }
}

impl Word for Cell<usize> {
    fn new(value: usize) -> Self {
        Cell::new(value)
    }
    fn load(&self, _: Ordering) -> usize {
        self.get()
    }
    fn store(&self, value: usize, _: Ordering) {
        self.set(value);
    }
    fn swap(&self, value: usize, _: Ordering) -> usize {
        self.replace(value)
    }
    fn compare_exchange(&self, current: usize, new: usize, _: Ordering, _: Ordering) -> Result<usize, usize> {
        let found = self.get();
        if found == current {
            self.set(new);
            Ok(found)
        } else {
            Err(found)
        }
    }
    fn fetch_or(&self, mask: usize, _: Ordering) -> usize {
        self.replace(self.get() | mask)
    }
    fn fetch_and(&self, mask: usize, _: Ordering) -> usize {
        self.replace(self.get() & mask)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Shared {}
    impl Sealed for super::Local {}
}
