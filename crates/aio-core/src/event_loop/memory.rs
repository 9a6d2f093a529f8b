//! Memory for cells: freed blocks are kept for the next task of about the same size.
//!
//! Half the cost of spawning a small task is `malloc` and `free`. Blocks come from the system one by one, so any thread
//! may give one back to it; the loop's own thread keeps those that it frees, up to a limit.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// Sizes are rounded up to this.
const GRAIN: usize = 32;
const CLASSES: usize = 32;
const ALIGN: usize = 16;
/// How many bytes a loop keeps.
const LIMIT: usize = 16 << 20;

/// The free blocks of a loop, by size.
pub(crate) struct Memory {
    classes: [Cell<Option<NonNull<Free>>>; CLASSES],
    kept: Cell<usize>,
}

/// A free block holds the list.
struct Free {
    next: Option<NonNull<Free>>,
}

const _: () = assert!(size_of::<Free>() <= GRAIN && align_of::<Free>() <= ALIGN);

/// The class of a layout, and the layout that its blocks are allocated with; or none, for what is too large or aligned
/// beyond the usual.
fn class(layout: Layout) -> Option<(usize, Layout)> {
    let index = layout.size().div_ceil(GRAIN);
    if index >= CLASSES || layout.align() > ALIGN {
        return None;
    }
    Some((index, Layout::from_size_align(index * GRAIN, ALIGN).ok()?))
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { classes: [const { Cell::new(None) }; CLASSES], kept: Cell::new(0) }
    }

    /// A block for `layout`, which is not empty.
    pub(crate) fn allocate(&self, layout: Layout) -> NonNull<u8> {
        let Some((index, layout)) = class(layout) else { return system(layout) };
        let list = &self.classes[index];
        match list.get() {
            Some(block) => {
                // SAFETY: blocks in the list are ours, and begin with a `Free`.
                list.set(unsafe { block.as_ref() }.next);
                self.kept.set(self.kept.get() - layout.size());
                block.cast()
            }
            None => system(layout),
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` was allocated for `layout`, by this or another loop's memory, and is not used any more.
    pub(crate) unsafe fn free(&self, block: NonNull<u8>, layout: Layout) {
        match class(layout) {
            Some((index, layout)) if self.kept.get() + layout.size() <= LIMIT => {
                let block = block.cast::<Free>();
                let list = &self.classes[index];
                // SAFETY: the block is large enough, aligned, and nobody else's.
                unsafe { block.write(Free { next: list.get() }) };
                list.set(Some(block));
                self.kept.set(self.kept.get() + layout.size());
            }
            // SAFETY: by the caller.
            _ => unsafe { Self::free_elsewhere(block, layout) },
        }
    }

    /// Gives a block back to the system; on any thread.
    ///
    /// # Safety
    /// As [`free`](Self::free).
    pub(crate) unsafe fn free_elsewhere(block: NonNull<u8>, layout: Layout) {
        let layout = class(layout).map_or(layout, |(_, layout)| layout);
        // SAFETY: it was allocated with the layout of its class, if it has one.
        unsafe { dealloc(block.as_ptr(), layout) };
    }
}

fn system(layout: Layout) -> NonNull<u8> {
    // SAFETY: the layout is not empty: a cell has a header, a class has at least one grain.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (index, list) in self.classes.iter().enumerate() {
            while let Some(block) = list.get() {
                // SAFETY: as in `allocate`.
                list.set(unsafe { block.as_ref() }.next);
                // SAFETY: a layout of this size has this class.
                unsafe {
                    let layout = Layout::from_size_align_unchecked(index * GRAIN, ALIGN);
                    dealloc(block.as_ptr().cast(), layout);
                }
            }
        }
    }
}
