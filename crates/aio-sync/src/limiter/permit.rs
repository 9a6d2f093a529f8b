//! What a limiter lends.

use std::fmt;
use std::ops::Deref;

use aio_base::{Home, waits};

use super::CapacityLimiter;

/// One or more tokens borrowed from a [`CapacityLimiter`]; dropping it gives them back, to the first who waits.
///
/// `R` is how it refers to the limiter: by `&` in [`LimiterPermit`](crate::LimiterPermit), by a counted reference in
/// [`OwnedLimiterPermit`](crate::OwnedLimiterPermit).
#[must_use = "dropping the permit gives it back at once"]
pub struct LimiterPermit<R: Deref<Target = CapacityLimiter<H>>, H: Home> {
    limiter: R,
    n: usize,
}

impl<R: Deref<Target = CapacityLimiter<H>>, H: Home> LimiterPermit<R, H> {
    /// By the one who has just got them.
    #[inline]
    pub(super) fn new(limiter: R, n: usize) -> Self {
        let mut permit = Self { limiter, n: 0 };
        permit.set(n);
        permit
    }

    /// Stands for so many from now on. Who has none is no holder.
    #[inline]
    fn set(&mut self, n: usize) {
        match (std::mem::replace(&mut self.n, n), n) {
            (0, 1..) if std::mem::needs_drop::<R>() => waits::took_to_go(&self.limiter.state),
            (0, 1..) => waits::took(&self.limiter.state),
            (1.., 0) => waits::gave(&self.limiter.state),
            _ => {}
        }
    }

    /// For how many tokens it stands.
    pub fn n_tokens(&self) -> usize {
        self.n
    }

    /// Splits `n` of them off; `None`, and nothing changes, if there are not so many.
    #[must_use = "dropping the part that is split off gives it back at once"]
    pub fn split(&mut self, n: usize) -> Option<Self>
    where
        R: Clone,
    {
        self.set(self.n.checked_sub(n)?);
        Some(Self::new(self.limiter.clone(), n))
    }

    /// Adds those of `other`.
    ///
    /// # Panics
    /// If they are of another limiter. `other` is given back then.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(std::ptr::eq(&*self.limiter, &*other.limiter), "permits of different limiters");
        // No more than are borrowed.
        self.set(self.n + other.n);
        other.set(0);
    }
}

impl<R: Deref<Target = CapacityLimiter<H>>, H: Home> Drop for LimiterPermit<R, H> {
    fn drop(&mut self) {
        let n = self.n;
        if n > 0 {
            self.set(0);
            self.limiter.release(n);
        }
    }
}

impl<R: Deref<Target = CapacityLimiter<H>>, H: Home> fmt::Debug for LimiterPermit<R, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimiterPermit").field(&self.n).finish()
    }
}
