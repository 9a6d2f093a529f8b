//! Which sizes slots have.

use std::alloc::Layout;

use super::chunk::CHUNK;

/// What all blocks are aligned to.
pub(super) const ALIGN: usize = 16;
/// Larger blocks get a chunk of their own.
pub(super) const LARGEST: usize = CHUNK / 8;
/// Up to this size, there is a class for each multiple of [`ALIGN`]; beyond it, four for each doubling.
const FINE: usize = 512;
const FINE_CLASSES: usize = FINE / ALIGN;
pub(super) const CLASSES: usize = FINE_CLASSES + 4 * (4096 / FINE).ilog2() as usize;

const _: () = assert!(LARGEST <= 4096, "there are no classes for it");

/// The class of a layout; none, if it needs a chunk of its own.
#[inline]
pub(super) fn class_of(layout: Layout) -> Option<usize> {
    let size = layout.size();
    if size > LARGEST || layout.align() > ALIGN {
        return None;
    }
    let last = size.saturating_sub(1);
    if last < FINE {
        return Some(last / ALIGN);
    }
    // The two bits after the first one tell the four classes of a doubling apart.
    let log = last.ilog2() as usize;
    Some(FINE_CLASSES + (log - FINE.ilog2() as usize) * 4 + ((last >> (log - 2)) & 3))
}

/// How large the slots of a class are.
pub(super) fn slot_size(class: usize) -> usize {
    match class.checked_sub(FINE_CLASSES) {
        None => (class + 1) * ALIGN,
        Some(coarse) => (FINE / 4 * (coarse % 4 + 5)) << (coarse / 4),
    }
}
