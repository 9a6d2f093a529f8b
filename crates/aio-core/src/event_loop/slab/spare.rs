//! Memory for chunks, from the system, and what is kept of it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

use super::chunk::CHUNK;

/// What a chunk takes from the system. `malloc` has 16 bytes of its own with each block: with the last 16 bytes of a
/// chunk left to it, chunks lie side by side, and no page between them is touched in vain.
const STANDARD: Layout = match Layout::from_size_align(CHUNK - 16, CHUNK) {
    Ok(layout) => layout,
    Err(_) => panic!("a chunk is a power of two"),
};

/// How many empty chunks a slab keeps.
const LIMIT: usize = (16 << 20) / CHUNK;

/// A piece of memory from the system that holds nothing.
pub(super) struct Span {
    base: NonNull<u8>,
    layout: Layout,
}

impl Span {
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(super) fn size(&self) -> usize {
        self.layout.size()
    }

    /// From the system; the layout is not empty.
    fn allocate(layout: Layout) -> Self {
        assert!(layout.size() > 0);
        // SAFETY: the layout is not empty.
        let Some(base) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        // A block finds its chunk by masking its address: `Chunk::of` takes this provenance up again.
        base.as_ptr().expose_provenance();
        Self { base, layout }
    }

    pub(super) fn give_back(self) {
        // SAFETY: it was allocated with this layout, and nobody else has it: a span is not copied.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

/// The standard spans that a slab keeps, linked through themselves.
pub(super) struct Spares {
    first: Cell<Option<NonNull<Spare>>>,
    len: Cell<usize>,
}

struct Spare {
    next: Option<NonNull<Spare>>,
}

#[cfg(not(aio_loom))]
aio_base::thread_local! {
    /// One for the next slab of this thread: a program that runs one task after the other, each on a loop of its own,
    /// does not ask the system each time.
    static LAST: Spares = Spares::new();
}

impl Spares {
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(None), len: Cell::new(0) }
    }

    /// A span with room for `layout`: one of those that are kept, if it fits.
    pub(super) fn take(&self, layout: Layout) -> Span {
        if layout.align() > STANDARD.align() || layout.size() > STANDARD.size() {
            return Span::allocate(layout);
        }
        self.pop().or_else(take_last).unwrap_or_else(|| Span::allocate(STANDARD))
    }

    /// One for a chunk of slots.
    pub(super) fn take_standard(&self) -> Span {
        self.take(STANDARD)
    }

    /// Keeps a span, or gives it back to the system.
    pub(super) fn put(&self, span: Span) {
        if span.layout == STANDARD && self.len.get() < LIMIT {
            self.push(span);
        } else {
            span.give_back();
        }
    }

    fn push(&self, span: Span) {
        let spare = span.base.cast::<Spare>();
        // SAFETY: a span is large enough, aligned, and nobody else's.
        unsafe { spare.write(Spare { next: self.first.get() }) };
        self.first.set(Some(spare));
        self.len.set(self.len.get() + 1);
    }

    fn pop(&self) -> Option<Span> {
        let spare = self.first.get()?;
        // SAFETY: what is in the list begins with a `Spare`.
        self.first.set(unsafe { spare.as_ref() }.next);
        self.len.set(self.len.get() - 1);
        Some(Span { base: spare.cast(), layout: STANDARD })
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        while let Some(span) = self.pop() {
            if self.len.get() == 0 {
                // The one that has been here for the longest time is hardly at the end of the heap, which can shrink.
                put_last(span);
            } else {
                span.give_back();
            }
        }
    }
}

/// Takes the span that this thread keeps.
#[cfg(not(aio_loom))]
fn take_last() -> Option<Span> {
    LAST.try_with(Spares::pop).ok().flatten()
}

/// Lets this thread keep a span, if it has none. When the thread ends it cannot: what `LAST` itself drops goes back.
#[cfg(not(aio_loom))]
fn put_last(span: Span) {
    let mut span = Some(span);
    let keep = |last: &Spares| {
        if last.len.get() == 0 { span.take().map(|span| last.push(span)) } else { None }
    };
    if LAST.try_with(keep).ok().flatten().is_none()
        && let Some(span) = span
    {
        span.give_back();
    }
}

/// Models have no time for what is kept from one slab to the next.
#[cfg(aio_loom)]
fn take_last() -> Option<Span> {
    None
}

#[cfg(aio_loom)]
fn put_last(span: Span) {
    span.give_back();
}
