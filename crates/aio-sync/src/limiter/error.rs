//! Why no token was borrowed.

use std::error::Error;
use std::fmt;

/// Why a [`CapacityLimiter`](crate::CapacityLimiter) had no token to lend.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AcquireError(Refusal);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Exhausted,
    Closed,
}

impl AcquireError {
    pub(super) const EXHAUSTED: Self = Self(Refusal::Exhausted);
    pub(super) const CLOSED: Self = Self(Refusal::Closed);

    /// Whether there were not enough, but may be later. Only the forms that do not wait say so.
    pub fn is_exhausted(&self) -> bool {
        self.0 == Refusal::Exhausted
    }

    /// Whether there will be none ever: the limiter was [closed](crate::generic::CapacityLimiter::close).
    pub fn is_closed(&self) -> bool {
        self.0 == Refusal::Closed
    }
}

impl fmt::Debug for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireError").field(&self.0).finish()
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Refusal::Exhausted => "failed to borrow from the capacity limiter: not enough is available",
            Refusal::Closed => "failed to borrow from the capacity limiter: it is closed",
        })
    }
}

impl Error for AcquireError {}
