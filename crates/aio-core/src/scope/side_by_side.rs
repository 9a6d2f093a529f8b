//! Parts of one whole that clean up at the same time.

use super::Finalizers;
use crate::current;

/// Drops several things that are parts of one whole, such as the children of a group, so that their cleanups run side
/// by side. The whole of it takes one place among the cleanups of the current scope: what was left before is done when
/// it begins, and it is done when what is left afterwards begins.
#[derive(Debug)]
pub struct SideBySide(Finalizers);

impl SideBySide {
    /// Nothing so far.
    pub const fn new() -> Self {
        Self(Finalizers::new())
    }

    /// Runs `part`, which drops one of the parts. The cleanups left in it run one after the other.
    #[inline]
    pub fn run<R>(&self, part: impl FnOnce() -> R) -> R {
        struct Left<'a> {
            all: &'a Finalizers,
            part: Finalizers,
        }
        impl Drop for Left<'_> {
            #[inline]
            fn drop(&mut self) {
                if !self.part.is_empty() {
                    self.keep();
                }
            }
        }
        impl Left<'_> {
            #[cold]
            fn keep(&self) {
                if let Some(cleanups) = self.part.take() {
                    self.all.with(|all| all.push_beside(*cleanups));
                }
            }
        }
        // Also if it panics.
        let left = Left { all: &self.0, part: Finalizers::new() };
        current::enter_scope(&left.part, part)
    }
}

impl Default for SideBySide {
    fn default() -> Self {
        Self::new()
    }
}
