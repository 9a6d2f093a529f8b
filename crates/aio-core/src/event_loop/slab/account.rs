//! A slab's part for all threads: the blocks that they give back, the chunks that there are, and how it all ends.
//!
//! While the slab exists, a block that another thread frees goes onto a stack, which only grows or is taken as a whole;
//! so it does not matter if one that was taken comes back meanwhile. When the slab is dropped it closes the stack, and
//! what it does not get back is counted; who frees the last one frees all chunks.
//!
//! ```text
//!   block:   ALLOCATED ──1 free──▶ FREE ◀──3 collect── RETURNED ◀──2 give_back── ALLOCATED
//!
//!   stack:   OPEN ──4 close──▶ CLOSED           left:   0 ──6 give_back──▶ -1 ...  ──5 settle──▶ ... 1 ──7──▶ 0
//! ```
//! 1. `Slab::free`, on the owner's thread: no other thread knows.
//! 2. [`Account::give_back`] finds the stack open and pushes the block. It may not touch the account afterwards: the
//!    owner may have got the block, and with it the last reason for the account to exist.
//! 3. [`Account::take`], by `Slab::collect`: all that were returned.
//! 4. [`Account::close`], by the drop of the slab, if there is any block in use: it takes what is there for the last
//!    time. Whatever is in use now is going to find the stack closed.
//! 5. [`Account::settle`] by the drop of the slab adds the number of blocks in use. If others have freed them all since
//!    4, it goes on with 8.
//! 6. [`Account::give_back`] finds the stack closed and takes one off, before or after 5: before it, the count is less
//!    than zero.
//! 7. The same, by who brings the count to zero. That can only be after 5, with the last block; nobody else has a
//!    reason to be here, and it goes on with 8.
//! 8. [`Account::finish`] frees the chunks and drops what was kept for the blocks. The drop of a slab without a block
//!    in use does that at once.
//!
//! The list of all chunks changes under a lock, on the owner's thread (and at the end), so that thread may read it
//! without. A walk on another thread holds the lock, and the chunks stay while it does.

use std::any::Any;
use std::ptr::{self, NonNull};

use aio_base::sync::atomic::{AtomicIsize, AtomicPtr, Ordering};
use aio_base::sync::{Arc, Mutex, UnsafeCell};

use super::Kind;
use super::chunk::{Chunk, Link};
use super::list::{List, REGISTERED};
use super::spare::Spares;

/// What blocks may refer to as long as they exist.
pub(crate) type Keep = std::sync::Arc<dyn Any + Send + Sync>; // facade: whatever it is, nobody here counts it

/// The part of a [`Slab`](super::Slab) for all threads.
pub(crate) struct Account {
    /// The blocks that other threads have freed, or [`CLOSED`].
    returned: AtomicPtr<Link>,
    /// The blocks in use after the drop of the slab, once it has settled.
    left: AtomicIsize,
    /// Whose the blocks are, by kind; see [`Slab::new`](super::Slab::new).
    owners: [*const (); 2],
    /// All chunks, by kind.
    chunks: Mutex<[List<REGISTERED>; 2]>,
    /// Touched by [`finish`](Self::finish) only.
    keep: UnsafeCell<Option<Keep>>,
}

// SAFETY: the chunks are reached under the lock, by their owner or by who comes last; `keep` by who comes last, and it
// may go to any thread.
unsafe impl Send for Account {}
// SAFETY: as above.
unsafe impl Sync for Account {}

/// In the place of the stack when there is nobody who could take it.
const CLOSED: *mut Link = ptr::without_provenance_mut(1);

impl Account {
    pub(super) fn new(keep: Keep, owners: [*const (); 2]) -> Self {
        Self {
            returned: AtomicPtr::new(ptr::null_mut()),
            left: AtomicIsize::new(0),
            owners,
            chunks: Mutex::new([List::new(), List::new()]),
            keep: UnsafeCell::new(Some(keep)),
        }
    }

    pub(super) fn owner(&self, kind: Kind) -> *const () {
        self.owners[kind as usize]
    }

    /// Takes a block back, on any thread.
    ///
    /// # Safety
    /// The block was allocated by the slab of `this`, and is not used any more.
    pub(super) unsafe fn give_back(this: *const Self, block: NonNull<u8>) {
        let link = block.cast::<Link>();
        // SAFETY: the account exists as long as any block is in use, and this one is until the exchange or `settle`.
        let returned = unsafe { &(*this).returned };
        // Relaxed: nothing is read through it. If it is `CLOSED`, the count has what is needed.
        let mut first = returned.load(Ordering::Relaxed);
        while first != CLOSED {
            // SAFETY: the block is ours until it is on the stack; it is large enough and aligned.
            unsafe { link.write(Link { next: first }) };
            // Release pairs with the Acquire of `take` and `close`: what was done with the block, and its link, come
            // before the owner uses it.
            match returned.compare_exchange_weak(first, link.as_ptr(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
        // SAFETY: once for this block, after `CLOSED` was seen.
        unsafe { Self::settle(this, -1) };
    }

    /// All blocks that other threads have freed, linked.
    pub(super) fn take(&self) -> *mut Link {
        // Relaxed: only to spare the exchange; what comes now may as well have come later. In models the exchange is
        // always made: loom does not try a push before a load that only finds nothing.
        if !cfg!(aio_loom) && self.returned.load(Ordering::Relaxed).is_null() {
            return ptr::null_mut();
        }
        self.returned.swap(ptr::null_mut(), Ordering::Acquire)
    }

    /// As [`take`](Self::take), for the last time.
    pub(super) fn close(&self) -> *mut Link {
        self.returned.swap(CLOSED, Ordering::Acquire)
    }

    /// Adds to the count of blocks in use after the drop of the slab; who brings it to zero ends the account.
    ///
    /// # Safety
    /// `this` comes from [`Arc::into_raw`]. One is taken off for each block that finds the stack closed, and the owner
    /// adds their number once, which is not zero. The caller does not touch the account afterwards.
    pub(super) unsafe fn settle(this: *const Self, change: isize) {
        // SAFETY: until the count is zero, it exists. AcqRel: what all the others did with their blocks, and the owner
        // with the chunks, comes before these are freed.
        let before = unsafe { &(*this).left }.fetch_add(change, Ordering::AcqRel);
        if before + change == 0 {
            // SAFETY: all have settled, so nobody else does; each with `AcqRel`.
            unsafe { Self::finish(this) };
        }
    }

    /// Frees the chunks, and drops what was kept.
    ///
    /// # Safety
    /// `this` comes from [`Arc::into_raw`]; the slab is dropped, no block is in use, and this is called once.
    unsafe fn finish(this: *const Self) {
        // SAFETY: the count that the slab had.
        let account = unsafe { Arc::from_raw(this) };
        for list in &*account.chunks.lock_unseen() {
            while let Some(chunk) = list.first() {
                // SAFETY: a chunk in the list exists.
                list.remove(unsafe { chunk.as_ref() });
                // SAFETY: it is in no other list, as there is no slab; no block is in use, by the caller; walks know of
                // it only under the lock.
                unsafe { Chunk::destroy(chunk) }.give_back();
            }
        }
        // SAFETY: by the caller.
        unsafe { Self::end(account) };
    }

    /// Drops what was kept.
    ///
    /// # Safety
    /// No block is in use; this is called once.
    pub(super) unsafe fn end(account: Arc<Self>) {
        // SAFETY: this is the only function that touches it, and it is called once.
        let keep = account.keep.with_mut(|keep| unsafe { (*keep).take() });
        drop(account);
        drop(keep);
    }

    /// Moves the memory of empty chunks to `spares`, and returns how many blocks are in use in the others; in the drop
    /// of the slab, which does not use its lists of chunks with room any more.
    pub(super) fn take_empty(&self, spares: &Spares) -> isize {
        let mut left = 0;
        for list in &*self.chunks.lock_unseen() {
            let mut next = list.first();
            while let Some(chunk) = next {
                // SAFETY: a chunk in the list exists.
                let header = unsafe { chunk.as_ref() };
                next = List::<REGISTERED>::after(header);
                match header.in_use() {
                    0 => {
                        list.remove(header);
                        // SAFETY: nobody uses a list that it is in, and it is empty.
                        spares.put(unsafe { Chunk::destroy(chunk) });
                    }
                    in_use => left += in_use as isize,
                }
            }
        }
        left
    }

    /// The first of all chunks of a kind; on the owner's thread, which may go on from it without the lock.
    pub(super) fn first(&self, kind: Kind) -> Option<NonNull<Chunk>> {
        self.chunks.lock_unseen()[kind as usize].first()
    }

    /// Lets walks know of a chunk; on the owner's thread.
    pub(super) fn register(&self, chunk: &Chunk) {
        self.chunks.lock_unseen()[chunk.kind as usize].push(chunk);
    }

    /// No walk knows of the chunk any more; on the owner's thread.
    pub(super) fn unregister(&self, chunk: &Chunk) {
        self.chunks.lock_unseen()[chunk.kind as usize].remove(chunk);
    }

    /// Calls `f` with every slot of a [mobile](Kind::Mobile) block that was ever handed out, in no order, on any
    /// thread, also after the drop of the slab. Whether it is in use, the state word says, which is all that may be
    /// touched.
    ///
    /// `f` is called under a lock, for which the owner waits when it needs a new chunk: it must be brief, and must not
    /// allocate, nor free what may be the last block.
    pub(crate) fn for_each_mobile(&self, mut f: impl FnMut(NonNull<u8>)) {
        let chunks = self.chunks.lock_unseen();
        let mut next = chunks[Kind::Mobile as usize].first();
        while let Some(chunk) = next {
            // SAFETY: a chunk in the list exists; under the lock it stays there.
            let chunk = unsafe { chunk.as_ref() };
            chunk.for_each(&mut f);
            next = List::<REGISTERED>::after(chunk);
        }
    }
}
