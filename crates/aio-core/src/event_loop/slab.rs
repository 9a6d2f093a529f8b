//! Memory for the cells of tasks, and the list of them.
//!
//! Half the cost of spawning a small task is `malloc` and `free`. A slab has *chunks*, each with slots of one size, and
//! hands out slots; what is freed is used again by the next task of about the same size. It costs the thread that owns
//! it a few instructions, and no memory beside the blocks: a block finds its chunk by masking its address.
//!
//! Any thread may free a block, at any time, also after the drop of the slab: [`account`] tells how. Chunks exist until
//! then.
//!
//! A slab is the list of its tasks, too: [`Slab::for_each`] visits every slot. Whether there is a task in it, the
//! *state word* says, the 8 bytes at offset 8 of each slot:
//!
//! - The slab sets it to zero before it hands out the slot for the first time, and never touches it again.
//! - Who uses the block accesses it atomically only, also for the first time, since another thread may look at it
//!   meanwhile; and leaves it so that who looks at it after the free knows that there is nothing.
//! - Nothing else of a block may be touched by who visits it, unless the state word tells that it is there to stay.
//!
//! ```text
//!   Slab ──▶ rooms: for each kind and class, the chunks with room ──▶ chunk ──▶ chunk
//!     │                                                                 │         │
//!     └────▶ Account (shared) ◀─────────────────────────────────────────┴─────────┘
//!              all chunks, blocks returned by other threads, what blocks refer to
//! ```

mod account;
mod chunk;
mod list;
mod size;
mod spare;

use std::alloc::Layout;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use aio_base::sync::{Arc, Mutex};

pub(crate) use self::account::{Account, Keep};
use self::chunk::{Chunk, Link};
use self::list::{List, REGISTERED, ROOM};
use self::size::{CLASSES, class_of};
use self::spare::Spares;

/// Which blocks share chunks, and who may visit them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Of tasks that stay on their thread: visited there.
    Pinned,
    /// Of tasks that may cross threads: visited by all threads.
    Mobile,
}

/// The memory of one thread, its *owner*. It may go to another thread as a whole.
pub(crate) struct Slab {
    /// The chunks that have room.
    rooms: [[List<ROOM>; CLASSES]; 2],
    /// Which classes have had a chunk: the first one stays.
    started: [Cell<u64>; 2],
    spares: Spares,
    walk: Cell<Walk>,
    /// Taken by the drop.
    account: ManuallyDrop<Arc<Account>>,
}

const _: () = assert!(CLASSES <= u64::BITS as usize);

// SAFETY: what a slab and its chunks keep without locks belongs to whoever has the slab, on whatever thread. What other
// threads reach is in the account, or atomic.
unsafe impl Send for Slab {}

/// Whether the owner walks over the chunks, which must stay meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    Not,
    Walking,
    /// And some have become empty.
    Emptied,
}

impl Slab {
    /// An empty one. `keep` is dropped when the slab is and all blocks are freed, on whatever thread. `owners` are for
    /// the users of the blocks, by kind: whose a block is, [`owner`](Self::owner) tells on any thread.
    pub(crate) fn new(keep: Keep, owners: [*const (); 2]) -> Self {
        Self {
            rooms: [const { [const { List::new() }; CLASSES] }; 2],
            started: [const { Cell::new(0) }; 2],
            spares: Spares::new(),
            walk: Cell::new(Walk::Not),
            account: ManuallyDrop::new(Arc::new(Account::new(keep, owners))),
        }
    }

    /// The part for all threads.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// A block of at least 16 bytes, aligned to 8 bytes or more. Its state word says what it said when the slot was
    /// freed, or zero.
    #[inline]
    pub(crate) fn allocate(&self, kind: Kind, layout: Layout) -> NonNull<u8> {
        let Some(class) = class_of(layout) else { return self.allocate_one(kind, layout) };
        if let Some(chunk) = self.rooms[kind as usize][class].first() {
            // SAFETY: a chunk in the list exists.
            if let Some(block) = unsafe { chunk.as_ref() }.pop() {
                return block;
            }
        }
        self.allocate_slowly(kind, class)
    }

    /// Where the chunk at hand has no block that was freed.
    #[inline(never)]
    fn allocate_slowly(&self, kind: Kind, class: usize) -> NonNull<u8> {
        if let Some(chunk) = self.rooms[kind as usize][class].first() {
            // SAFETY: a chunk in the list exists.
            if let Some(block) = unsafe { chunk.as_ref() }.bump() {
                return block;
            }
        }
        self.allocate_from_another(kind, class)
    }

    /// Where the chunk at hand is full, or there is none.
    #[cold]
    #[inline(never)]
    fn allocate_from_another(&self, kind: Kind, class: usize) -> NonNull<u8> {
        let room = &self.rooms[kind as usize][class];
        loop {
            while let Some(chunk) = room.first() {
                // SAFETY: a chunk in the list exists.
                let chunk = unsafe { chunk.as_ref() };
                if let Some(block) = chunk.pop().or_else(|| chunk.bump()) {
                    return block;
                }
                room.remove(chunk);
                chunk.set_full();
            }
            if !self.collect() {
                break;
            }
        }
        let started = &self.started[kind as usize];
        let is_first = started.get() & 1 << class == 0;
        started.set(started.get() | 1 << class);
        let chunk = Chunk::of_class(&self.spares, kind, class, is_first, Arc::as_ptr(&self.account));
        // SAFETY: it is new, and goes only after it was taken out of the lists.
        let chunk = unsafe { chunk.as_ref() };
        self.account.register(chunk);
        room.push(chunk);
        chunk.bump().expect("a new chunk has room")
    }

    /// A block in a chunk of its own.
    #[cold]
    fn allocate_one(&self, kind: Kind, layout: Layout) -> NonNull<u8> {
        let chunk = Chunk::of_one(&self.spares, kind, layout, Arc::as_ptr(&self.account));
        // SAFETY: it is new, and goes only after it was taken out of the list.
        let chunk = unsafe { chunk.as_ref() };
        self.account.register(chunk);
        chunk.bump().expect("a new chunk has room")
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` was allocated by this slab, and is not used any more.
    #[inline]
    pub(crate) unsafe fn free(&self, block: NonNull<u8>) {
        // SAFETY: the chunk of a block that is in use exists.
        let chunk = unsafe { Chunk::of(block).as_ref() };
        debug_assert_eq!(chunk.account(), Arc::as_ptr(&self.account), "the block is of another slab");
        // SAFETY: by the caller; who has the slab is its owner.
        if unsafe { chunk.push(block) } {
            self.look_at(NonNull::from(chunk));
        }
    }

    /// Whether this slab has allocated the block, which is in use.
    #[inline]
    pub(crate) fn owns(&self, block: NonNull<u8>) -> bool {
        // SAFETY: the chunk of a block that is in use exists.
        unsafe { Chunk::of(block).as_ref() }.account() == Arc::as_ptr(&self.account)
    }

    /// Whose a block is that is in use.
    #[inline]
    pub(crate) fn owner(block: NonNull<u8>) -> *const () {
        // SAFETY: the chunk of a block that is in use exists.
        unsafe { Chunk::of(block).as_ref() }.owner()
    }

    /// Takes a block back, on any thread, also after the drop of its slab. (Then the last one drops what was kept.)
    ///
    /// # Safety
    /// `block` was allocated by a slab, and is not used any more.
    #[inline(never)]
    pub(crate) unsafe fn free_elsewhere(block: NonNull<u8>) {
        let account = {
            // SAFETY: the chunk of a block that is in use exists.
            let chunk = unsafe { Chunk::of(block).as_ref() };
            chunk.touch(block);
            chunk.account()
        };
        // SAFETY: by the caller.
        unsafe { Account::give_back(account, block) };
    }

    /// Takes over what other threads have freed. Whether there was anything.
    pub(crate) fn collect(&self) -> bool {
        let returned = self.account.take();
        self.free_all(returned);
        !returned.is_null()
    }

    fn free_all(&self, mut returned: *mut Link) {
        while let Some(block) = NonNull::new(returned) {
            // SAFETY: a block on the stack is free and begins with a link; the stack had it for the owner.
            unsafe {
                returned = block.as_ref().next;
                self.free(block.cast());
            }
        }
    }

    /// The countdown of a chunk is over: it has room again, or it is empty, and then this may end it.
    #[cold]
    fn look_at(&self, this: NonNull<Chunk>) {
        // SAFETY: the caller has found it in a list, or by a block of it. It is not used after `retire`.
        let chunk = unsafe { this.as_ref() };
        if chunk.end_full()
            && let Some(class) = chunk.class
        {
            self.rooms[chunk.kind as usize][class as usize].push(chunk);
        }
        if chunk.in_use() > 0 {
            return;
        }
        if self.walk.get() != Walk::Not {
            self.walk.set(Walk::Emptied);
            return;
        }
        if let Some(class) = chunk.class {
            let room = &self.rooms[chunk.kind as usize][class as usize];
            // The last one with room is going to be needed. If others get room meanwhile it stays nevertheless, against
            // thrashing; there is at most one such.
            if !room.has_others(chunk) {
                return;
            }
            room.remove(chunk);
        }
        // SAFETY: it is empty, and in no room now.
        unsafe { self.retire(this) };
    }

    /// Ends a chunk.
    ///
    /// # Safety
    /// It is registered, empty, and not among those with room. The caller does not go on with it.
    unsafe fn retire(&self, chunk: NonNull<Chunk>) {
        // SAFETY: a chunk that is registered exists.
        self.account.unregister(unsafe { chunk.as_ref() });
        // SAFETY: it is in no list and empty, so nobody else knows of it.
        let span = unsafe { Chunk::destroy(chunk) };
        self.spares.put(span);
    }

    /// Calls `f` with every slot of a kind that was ever handed out, in no order, whether it is in use or not. (What
    /// was in a chunk that has been given back is not there any more.) `f` may allocate and free.
    pub(crate) fn for_each(&self, kind: Kind, mut f: impl FnMut(NonNull<u8>)) {
        /// Ends the walk, also when `f` panics.
        struct Walking<'a>(&'a Slab, Walk);
        impl Drop for Walking<'_> {
            fn drop(&mut self) {
                let Self(slab, outer) = *self;
                if outer == Walk::Not && slab.walk.replace(Walk::Not) == Walk::Emptied {
                    slab.sweep();
                }
            }
        }
        let outer = self.walk.get();
        if outer == Walk::Not {
            self.walk.set(Walk::Walking);
        }
        let _walking = Walking(self, outer);
        // SAFETY: during a walk no chunk ends.
        self.chunks(kind, |chunk| unsafe { chunk.as_ref() }.for_each(&mut f));
    }

    /// Calls `f` with all chunks of a kind. It may end the one at hand, but no other.
    fn chunks(&self, kind: Kind, mut f: impl FnMut(NonNull<Chunk>)) {
        let mut next = self.account.first(kind);
        while let Some(chunk) = next {
            // SAFETY: a chunk in the list exists, and only this thread changes the list.
            next = List::<REGISTERED>::after(unsafe { chunk.as_ref() });
            f(chunk);
        }
    }

    /// Looks for chunks that have become empty during a walk.
    #[cold]
    fn sweep(&self) {
        for kind in [Kind::Pinned, Kind::Mobile] {
            self.chunks(kind, |chunk| {
                // SAFETY: `chunks` gives those that exist.
                if unsafe { chunk.as_ref() }.is_over() {
                    self.look_at(chunk);
                }
            });
        }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        let mut left = self.account.take_empty(&self.spares);
        if left > 0 {
            self.free_all(self.account.close());
            left = self.account.take_empty(&self.spares);
        }
        // SAFETY: it is not used after this.
        let account = unsafe { ManuallyDrop::take(&mut self.account) };
        // SAFETY: if there is no block in use, there is none on the stack, nobody who is about to push one, and no
        // chunk left. If there are, the stack is closed, and their number is settled once.
        unsafe {
            if left == 0 {
                Account::end(account);
            } else {
                Account::settle(Arc::into_raw(account), left);
            }
        }
    }
}

/// A slab for threads that have none of their own, one at a time. Its blocks are freed by [`Slab::free_elsewhere`].
pub(crate) struct Outside(Mutex<Slab>);

impl Outside {
    /// As [`Slab::new`].
    pub(crate) fn new(keep: Keep, owner: *const ()) -> Self {
        Self(Mutex::new(Slab::new(keep, [owner; 2])))
    }

    /// The part for all threads.
    pub(crate) fn account(&self) -> Arc<Account> {
        self.0.lock().account().clone()
    }

    /// As [`Slab::allocate`], of the kind that may cross threads.
    pub(crate) fn allocate(&self, layout: Layout) -> NonNull<u8> {
        self.0.lock().allocate(Kind::Mobile, layout)
    }

    /// As [`Slab::collect`].
    #[cfg(test)]
    pub(crate) fn collect(&self) -> bool {
        self.0.lock().collect()
    }
}

#[cfg(all(test, aio_loom))]
mod models;
#[cfg(all(test, not(aio_loom)))]
mod tests;
