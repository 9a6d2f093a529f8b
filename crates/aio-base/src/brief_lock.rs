//! A lock for a few instructions.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use crate::sync::UnsafeCell;
#[cfg(not(aio_loom))]
use crate::sync::atomic::AtomicU8;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::thread;

/// How often a thread looks before it lets others run, and how often it does that before it sleeps.
const SPINS: u32 = 64;
const YIELDS: u32 = 64;
const NAP: Duration = Duration::from_micros(50);

/// Mutual exclusion for a few instructions: a loop's timers, or what a primitive of `aio-sync` keeps.
///
/// A [`Mutex`](crate::sync::Mutex) has to find out, when it is released, whether somebody waits, which is a second
/// locked operation. Here whoever waits looks again and again, so that the release is a plain store. For anything
/// longer a `Mutex` is right.
///
/// Where the value is a pointer, there is room in the word of the flag: `B` lies [beside](Self::beside) it.
pub struct BriefLock<T, B = ()> {
    beside: B,
    locked: AtomicBool,
    /// For whoever has set `locked`, until it clears it.
    value: UnsafeCell<T>,
}

/// Access to what a [`BriefLock`] guards.
pub struct BriefGuard<'a, T, B = ()> {
    lock: &'a BriefLock<T, B>,
    /// `Send` and `Sync` like the access it gives: `&BriefLock<T>` alone would make it `Sync` without `T: Sync`.
    _access: PhantomData<&'a mut T>,
}

/// What may lie beside a [`BriefLock`].
pub trait Beside {
    /// What lies there at first.
    const INITIAL: Self;
}

impl Beside for () {
    const INITIAL: Self = ();
}

#[cfg(not(aio_loom))]
impl Beside for AtomicU8 {
    const INITIAL: Self = AtomicU8::new(0);
}

// SAFETY: the value is lent to one thread at a time, so it moves between threads and is never shared: `T: Send` will
// do. What lies beside is shared as it is.
unsafe impl<T: Send, B: Sync> Sync for BriefLock<T, B> {}

// As a `Mutex` that does not poison: no foreign code runs under the lock, so a panic leaves nothing half-changed.
impl<T, B> UnwindSafe for BriefLock<T, B> {}
impl<T, B> RefUnwindSafe for BriefLock<T, B> {}

impl<T, B: Beside> BriefLock<T, B> {
    /// A free lock around `value`.
    #[cfg(not(aio_loom))]
    pub const fn new(value: T) -> Self {
        Self { beside: B::INITIAL, locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// A free lock around `value`.
    #[cfg(aio_loom)]
    pub fn new(value: T) -> Self {
        Self { beside: B::INITIAL, locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }
}

impl<T, B> BriefLock<T, B> {
    /// What lies beside it, for anybody and no matter who has the lock.
    #[inline]
    pub const fn beside(&self) -> &B {
        &self.beside
    }

    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> BriefGuard<'_, T, B> {
        if !self.try_take() {
            self.wait();
        }
        BriefGuard { lock: self, _access: PhantomData }
    }

    /// Takes the lock if nobody has it just now.
    #[inline]
    pub fn try_lock(&self) -> Option<BriefGuard<'_, T, B>> {
        self.try_take().then(|| BriefGuard { lock: self, _access: PhantomData })
    }

    /// The value itself, no lock needed: there is no other reference.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` is the only reference to the lock, so there is no guard.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    #[inline]
    fn try_take(&self) -> bool {
        // Acquire pairs with the Release of the guard's drop: what was done to the value before is visible.
        self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) {
        let mut looks = 0;
        // Relaxed: a look that costs the holder less than an attempt.
        while self.locked.load(Ordering::Relaxed) || !self.try_take() {
            looks += 1;
            if cfg!(aio_loom) {
                thread::yield_now();
            } else if looks < SPINS {
                std::hint::spin_loop();
            } else if looks < SPINS + YIELDS {
                // Its holder may have lost its core in the middle.
                thread::yield_now();
            } else {
                // And may not get it back by that, if it has a lower priority.
                looks = SPINS;
                thread::sleep(NAP);
            }
        }
    }
}

impl<T, B> Deref for BriefGuard<'_, T, B> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard has the lock, so nobody else has a reference, and the borrow of the guard keeps it.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T, B> DerefMut for BriefGuard<'_, T, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; the borrow of the guard is unique.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T, B> Drop for BriefGuard<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        // Release pairs with the Acquire of `try_take`.
        self.lock.locked.store(false, Ordering::Release);
    }
}

impl<T, B> fmt::Debug for BriefLock<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot for people.
        f.debug_struct("BriefLock").field("locked", &self.locked.load(Ordering::Relaxed)).finish_non_exhaustive()
    }
}

impl<T: fmt::Debug, B> fmt::Debug for BriefGuard<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn a_panic_releases_the_lock() {
        let lock = BriefLock::<_>::new(1);
        catch_unwind(AssertUnwindSafe(|| {
            let _guard = lock.lock();
            panic!("oh");
        }))
        .unwrap_err();
        assert_eq!(*lock.lock(), 1);
    }

    #[test]
    fn a_lock_that_is_taken_is_not_taken_again() {
        let mut lock = BriefLock::<_>::new(1);
        let guard = lock.lock();
        assert!(lock.try_lock().is_none());
        drop(guard);
        *lock.try_lock().unwrap() += 1;
        assert_eq!(*lock.get_mut(), 2);
    }

    #[test]
    fn a_lock_that_is_held_for_long_is_got_in_the_end() {
        let lock = std::sync::Arc::new(BriefLock::<_>::new(1));
        let guard = lock.lock();
        let theirs = lock.clone();
        let other = std::thread::spawn(move || *theirs.lock() += 1);
        std::thread::sleep(20 * NAP); // clock: so that the other mostly sleeps; nothing depends on it
        assert_eq!(*guard, 1);
        drop(guard);
        other.join().unwrap();
        assert_eq!(*lock.lock(), 2);
    }

    /// Two threads that have the same guard both read the value.
    #[test]
    fn a_guard_may_be_shared_only_if_its_value_may() {
        /// The answer for a type that is not `Sync`: an inherent constant hides this one.
        trait Not {
            const IS: bool = false;
        }
        impl<T> Not for T {}
        struct IsSync<T>(PhantomData<T>);
        impl<T: Sync> IsSync<T> {
            const IS: bool = true;
        }
        let is_sync = [
            <IsSync<BriefGuard<'static, u8>>>::IS,
            <IsSync<BriefGuard<'static, Cell<u8>>>>::IS,
            <IsSync<BriefGuard<'static, Cell<u8>, AtomicU8>>>::IS,
        ];
        assert_eq!(is_sync, [true, false, false]);
    }

    #[test]
    fn a_byte_beside_it_costs_nothing_and_needs_no_lock() {
        assert_eq!(size_of::<BriefLock<usize, AtomicU8>>(), size_of::<BriefLock<usize>>());
        let lock = BriefLock::<_, AtomicU8>::new(1);
        let _guard = lock.lock();
        lock.beside().store(7, Ordering::Relaxed);
        assert_eq!(lock.beside().load(Ordering::Relaxed), 7);
    }

    #[test]
    fn many_threads_count_to_their_sum() {
        let lock = std::sync::Arc::new(BriefLock::<_>::new(0));
        let threads = [(); 4].map(|()| {
            let lock = lock.clone();
            std::thread::spawn(move || (0..10_000).for_each(|_| *lock.lock() += 1))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*lock.lock(), 40_000);
    }
}

#[cfg(all(test, aio_loom))]
mod tests {
    use super::*;
    use crate::sync::Arc;

    /// Two threads change the value under the lock; loom sees an access outside of it, and one that does not see the
    /// other's.
    #[test]
    fn the_value_belongs_to_one_thread_at_a_time() {
        loom::model(|| {
            let lock = Arc::new(BriefLock::<_>::new(0));
            let theirs = lock.clone();
            let other = thread::spawn("", move || *theirs.lock() += 1).unwrap();
            *lock.lock() += 1;
            other.join().unwrap();
            assert_eq!(*lock.lock(), 2);
        });
    }
}
