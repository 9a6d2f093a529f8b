//! What a semaphore gives.

use std::fmt;
use std::ops::Deref;

use aio_base::{Home, waits};

use super::Semaphore;

/// One or more permits of a [`Semaphore`]; dropping it gives them back, to the first who waits.
///
/// `R` is how it refers to the semaphore: by `&` in [`Permit`](crate::Permit), by a counted reference in
/// [`OwnedPermit`](crate::OwnedPermit).
#[must_use = "dropping the permit gives it back at once"]
pub struct Permit<R: Deref<Target = Semaphore<H>>, H: Home> {
    semaphore: R,
    n: usize,
}

impl<R: Deref<Target = Semaphore<H>>, H: Home> Permit<R, H> {
    /// By the one who has just got them.
    #[inline]
    pub(super) fn new(semaphore: R, n: usize) -> Self {
        let mut permit = Self { semaphore, n: 0 };
        permit.set(n);
        permit
    }

    /// Stands for so many from now on. Who has none is no holder.
    #[inline]
    fn set(&mut self, n: usize) {
        match (std::mem::replace(&mut self.n, n), n) {
            (0, 1..) if std::mem::needs_drop::<R>() => waits::took_to_go(&self.semaphore.waiting),
            (0, 1..) => waits::took(&self.semaphore.waiting),
            (1.., 0) => waits::gave(&self.semaphore.waiting),
            _ => {}
        }
    }

    /// For how many permits it stands.
    pub fn n_permits(&self) -> usize {
        self.n
    }

    /// Splits `n` of them off; `None`, and nothing changes, if there are not so many.
    ///
    /// # Examples
    /// ```
    /// let semaphore = aio_sync::Semaphore::new(3);
    /// let mut rest = semaphore.try_acquire_many(3).unwrap();
    /// let one = rest.split(1);
    /// drop(rest);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// # drop(one);
    /// ```
    #[must_use = "dropping the part that is split off gives it back at once"]
    pub fn split(&mut self, n: usize) -> Option<Self>
    where
        R: Clone,
    {
        self.set(self.n.checked_sub(n)?);
        Some(Self::new(self.semaphore.clone(), n))
    }

    /// Adds those of `other`.
    ///
    /// # Panics
    /// If they are of another semaphore, or together more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS). `other` is
    /// given back then.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(std::ptr::eq(&*self.semaphore, &*other.semaphore), "permits of different semaphores");
        self.set(super::add(self.n, other.n).expect("too many permits"));
        other.set(0);
    }

    /// Does not give them back: there are fewer from now on.
    pub fn forget(mut self) {
        self.set(0);
    }
}

impl<R: Deref<Target = Semaphore<H>>, H: Home> Drop for Permit<R, H> {
    #[inline]
    fn drop(&mut self) {
        let n = self.n;
        if n > 0 {
            self.set(0);
            // If others were added meanwhile, and there would be too many now, these are left out.
            self.semaphore.release(n);
        }
    }
}

impl<R: Deref<Target = Semaphore<H>>, H: Home> fmt::Debug for Permit<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.n).finish()
    }
}
