//! Going on after a panic, and panicking later.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Keeps the first panic of several calls, so that all of them are made, and lets it out at the end.
#[derive(Default)]
#[must_use = "a panic that was caught must be let out with `resume`, or taken"]
pub struct Panics(Option<Box<dyn Any + Send>>);

impl Panics {
    /// No panic so far.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Calls `f`. A panic is kept if it is the first one; the payload of a later one is forgotten, since its
    /// destructor may panic too.
    #[inline]
    pub fn catch<R>(&mut self, f: impl FnOnce() -> R) -> Option<R> {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(value) => Some(value),
            Err(payload) => {
                self.keep(payload);
                None
            }
        }
    }

    /// Keeps a panic caught elsewhere, by the same rule.
    #[cold]
    pub fn keep(&mut self, payload: Box<dyn Any + Send>) {
        if self.0.is_none() {
            self.0 = Some(payload);
        } else {
            std::mem::forget(payload);
        }
    }

    /// Keeps the panic of `other`, if there was one, by the same rule.
    pub fn absorb(&mut self, other: &mut Self) {
        if let Some(payload) = other.take() {
            self.keep(payload);
        }
    }

    /// Whether there was a panic.
    pub fn has_panicked(&self) -> bool {
        self.0.is_some()
    }

    /// The first panic, if there was one.
    pub fn take(&mut self) -> Option<Box<dyn Any + Send>> {
        self.0.take()
    }

    /// Goes on with the first panic, if there was one. For whoever is polled or called: a destructor that does that
    /// while the thread is unwinding already catches it.
    pub fn rethrow(mut self) {
        if let Some(payload) = self.take() {
            resume_unwind(payload);
        }
    }

    /// [`rethrow`](Self::rethrow) for destructors. While the thread is unwinding already, a second panic would abort
    /// the process: then the first one is left to be reported by the panic hook alone.
    pub fn resume(mut self) {
        if let Some(payload) = self.take() {
            if std::thread::panicking() {
                std::mem::forget(payload);
            } else {
                resume_unwind(payload);
            }
        }
    }
}

impl std::fmt::Debug for Panics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Panics").field(&self.0.is_some()).finish()
    }
}
