//! Dropping what runs side by side.

use aio_base::{Panics, ReadySet};
use aio_core::SideBySide;

/// Drops all that is in the set, one after the other, also if one panics; the cleanups run side by side.
pub(crate) fn release<F>(running: &mut ReadySet<F>) {
    if running.is_empty() {
        return;
    }
    let parts = SideBySide::new();
    let mut panics = Panics::new();
    for part in running.drain() {
        panics.catch(|| parts.run(|| drop(part)));
    }
    drop(parts);
    panics.resume();
}
