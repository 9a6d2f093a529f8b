//! A chunk: slots of one size behind a header, which a block finds by masking its address.
//!
//! A chunk counts down to the next time that somebody has to look at it, so that freeing a block takes one test:
//!
//! ```text
//!   has room      the countdown is its blocks in use, and one more if it is the first of its class: that one stays
//!   full          the countdown is 1, whatever is in use: the next free puts it back among those that have room
//! ```

use std::alloc::{Layout, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

#[cfg(aio_loom)]
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::Kind;
use super::account::Account;
use super::list::Links;
use super::size::{ALIGN, slot_size};
use super::spare::{Span, Spares};

/// The size of a chunk, and what it is aligned to. (Small in models, so that a chunk is soon full.)
pub(super) const CHUNK: usize = if cfg!(aio_loom) { 1 << 10 } else { 32 << 10 };

/// Where the first slot is.
const HEADER: usize = size_of::<Chunk>().next_multiple_of(ALIGN);

const _: () = assert!(cfg!(aio_loom) || HEADER <= 128, "406 tasks of 80 bytes instead of 407");
const _: () = assert!(HEADER <= CHUNK / 2 && align_of::<Chunk>() <= ALIGN);

/// A free slot: what is at its beginning.
pub(super) struct Link {
    pub(super) next: *mut Link,
}

/// Where the state word of a slot is; see the docs of the slab.
const STATE: usize = 8;

const _: () = assert!(size_of::<Link>() <= STATE && STATE + size_of::<AtomicU64>() <= ALIGN);

/// The header. What other threads may touch is said at each field; the rest is the owner's, and after the drop of the
/// slab that of the thread which frees the last block.
#[repr(C)]
pub(super) struct Chunk {
    // What is used most lies in one line of the cache.
    /// Blocks that were freed.
    free: Cell<*mut Link>,
    /// The first slot that was never handed out: all threads, see [`for_each`](Self::for_each).
    mark: AtomicPtr<u8>,
    /// Behind the last slot.
    end: *mut u8,
    size: usize,
    /// All threads.
    account: *const Account,
    /// Whose the blocks are: all threads.
    owner: *const (),
    countdown: Cell<u32>,
    capacity: u32,
    /// One, if the chunk stays when it is empty.
    stays: u32,
    full: Cell<bool>,
    pub(super) kind: Kind,
    /// None for a chunk of one block.
    pub(super) class: Option<u8>,
    pub(super) links: [Links; 2],
    span: Span,
    /// What loom watches, for each slot: written by whoever takes it or gives it up.
    #[cfg(aio_loom)]
    shadows: Box<[UnsafeCell<()>]>,
    /// What loom watches: read by a walk, written at the end.
    #[cfg(aio_loom)]
    alive: UnsafeCell<()>,
}

impl Chunk {
    /// A chunk for slots of a class.
    pub(super) fn of_class(
        spares: &Spares,
        kind: Kind,
        class: usize,
        stays: bool,
        account: *const Account,
    ) -> NonNull<Self> {
        let span = spares.take_standard();
        let size = slot_size(class);
        let capacity = (span.size() - HEADER) / size;
        let at = span.base();
        // SAFETY: (1) a standard span is aligned as a chunk is, and larger than a header; (2) the slots lie behind the
        // header and end with the span: `capacity` was computed so. The
        // account is that of the slab that asks.
        unsafe {
            let first = at.add(HEADER);
            let stays = u32::from(stays);
            Self::write(at, Self::header(span, first, size, capacity, stays, kind, Some(class as u8), account))
        }
    }

    /// A chunk for one block, which is too large or too much aligned for a class.
    pub(super) fn of_one(spares: &Spares, kind: Kind, layout: Layout, account: *const Account) -> NonNull<Self> {
        let size = layout.size().max(ALIGN);
        let align = layout.align();
        // The block is behind the header, and at most a chunk behind its beginning.
        let (header, block) = if align < CHUNK { (0, HEADER.next_multiple_of(align)) } else { (align - CHUNK, align) };
        let bytes = block.checked_add(size).and_then(|bytes| Layout::from_size_align(bytes, align.max(CHUNK)).ok());
        let Some(bytes) = bytes else { handle_alloc_error(layout) };
        let span = spares.take(bytes);
        let base = span.base();
        // SAFETY: (1) the span is aligned to a chunk or more, `header` is a multiple of a chunk, and a header fits
        // between it and `block`; (2) the block ends with `bytes`, for which the span has room. The account is that
        // of the slab that asks.
        unsafe {
            let first = base.add(block);
            Self::write(base.add(header), Self::header(span, first, size, 1, 0, kind, None, account))
        }
    }

    /// # Safety
    /// There is room for the slots in the span. The account exists.
    #[expect(clippy::too_many_arguments, reason = "the fields, for two callers")]
    unsafe fn header(
        span: Span,
        first: NonNull<u8>,
        size: usize,
        capacity: usize,
        stays: u32,
        kind: Kind,
        class: Option<u8>,
        account: *const Account,
    ) -> Self {
        // SAFETY: by the caller.
        let (end, owner) = unsafe { (first.add(capacity * size).as_ptr(), (*account).owner(kind)) };
        Self {
            free: Cell::new(ptr::null_mut()),
            mark: AtomicPtr::new(first.as_ptr()),
            end,
            size,
            account,
            owner,
            countdown: Cell::new(stays),
            capacity: capacity as u32,
            stays,
            full: Cell::new(false),
            kind,
            class,
            links: Default::default(),
            span,
            #[cfg(aio_loom)]
            shadows: (0..capacity).map(|_| UnsafeCell::new(())).collect(),
            #[cfg(aio_loom)]
            alive: UnsafeCell::new(()),
        }
    }

    /// Puts a header into its place.
    ///
    /// # Safety
    /// `at` has room for it, is aligned to [`CHUNK`], and nobody else's; and so are the slots that it tells of.
    unsafe fn write(at: NonNull<u8>, header: Self) -> NonNull<Self> {
        let chunk = at.cast::<Self>();
        // SAFETY: by the caller.
        unsafe { chunk.write(header) };
        chunk
    }

    /// The chunk of a block.
    #[inline]
    pub(super) fn of(block: NonNull<u8>) -> NonNull<Self> {
        // A block that is aligned to a chunk or more begins where the next chunk could.
        let at = (block.addr().get() - 1) & !(CHUNK - 1);
        // SAFETY: a block lies behind the header of its chunk, which is not at the address zero.
        unsafe { NonNull::new_unchecked(ptr::with_exposed_provenance_mut(at)) }
    }

    fn first(&self) -> NonNull<u8> {
        // SAFETY: so many slots end there.
        unsafe { NonNull::new_unchecked(self.end.sub(self.capacity as usize * self.size)) }
    }

    #[inline]
    pub(super) fn account(&self) -> *const Account {
        self.account
    }

    #[inline]
    pub(super) fn owner(&self) -> *const () {
        self.owner
    }

    /// A block that was freed.
    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.free.get())?;
        // SAFETY: a block in the list is free and begins with a link.
        self.free.set(unsafe { block.as_ref() }.next);
        self.countdown.set(self.countdown.get() + 1);
        self.touch(block.cast());
        Some(block.cast())
    }

    /// A slot that was never handed out.
    #[inline]
    pub(super) fn bump(&self) -> Option<NonNull<u8>> {
        // Relaxed: this thread alone writes it.
        let mark = self.mark.load(Ordering::Relaxed);
        if mark == self.end {
            return None;
        }
        // SAFETY: there is a slot between the mark and the end. Nobody else knows of it yet; it has two words and the
        // alignment of both.
        let block = unsafe {
            mark.add(STATE).cast::<AtomicU64>().write(AtomicU64::new(0));
            NonNull::new_unchecked(mark)
        };
        // SAFETY: as above. Release pairs with the Acquire of `for_each`: who sees the slot sees its state word.
        self.mark.store(unsafe { mark.add(self.size) }, Ordering::Release);
        self.countdown.set(self.countdown.get() + 1);
        self.touch(block);
        Some(block)
    }

    /// Takes a block back. Whether somebody has to look at the chunk.
    ///
    /// # Safety
    /// The block is of this chunk and not used any more; this is the owner's thread.
    #[inline]
    #[must_use = "a chunk that nobody looks at is lost"]
    pub(super) unsafe fn push(&self, block: NonNull<u8>) -> bool {
        self.touch(block);
        let link = block.cast::<Link>();
        // SAFETY: the block is ours now; it is large enough and aligned.
        unsafe { link.write(Link { next: self.free.get() }) };
        self.free.set(link.as_ptr());
        let countdown = self.countdown.get() - 1;
        self.countdown.set(countdown);
        countdown == 0
    }

    /// All slots are in use: from here on it waits for a free.
    pub(super) fn set_full(&self) {
        debug_assert_eq!(self.in_use(), self.capacity);
        self.full.set(true);
        self.countdown.set(1);
    }

    /// The countdown is over. Whether that is so because the chunk was full, and has room again.
    pub(super) fn end_full(&self) -> bool {
        if self.full.replace(false) {
            self.countdown.set(self.capacity - 1 + self.stays);
            return true;
        }
        false
    }

    /// Whether the countdown is over, and nobody has used the chunk since.
    pub(super) fn is_over(&self) -> bool {
        self.countdown.get() == 0
    }

    /// How many blocks are in use, including those that other threads have freed and nobody has collected.
    pub(super) fn in_use(&self) -> u32 {
        if self.full.get() { self.capacity } else { self.countdown.get() - self.stays }
    }

    /// Calls `f` with every slot that was ever handed out. The chunk stays as long as this takes: by the caller.
    pub(super) fn for_each(&self, f: &mut impl FnMut(NonNull<u8>)) {
        #[cfg(aio_loom)]
        self.alive.with(|_| ());
        let mut slot = self.first();
        // Read each time: on the owner's thread, `f` may allocate. Acquire: as `bump` says.
        while slot.as_ptr() < self.mark.load(Ordering::Acquire) {
            f(slot);
            // SAFETY: slots lie side by side up to the mark.
            slot = unsafe { slot.add(self.size) };
        }
    }

    /// Tells loom that a slot passes from one to another.
    #[inline]
    pub(super) fn touch(&self, _block: NonNull<u8>) {
        #[cfg(aio_loom)]
        self.shadows[(_block.addr().get() - self.first().addr().get()) / self.size].with_mut(|_| ());
    }

    /// Ends the chunk; its memory is left.
    ///
    /// # Safety
    /// It is in no list, no block of it is in use, and nobody else knows of it.
    pub(super) unsafe fn destroy(this: NonNull<Self>) -> Span {
        // SAFETY: by the caller, there is nobody else.
        let chunk = unsafe { this.read() };
        #[cfg(aio_loom)]
        {
            chunk.alive.with_mut(|_| ());
            chunk.shadows.iter().for_each(|shadow| shadow.with_mut(|_| ()));
        }
        chunk.span
    }
}
