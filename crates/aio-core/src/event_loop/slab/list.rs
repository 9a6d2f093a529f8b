//! Lists of chunks, linked through the chunks themselves.

use std::cell::Cell;
use std::ptr::NonNull;

use super::chunk::Chunk;

/// The chunks of a class that have room.
pub(super) const ROOM: usize = 0;
/// All chunks of a kind.
pub(super) const REGISTERED: usize = 1;

/// The neighbours of a chunk in a list.
#[derive(Default)]
pub(super) struct Links {
    next: Cell<Option<NonNull<Chunk>>>,
    former: Cell<Option<NonNull<Chunk>>>,
}

/// A list that uses the links number `LINKS` of its chunks. They all exist: who destroys one takes it out first.
pub(super) struct List<const LINKS: usize> {
    first: Cell<Option<NonNull<Chunk>>>,
}

impl<const LINKS: usize> List<LINKS> {
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(None) }
    }

    #[inline]
    pub(super) fn first(&self) -> Option<NonNull<Chunk>> {
        self.first.get()
    }

    /// The one after `chunk`, which is in a list of this sort.
    pub(super) fn after(chunk: &Chunk) -> Option<NonNull<Chunk>> {
        chunk.links[LINKS].next.get()
    }

    /// Puts a chunk in front, which is in no list of this sort.
    pub(super) fn push(&self, chunk: &Chunk) {
        let first = self.first.replace(Some(NonNull::from(chunk)));
        if let Some(first) = first {
            // SAFETY: it is in the list, so it exists.
            unsafe { first.as_ref() }.links[LINKS].former.set(Some(NonNull::from(chunk)));
        }
        chunk.links[LINKS].next.set(first);
        chunk.links[LINKS].former.set(None);
    }

    /// Takes a chunk out, which is in this list.
    pub(super) fn remove(&self, chunk: &Chunk) {
        let Links { next, former } = &chunk.links[LINKS];
        match former.get() {
            // SAFETY: it is in the list, so it exists.
            Some(former) => unsafe { former.as_ref() }.links[LINKS].next.set(next.get()),
            None => self.first.set(next.get()),
        }
        if let Some(next) = next.get() {
            // SAFETY: as above.
            unsafe { next.as_ref() }.links[LINKS].former.set(former.get());
        }
    }

    /// Whether there is another one than `chunk`, which is in this list.
    pub(super) fn has_others(&self, chunk: &Chunk) -> bool {
        self.first.get() != Some(NonNull::from(chunk)) || Self::after(chunk).is_some()
    }
}
