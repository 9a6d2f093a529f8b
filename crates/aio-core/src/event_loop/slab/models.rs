//! Models of a slab and other threads. A block that two use at once, a chunk that goes while somebody looks at it, and
//! what is kept going before the last block: loom sees them as accesses that nothing orders.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::{Arc, Weak};

use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::{AtomicU64, Ordering};
use aio_base::thread::{self, JoinHandle};

use super::chunk::{CHUNK, Chunk};
use super::size::LARGEST;
use super::{Kind, Outside, Slab};

fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound.get_or_insert(3);
    model.check(test);
}

fn start(main: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::spawn("", main).unwrap()
}

/// What the blocks refer to: read by each of them, written when it is dropped.
struct Kept(UnsafeCell<()>);

// SAFETY: there is nothing in it; loom sees who reads and writes.
unsafe impl Send for Kept {}
// SAFETY: as above.
unsafe impl Sync for Kept {}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.with_mut(|_| ());
    }
}

fn keep() -> (Arc<Kept>, Weak<Kept>) {
    let kept = Arc::new(Kept(UnsafeCell::new(())));
    let weak = Arc::downgrade(&kept);
    (kept, weak)
}

/// A block in use.
struct Block {
    at: NonNull<u8>,
    kept: *const Kept,
}

// SAFETY: a block may go to any thread.
unsafe impl Send for Block {}

impl Block {
    /// Takes over what was allocated.
    fn new(at: NonNull<u8>, kept: &Weak<Kept>) -> Self {
        let block = Self { at, kept: kept.as_ptr() };
        block.write();
        state(at).store(1, Ordering::Release);
        block
    }

    fn allocate(slab: &Slab, size: usize, kept: &Weak<Kept>) -> Self {
        let at = slab.allocate(Kind::Mobile, Layout::from_size_align(size, 8).unwrap());
        Self::new(at, kept)
    }

    fn write(&self) {
        // SAFETY: the block is in use, so its chunk is there, and so is what blocks refer to.
        unsafe {
            Chunk::of(self.at).as_ref().touch(self.at);
            (*self.kept).0.with(|_| ());
        }
    }

    fn free(self, slab: &Slab) {
        self.write();
        state(self.at).store(0, Ordering::Release);
        // SAFETY: it is of this slab, and freed once: a block is not copied.
        unsafe { slab.free(self.at) };
    }

    fn free_elsewhere(self) {
        self.write();
        state(self.at).store(0, Ordering::Release);
        // SAFETY: as above.
        unsafe { Slab::free_elsewhere(self.at) };
    }
}

fn state(slot: NonNull<u8>) -> &'static AtomicU64 {
    // SAFETY: who asks for it knows that the slot exists.
    unsafe { slot.add(8).cast::<AtomicU64>().as_ref() }
}

/// The other thread returns a block before, while and after the owner collects; the owner frees one itself, and uses
/// again what it gets.
#[test]
fn a_block_is_returned_while_the_owner_collects() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        let [first, second] = [0; 2].map(|_| Block::allocate(&slab, 32, &weak));
        let other = start(move || first.free_elsewhere());
        second.free(&slab);
        slab.collect();
        let again = [0; 2].map(|_| Block::allocate(&slab, 32, &weak));
        slab.collect();
        again.into_iter().for_each(|block| block.free(&slab));
        other.join().unwrap();
        assert!(weak.upgrade().is_some());
        drop(slab);
        assert!(weak.upgrade().is_none());
    });
}

/// Two threads return blocks of a full chunk, which the owner needs: it gets them, or takes another chunk.
#[test]
fn blocks_are_returned_by_two_threads_while_the_owner_needs_them() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        // All but two of the chunk stay in use.
        let mut blocks = vec![Block::allocate(&slab, LARGEST, &weak)];
        let capacity = (CHUNK - blocks[0].at.addr().get() % CHUNK) / LARGEST;
        blocks.extend((1..capacity).map(|_| Block::allocate(&slab, LARGEST, &weak)));
        let others = [0; 2].map(|_| {
            let block = blocks.pop().unwrap();
            start(move || block.free_elsewhere())
        });
        blocks.push(Block::allocate(&slab, LARGEST, &weak));
        blocks.into_iter().for_each(|block| block.free(&slab));
        for other in others {
            other.join().unwrap();
        }
        drop(slab);
        assert!(weak.upgrade().is_none());
    });
}

/// The block comes back before, while and after the drop of the slab: by the stack, or by the count.
#[test]
fn a_block_is_freed_while_the_slab_is_dropped() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        let block = Block::allocate(&slab, 32, &weak);
        Block::allocate(&slab, 64, &weak).free(&slab);
        let other = start(move || block.free_elsewhere());
        drop(slab);
        other.join().unwrap();
        assert!(weak.upgrade().is_none());
    });
}

/// As above, with two that may come in any order, one by the stack and one by the count.
#[test]
fn two_blocks_are_freed_while_the_slab_is_dropped() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        let others = [32, LARGEST + 1].map(|size| {
            let block = Block::allocate(&slab, size, &weak);
            start(move || block.free_elsewhere())
        });
        drop(slab);
        for other in others {
            other.join().unwrap();
        }
        assert!(weak.upgrade().is_none());
    });
}

/// Each may be the last, and ends it all; the slab is long gone.
#[test]
fn two_threads_free_the_last_blocks_after_the_drop() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        let blocks = [32, LARGEST + 1].map(|size| Block::allocate(&slab, size, &weak));
        drop(slab);
        let others = blocks.map(|block| start(move || block.free_elsewhere()));
        for other in others {
            other.join().unwrap();
        }
        assert!(weak.upgrade().is_none());
    });
}

/// What is visited has a state word, and stays until the walk is over, while the owner takes new slots, makes and gives
/// up chunks.
#[test]
fn another_thread_walks_while_the_owner_allocates_and_gives_up_a_chunk() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        let first = Block::allocate(&slab, 32, &weak);
        let account = slab.account().clone();
        let other = start(move || {
            let mut in_use = 0;
            account.for_each_mobile(|slot| in_use += state(slot).load(Ordering::Acquire));
            assert!((1..=3).contains(&in_use), "the first one stays in use: {in_use}");
        });
        let second = Block::allocate(&slab, 32, &weak);
        let large = Block::allocate(&slab, LARGEST + 1, &weak);
        large.free(&slab);
        second.free(&slab);
        other.join().unwrap();
        first.free(&slab);
    });
}

/// The slab is dropped and the last block freed, each on its thread, during a walk.
#[test]
fn another_thread_walks_while_all_ends() {
    model(|| {
        let (kept, weak) = keep();
        let slab = Slab::new(kept, [std::ptr::null(); 2]);
        let block = Block::allocate(&slab, 32, &weak);
        let account = slab.account().clone();
        let walk = start(move || {
            let mut in_use = 0;
            account.for_each_mobile(|slot| in_use += state(slot).load(Ordering::Acquire));
            assert!(in_use <= 1);
        });
        let free = start(move || block.free_elsewhere());
        drop(slab);
        free.join().unwrap();
        walk.join().unwrap();
        assert!(weak.upgrade().is_none());
    });
}

/// A slab under a lock goes from one thread to the other, with blocks that these free in each other's way.
#[test]
fn two_threads_without_a_slab_share_one() {
    model(|| {
        let (kept, weak) = keep();
        let outside = aio_base::sync::Arc::new(Outside::new(kept, std::ptr::null()));
        let layout = Layout::from_size_align(32, 8).unwrap();
        let first = Block::new(outside.allocate(layout), &weak);
        let (theirs, kept) = (outside.clone(), weak.clone());
        let other = start(move || {
            first.free_elsewhere();
            Block::new(theirs.allocate(layout), &kept).free_elsewhere();
        });
        outside.collect();
        Block::new(outside.allocate(layout), &weak).free_elsewhere();
        drop(outside);
        other.join().unwrap();
        assert!(weak.upgrade().is_none());
    });
}
