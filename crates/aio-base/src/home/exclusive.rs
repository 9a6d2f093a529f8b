//! A value to have for oneself during a call.

use std::cell::{Cell, UnsafeCell};
use std::fmt;

#[cfg(not(aio_loom))]
use crate::BriefLock;
use crate::footprint::touch;
#[cfg(not(aio_loom))]
use crate::sync::atomic::AtomicU8;

#[cfg(aio_loom)]
pub use model::ModelLock;

/// Access to a value during a call; the call must not lead back to it. It is in the
/// [footprint](crate::footprint) of who has it.
pub trait Exclusive<T> {
    /// What lies beside the value: see [`byte`](Self::byte).
    type Byte;

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
    /// A byte that anybody may use, whoever has the value; 0 at first. What says whether the value is taken leaves
    /// room for it, so a primitive whose state is a byte needs no more than a line of those who wait.
    fn byte(&self) -> &Self::Byte;
}

#[cfg(not(aio_loom))]
impl<T> Exclusive<T> for BriefLock<T, AtomicU8> {
    type Byte = AtomicU8;

    #[inline]
    fn new(value: T) -> Self {
        Self::new(value)
    }
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        touch(self);
        f(&mut self.lock())
    }
    #[inline]
    unsafe fn try_with_leaf<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        touch(self);
        self.try_lock().map(|mut value| f(&mut value))
    }
    #[inline]
    fn get_mut(&mut self) -> &mut T {
        self.get_mut()
    }
    #[inline]
    fn byte(&self) -> &AtomicU8 {
        self.beside()
    }
}

/// A [`RefCell`](std::cell::RefCell) that is only ever borrowed mutably, for which a byte will do instead of a word.
pub struct LocalCell<T> {
    byte: Cell<u8>,
    is_taken: Cell<bool>,
    /// For whoever has set `is_taken`, until it clears it; or, if that is not set, for a call that leads nowhere.
    value: UnsafeCell<T>,
}

/// Ends the access, also if there is a panic.
struct Taken<'a>(&'a Cell<bool>);

impl Drop for Taken<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<T> Exclusive<T> for LocalCell<T> {
    type Byte = Cell<u8>;

    #[inline]
    fn new(value: T) -> Self {
        Self { byte: Cell::new(0), is_taken: Cell::new(false), value: UnsafeCell::new(value) }
    }
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        touch(self);
        if self.is_taken.replace(true) {
            led_back();
        }
        let _taken = Taken(&self.is_taken);
        // SAFETY: the flag was not set, so no other call of this method has a reference to the value, nor will have one
        // before the flag is cleared; those of the method below have none while other code runs. There is one thread.
        f(unsafe { &mut *self.value.get() })
    }
    #[inline]
    unsafe fn try_with_leaf<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        touch(self);
        // SAFETY: nobody has the value: `with` would have set the flag, and this method does not lead to itself, as its
        // callers vouch. For the same reason nobody comes to have it in between.
        (!self.is_taken.get()).then(|| f(unsafe { &mut *self.value.get() }))
    }
    #[inline]
    fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
    #[inline]
    fn byte(&self) -> &Cell<u8> {
        &self.byte
    }
}

#[cold]
#[inline(never)]
fn led_back() -> ! {
    panic!("a call that has the value led back to it");
}

impl<T> fmt::Debug for LocalCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCell").field("is_taken", &self.is_taken.get()).finish_non_exhaustive()
    }
}

/// What stands in for the lock in models.
#[cfg(aio_loom)]
mod model {
    use super::Exclusive;
    use crate::sync::atomic::AtomicU8;
    use crate::sync::{Mutex, MutexGuard};

    /// A model that looks again and again for a lock has too many branches. `BriefLock` has a model of its own.
    #[derive(Debug)]
    pub struct ModelLock<T> {
        byte: AtomicU8,
        lock: Mutex<T>,
    }

    impl<T> ModelLock<T> {
        /// A free lock around `value`.
        pub fn new(value: T) -> Self {
            Self { byte: AtomicU8::new(0), lock: Mutex::new(value) }
        }

        /// Takes the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.lock.lock()
        }
    }

    impl<T> Exclusive<T> for ModelLock<T> {
        type Byte = AtomicU8;

        fn new(value: T) -> Self {
            Self::new(value)
        }
        fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
            f(&mut self.lock())
        }
        unsafe fn try_with_leaf<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
            self.lock.try_lock().map(|mut value| f(&mut value))
        }
        fn get_mut(&mut self) -> &mut T {
            self.lock.get_mut()
        }
        fn byte(&self) -> &AtomicU8 {
            &self.byte
        }
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::{Home, Local, Shared};

    fn a_byte_lies_beside_the_value<H: Home>()
    where
        H::Exclusive<usize>: Exclusive<usize>,
    {
        use crate::home::Word;
        use crate::sync::atomic::Ordering;

        assert_eq!(size_of::<H::Exclusive<usize>>(), 2 * size_of::<usize>());
        let mut value = <H::Exclusive<usize> as Exclusive<usize>>::new(3);
        value.with(|n| {
            *n += 1;
            assert_eq!(value.byte().swap(7, Ordering::Relaxed), 0);
        });
        // SAFETY: it leads nowhere.
        assert_eq!(unsafe { value.try_with_leaf(|n| *n) }, Some(4));
        assert_eq!((*value.get_mut(), value.byte().load(Ordering::Relaxed)), (4, 7));
    }

    #[test]
    fn in_both_homes_a_byte_lies_beside_the_value() {
        a_byte_lies_beside_the_value::<Shared>();
        a_byte_lies_beside_the_value::<Local>();
    }

    #[test]
    fn a_call_that_leads_back_panics_and_leaves_the_value_free() {
        let cell = LocalCell::new(1);
        let led_back = catch_unwind(AssertUnwindSafe(|| {
            cell.with(|_| {
                // SAFETY: it leads nowhere.
                assert!(unsafe { cell.try_with_leaf(|n| *n) }.is_none());
                cell.with(|n| *n = 2);
            })
        }));
        assert!(led_back.is_err());
        assert_eq!(cell.with(|n| *n), 1);
    }
}
