//! Children that are dropped before they have ended.

use std::future::Future;
use std::pin::Pin;

use aio_base::Panics;
use aio_core::SideBySide;

use super::keep::Keep;
use super::slot::Slot;

/// Drops the children of one parent that still run, one after the other; their cleanups run side by side. A panic does
/// not keep the others: the first goes on at the end.
#[derive(Default)]
#[must_use = "`finish` it"]
pub(crate) struct Release {
    parts: SideBySide,
    panics: Panics,
}

impl Release {
    /// Drops the future, if the child still runs.
    #[inline]
    pub(crate) fn child<F: Future, K: Keep<F::Output>>(&mut self, slot: Pin<&mut Slot<F, K>>) {
        if slot.is_running() {
            let Self { parts, panics } = self;
            panics.catch(|| parts.run(|| slot.abandon()));
        }
    }

    /// Lets the first panic out.
    #[inline]
    pub(crate) fn finish(self) {
        let Self { parts, panics } = self;
        drop(parts);
        if panics.has_panicked() {
            panics.resume();
        }
    }
}
