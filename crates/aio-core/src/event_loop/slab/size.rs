//! Which sizes slots have.

use std::alloc::Layout;

use super::chunk::CHUNK;

/// The least that a slot has, and the most that blocks of a class are aligned to.
pub(super) const ALIGN: usize = 16;
/// Larger blocks get a chunk of their own.
pub(super) const LARGEST: usize = CHUNK / 8;
/// Up to this size, there is a class for each multiple of eight.
const FINEST: usize = 256;
const FINEST_CLASSES: usize = (FINEST - ALIGN) / 8 + 1;
/// Up to this size, there is a class for each multiple of [`ALIGN`]; beyond it, four for each doubling.
const FINE: usize = 512;
const FINE_CLASSES: usize = FINEST_CLASSES + (FINE - FINEST) / ALIGN;
pub(super) const CLASSES: usize = FINE_CLASSES + 4 * (4096 / FINE).ilog2() as usize;

const _: () = assert!(LARGEST <= 4096, "there are no classes for it");

/// The class of a layout; none, if it needs a chunk of its own.
#[inline]
pub(super) fn class_of(layout: Layout) -> Option<usize> {
    if layout.size() > LARGEST || layout.align() > ALIGN {
        return None;
    }
    // Slots of a multiple of their alignment are aligned as the first one is, to `ALIGN`.
    let last = layout.size().next_multiple_of(layout.align()).max(ALIGN) - 1;
    if last < FINEST {
        return Some((last + 1 - ALIGN).div_ceil(8));
    }
    if last < FINE {
        return Some(FINEST_CLASSES + (last - FINEST) / ALIGN);
    }
    // The two bits after the first one tell the four classes of a doubling apart.
    let log = last.ilog2() as usize;
    Some(FINE_CLASSES + (log - FINE.ilog2() as usize) * 4 + ((last >> (log - 2)) & 3))
}

/// How large the slots of a class are.
pub(super) fn slot_size(class: usize) -> usize {
    match (class.checked_sub(FINEST_CLASSES), class.checked_sub(FINE_CLASSES)) {
        (None, _) => ALIGN + class * 8,
        (Some(fine), None) => FINEST + (fine + 1) * ALIGN,
        (_, Some(coarse)) => (FINE / 4 * (coarse % 4 + 5)) << (coarse / 4),
    }
}
