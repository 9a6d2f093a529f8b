use std::alloc::Layout;
use std::collections::{HashMap, HashSet};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use aio_base::live::leak_check;
use proptest::prelude::*;

use super::chunk::CHUNK;
use super::size::{CLASSES, LARGEST, class_of, slot_size};
use super::{Kind, Outside, Slab};

fn slab() -> Slab {
    Slab::new(Arc::new(()), [std::ptr::null(); 2])
}

fn bytes(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

fn aligned(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

fn chunk_of(block: NonNull<u8>) -> usize {
    (block.addr().get() - 1) / CHUNK
}

fn state(block: NonNull<u8>) -> &'static AtomicU64 {
    // SAFETY: the tests look at slots that exist.
    unsafe { block.add(8).cast::<AtomicU64>().as_ref() }
}

fn seen(slab: &Slab, kind: Kind) -> Vec<NonNull<u8>> {
    let mut seen = Vec::new();
    slab.for_each(kind, |slot| seen.push(slot));
    seen
}

/// How many chunks there are.
fn chunks(slab: &Slab, kind: Kind) -> usize {
    seen(slab, kind).into_iter().map(chunk_of).collect::<HashSet<_>>().len()
}

/// Hands blocks to another thread, which frees them.
fn free_on_another_thread(blocks: Vec<NonNull<u8>>) {
    let blocks: Vec<usize> = blocks.into_iter().map(|block| block.as_ptr().expose_provenance()).collect();
    let free = move || {
        for block in blocks {
            // SAFETY: each was allocated, and is freed once.
            unsafe { Slab::free_elsewhere(NonNull::new(std::ptr::with_exposed_provenance_mut(block)).unwrap()) };
        }
    };
    std::thread::spawn(free).join().unwrap();
}

#[test]
fn a_class_is_as_large_as_its_largest_layout() {
    for size in 0..=LARGEST {
        let class = class_of(bytes(size)).unwrap();
        assert!(slot_size(class) >= size.max(16), "{size}");
        assert!(class == 0 || slot_size(class - 1) < size, "{size} has a class of its own size, not a larger one");
        // A quarter at most is lost, and 15 bytes where sizes are small.
        assert!(slot_size(class) - size <= (size / 4).max(16), "{size}");
    }
    assert_eq!(class_of(bytes(LARGEST)), Some(CLASSES - 1));
    assert_eq!(class_of(bytes(LARGEST + 1)), None);
    assert_eq!(class_of(aligned(64, 32)), None);
}

#[test]
fn a_block_of_any_class_is_aligned_and_used_again() {
    leak_check(|| {
        let slab = slab();
        for class in 0..CLASSES {
            for kind in [Kind::Pinned, Kind::Mobile] {
                let layout = aligned(slot_size(class), 8);
                let block = slab.allocate(kind, layout);
                assert_eq!(block.addr().get() % 8, 0);
                assert_eq!(state(block).load(Ordering::Relaxed), 0);
                // SAFETY: the block has this size; it is freed once.
                unsafe {
                    block.write_bytes(0xab, layout.size());
                    slab.free(block);
                }
                assert_eq!(slab.allocate(kind, layout), block);
                // SAFETY: as above.
                unsafe { slab.free(block) };
            }
        }
    });
}

#[test]
fn kinds_and_classes_have_chunks_of_their_own() {
    let slab = slab();
    let blocks = [(Kind::Pinned, 80), (Kind::Mobile, 80), (Kind::Pinned, 96)]
        .map(|(kind, size)| slab.allocate(kind, bytes(size)));
    assert_eq!(blocks.map(chunk_of).into_iter().collect::<HashSet<_>>().len(), 3);
    assert_eq!(seen(&slab, Kind::Mobile), [blocks[1]]);
    assert_eq!(seen(&slab, Kind::Pinned).into_iter().collect::<HashSet<_>>(), HashSet::from([blocks[0], blocks[2]]));
    // SAFETY: each is freed once.
    blocks.into_iter().for_each(|block| unsafe { slab.free(block) });
}

#[test]
fn large_and_aligned_blocks_have_chunks_of_their_own() {
    leak_check(|| {
        let slab = slab();
        let mut blocks = Vec::new();
        for size in [LARGEST + 1, CHUNK / 2, CHUNK - 16, CHUNK, CHUNK + 1, 10 * CHUNK] {
            for align in [1, 16, 32, 4096, CHUNK / 2, CHUNK, 2 * CHUNK, 16 * CHUNK] {
                let block = slab.allocate(Kind::Mobile, aligned(size, align));
                assert_eq!(block.addr().get() % align.max(16), 0, "{size} {align}");
                assert_eq!(state(block).load(Ordering::Relaxed), 0);
                // SAFETY: the block has this size.
                unsafe { block.write_bytes(0xcd, size) };
                blocks.push((block, size));
            }
        }
        for align in [32, 64, 4096, CHUNK, 4 * CHUNK] {
            blocks.push((slab.allocate(Kind::Mobile, aligned(0, align)), 16));
        }
        let all: HashSet<_> = blocks.iter().map(|&(block, _)| block).collect();
        assert_eq!(seen(&slab, Kind::Mobile).into_iter().collect::<HashSet<_>>(), all);
        for (index, &(block, _)) in blocks.iter().enumerate() {
            // SAFETY: each is freed once, some here, some elsewhere.
            unsafe { if index % 2 == 0 { slab.free(block) } else { Slab::free_elsewhere(block) } };
        }
        assert!(slab.collect());
        assert_eq!(seen(&slab, Kind::Mobile), []);
    });
}

#[test]
fn a_returned_block_is_used_again_when_there_is_no_other() {
    let slab = slab();
    let mut blocks: Vec<_> = vec![slab.allocate(Kind::Mobile, bytes(4096))];
    while chunks(&slab, Kind::Mobile) == 1 {
        blocks.push(slab.allocate(Kind::Mobile, bytes(4096)));
    }
    // Fills the second chunk as well.
    let in_chunk = blocks.len() - 1;
    blocks.extend((1..in_chunk).map(|_| slab.allocate(Kind::Mobile, bytes(4096))));
    let returned = blocks.remove(3);
    free_on_another_thread(vec![returned]);
    assert_eq!(slab.allocate(Kind::Mobile, bytes(4096)), returned);
    assert!(!slab.collect());
    assert_eq!(chunks(&slab, Kind::Mobile), 2);
    blocks.push(returned);
    free_on_another_thread(blocks);
    assert!(slab.collect());
    assert_eq!(chunks(&slab, Kind::Mobile), 1);
}

/// What is left is the first of its class, and one that was the last with room when it became empty.
#[test]
fn empty_chunks_are_given_up_but_two() {
    leak_check(|| {
        let slab = slab();
        for backwards in [false, true] {
            let mut blocks: Vec<_> = (0..10_000).map(|_| slab.allocate(Kind::Pinned, bytes(100))).collect();
            assert!(chunks(&slab, Kind::Pinned) > 10);
            if backwards {
                blocks.reverse();
            }
            for block in blocks {
                // SAFETY: each is freed once.
                unsafe { slab.free(block) };
            }
            assert!(chunks(&slab, Kind::Pinned) <= 2);
        }
    });
}

/// A full slab, and one task after the other: the chunk of that task stays.
#[test]
fn the_last_chunk_with_room_stays() {
    let slab = slab();
    let mut blocks = vec![slab.allocate(Kind::Pinned, bytes(80))];
    while chunks(&slab, Kind::Pinned) == 1 {
        blocks.push(slab.allocate(Kind::Pinned, bytes(80)));
    }
    let last = blocks.pop().unwrap();
    // SAFETY: each is freed once.
    unsafe {
        slab.free(last);
        assert_eq!(chunks(&slab, Kind::Pinned), 2);
        assert_eq!(slab.allocate(Kind::Pinned, bytes(80)), last);
        slab.free(last);
        blocks.into_iter().for_each(|block| slab.free(block));
    }
    assert_eq!(chunks(&slab, Kind::Pinned), 2);
}

#[test]
fn a_million_blocks_lie_side_by_side() {
    leak_check(|| {
        const BLOCKS: usize = 1_000_000;
        let slab = slab();
        let blocks: Vec<_> = (0..BLOCKS).map(|_| slab.allocate(Kind::Pinned, bytes(80))).collect();
        let chunks: HashSet<_> = blocks.iter().copied().map(chunk_of).collect();
        assert!(chunks.len() * CHUNK < BLOCKS * 81, "{} chunks", chunks.len());
        // Most of them are neighbours, so that what lies between them costs nothing.
        let neighbours = chunks.iter().filter(|&&chunk| chunks.contains(&(chunk + 1))).count();
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            assert!(neighbours * 10 > chunks.len() * 9, "{neighbours} of {}", chunks.len());
        }
        for block in blocks {
            // SAFETY: each is freed once.
            unsafe { slab.free(block) };
        }
        assert!(super::tests::chunks(&slab, Kind::Pinned) <= 2);
    });
}

/// Sets a mark when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn what_is_kept_goes_with_the_last_of_slab_and_blocks() {
    leak_check(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let count = || drops.load(Ordering::SeqCst);

        let slab = Slab::new(Arc::new(Dropped(drops.clone())), [std::ptr::null(); 2]);
        drop(slab);
        assert_eq!(count(), 1, "there was no block");

        let slab = Slab::new(Arc::new(Dropped(drops.clone())), [std::ptr::null(); 2]);
        let block = slab.allocate(Kind::Pinned, bytes(80));
        // SAFETY: it is freed once.
        unsafe { slab.free(block) };
        assert_eq!(count(), 1);
        drop(slab);
        assert_eq!(count(), 2, "the block was free");

        let slab = Slab::new(Arc::new(Dropped(drops.clone())), [std::ptr::null(); 2]);
        let returned = slab.allocate(Kind::Mobile, bytes(80));
        let blocks: Vec<_> = [80, 80, 5000, 100_000].map(|size| slab.allocate(Kind::Mobile, bytes(size))).into();
        free_on_another_thread(vec![returned]);
        let account = slab.account().clone();
        drop(slab);
        for block in blocks {
            assert_eq!(count(), 2);
            let mut slots = 0;
            account.for_each_mobile(|_| slots += 1);
            assert_eq!(slots, 5, "chunks stay until the end");
            free_on_another_thread(vec![block]);
        }
        assert_eq!(count(), 3);
        account.for_each_mobile(|_| panic!("there is no chunk left"));
    });
}

#[test]
fn the_value_kept_may_refer_to_the_account() {
    struct Whole(std::sync::OnceLock<aio_base::sync::Arc<super::Account>>);
    let whole = Arc::new(Whole(std::sync::OnceLock::new()));
    let slab = Slab::new(whole.clone(), [std::ptr::null(); 2]);
    assert!(whole.0.set(slab.account().clone()).is_ok());
    let weak: Weak<Whole> = Arc::downgrade(&whole);
    drop(whole);
    assert!(weak.upgrade().is_some());
    drop(slab);
    assert!(weak.upgrade().is_none());
}

#[test]
fn a_walk_may_free_what_it_finds_and_allocate() {
    leak_check(|| {
        let slab = slab();
        for _ in 0..1000 {
            slab.allocate(Kind::Pinned, bytes(80));
        }
        slab.allocate(Kind::Pinned, bytes(10_000));
        let mut found = 0;
        slab.for_each(Kind::Pinned, |slot| {
            found += 1;
            slab.for_each(Kind::Mobile, |_| ());
            // SAFETY: all slots of this kind are in use; each is freed once.
            unsafe { slab.free(slot) };
            slab.allocate(Kind::Mobile, bytes(80));
        });
        assert_eq!(found, 1001);
        assert!(chunks(&slab, Kind::Pinned) <= 2, "what became empty is given up after the walk");
        assert_eq!(seen(&slab, Kind::Mobile).len(), 1001);
        for slot in seen(&slab, Kind::Mobile) {
            // SAFETY: as above.
            unsafe { slab.free(slot) };
        }
    });
}

#[test]
fn a_walk_that_panics_is_over() {
    let slab = slab();
    let blocks = [0; 2].map(|_| slab.allocate(Kind::Pinned, bytes(10_000)));
    let walk = std::panic::AssertUnwindSafe(|| {
        slab.for_each(Kind::Pinned, |slot| {
            // SAFETY: it is in use, and freed once.
            unsafe { slab.free(slot) };
            panic!("enough");
        });
    });
    std::panic::catch_unwind(walk).unwrap_err();
    let left = seen(&slab, Kind::Pinned);
    assert_eq!(left.len(), 1);
    assert!(blocks.contains(&left[0]));
    // SAFETY: the other one was freed in the walk.
    unsafe { slab.free(left[0]) };
    assert_eq!(seen(&slab, Kind::Pinned), []);
}

/// The slab writes the state word once.
#[test]
fn a_slot_keeps_its_state_word() {
    let slab = slab();
    let block = slab.allocate(Kind::Mobile, bytes(80));
    state(block).store(7, Ordering::Relaxed);
    free_on_another_thread(vec![block]);
    assert_eq!(state(block).load(Ordering::Relaxed), 7);
    slab.collect();
    assert_eq!(slab.allocate(Kind::Mobile, bytes(80)), block);
    assert_eq!(state(block).load(Ordering::Relaxed), 7);
    // SAFETY: it is freed once.
    unsafe { slab.free(block) };
    // Another class, in the memory of a chunk that was given up, begins at zero.
    let block = slab.allocate(Kind::Mobile, bytes(20_000));
    // SAFETY: it has that size, and is freed once.
    unsafe {
        block.write_bytes(0xff, 20_000);
        slab.free(block);
    }
    let other = slab.allocate(Kind::Mobile, bytes(160));
    assert_eq!(chunk_of(other), chunk_of(block), "an empty chunk is used again");
    assert_eq!(state(other).load(Ordering::Relaxed), 0);
    // SAFETY: it is freed once.
    unsafe { slab.free(other) };
}

#[test]
fn the_next_slab_of_a_thread_gets_the_last_ones_chunk() {
    leak_check(|| {
        let mut chunks = HashSet::new();
        for _ in 0..10 {
            let slab = slab();
            let block = slab.allocate(Kind::Pinned, bytes(80));
            chunks.insert(chunk_of(block));
            // SAFETY: it is freed once.
            unsafe { slab.free(block) };
        }
        assert_eq!(chunks.len(), 1);
    });
}

#[test]
fn threads_without_a_slab_share_one() {
    leak_check(|| {
        const THREADS: usize = 4;
        const BLOCKS: usize = 2000;
        let drops = Arc::new(AtomicUsize::new(0));
        let outside = Arc::new(Outside::new(Arc::new(Dropped(drops.clone())), std::ptr::null()));
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let outside = outside.clone();
                std::thread::spawn(move || {
                    let layout = bytes(16 + 80 * thread);
                    let mut kept = Vec::new();
                    for index in 0..BLOCKS {
                        let block = outside.allocate(layout);
                        // SAFETY: a block has this size, and is freed once, whoever has it.
                        unsafe { block.cast::<usize>().write(index * THREADS + thread) };
                        kept.push((block, index));
                        if index % 3 != 0 {
                            let (block, index) = kept.swap_remove(index % kept.len());
                            // SAFETY: as above.
                            unsafe {
                                assert_eq!(block.cast::<usize>().read(), index * THREADS + thread);
                                Slab::free_elsewhere(block);
                            }
                        }
                    }
                    drop(outside);
                    for (block, index) in kept {
                        // SAFETY: as above.
                        unsafe {
                            assert_eq!(block.cast::<usize>().read(), index * THREADS + thread);
                            Slab::free_elsewhere(block);
                        }
                    }
                })
            })
            .collect();
        let mut slots = HashSet::new();
        outside.account().for_each_mobile(|slot| assert!(slots.insert(slot)));
        outside.collect();
        drop(outside);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

/// The owner allocates and frees, two others free and walk.
#[test]
fn blocks_that_cross_threads_stay_whole() {
    leak_check(|| {
        const ROUNDS: usize = 100_000;
        let drops = Arc::new(AtomicUsize::new(0));
        let slab = Slab::new(Arc::new(Dropped(drops.clone())), [std::ptr::null(); 2]);
        let (senders, threads): (Vec<_>, Vec<_>) = (0..2)
            .map(|_| {
                let (sender, receiver) = std::sync::mpsc::channel::<(usize, u64)>();
                let account = slab.account().clone();
                let free = move || {
                    for (index, (block, value)) in receiver.into_iter().enumerate() {
                        let block = NonNull::new(std::ptr::with_exposed_provenance_mut::<u8>(block)).unwrap();
                        assert_eq!(state(block).swap(0, Ordering::Relaxed), value);
                        // SAFETY: it came from the owner, which has forgotten it.
                        unsafe { Slab::free_elsewhere(block) };
                        if index % (ROUNDS / 50) == 0 {
                            account.for_each_mobile(|slot| _ = state(slot).load(Ordering::Relaxed));
                        }
                    }
                };
                (sender, std::thread::spawn(free))
            })
            .unzip();
        for round in 1..=ROUNDS as u64 {
            let block = slab.allocate(Kind::Mobile, bytes(if round % 64 == 0 { 5000 } else { 48 }));
            assert_eq!(state(block).swap(round, Ordering::Relaxed), 0, "nobody else has it");
            match round % 3 {
                2 => {
                    state(block).store(0, Ordering::Relaxed);
                    // SAFETY: it is freed once.
                    unsafe { slab.free(block) };
                }
                other => senders[other as usize].send((block.as_ptr().expose_provenance(), round)).unwrap(),
            }
        }
        drop(slab);
        drop(senders);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    });
}

#[derive(Debug, Clone)]
enum Step {
    /// So many of this size.
    Allocate(bool, usize, usize, usize),
    /// Frees the block at this place among all.
    Free(usize),
    FreeElsewhere(usize),
    /// Frees most of them.
    FreeMany(bool, usize),
    Collect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![4 => 0..700_usize, 2 => 700..LARGEST + 100, 1 => LARGEST..3 * CHUNK];
    let log_align = prop_oneof![8 => 0..5_usize, 1 => 5..17_usize];
    let many = prop_oneof![4 => 1..4_usize, 1 => 4..200_usize];
    let step = prop_oneof![
        6 => (any::<bool>(), size, log_align, many).prop_map(|(mobile, size, align, many)| {
            Step::Allocate(mobile, size, 1 << align, if size > 5000 { many.min(3) } else { many })
        }),
        4 => any::<usize>().prop_map(Step::Free),
        4 => any::<usize>().prop_map(Step::FreeElsewhere),
        1 => (any::<bool>(), 1..10_usize).prop_map(|(elsewhere, rest)| Step::FreeMany(elsewhere, rest)),
        1 => Just(Step::Collect),
    ];
    prop::collection::vec(step, 1..60)
}

/// The blocks in use, each filled with a number of its own, and all slots that were ever seen.
#[derive(Default)]
struct Model {
    blocks: Vec<(NonNull<u8>, usize, u8)>,
    handed_out: HashMap<NonNull<u8>, Kind>,
    next: u8,
}

impl Model {
    fn allocate(&mut self, slab: &Slab, kind: Kind, layout: Layout) {
        let block = slab.allocate(kind, layout);
        assert_eq!(block.addr().get() % layout.align().max(8), 0);
        self.next = self.next.wrapping_add(1);
        // SAFETY: the block is that large; all but the state word is ours.
        unsafe {
            block.write_bytes(self.next, layout.size().min(8));
            if let Some(rest @ 1..) = layout.size().checked_sub(16) {
                block.add(16).write_bytes(self.next, rest);
            }
        }
        assert_eq!(state(block).swap(1, Ordering::Relaxed), 0, "somebody uses it already");
        self.handed_out.insert(block, kind);
        self.blocks.push((block, layout.size(), self.next));
    }

    /// Takes one out, which nobody has written to.
    fn take(&mut self, at: usize) -> Option<NonNull<u8>> {
        let at = at.checked_rem(self.blocks.len())?;
        let (block, size, value) = self.blocks.swap_remove(at);
        // SAFETY: as above; nobody writes meanwhile.
        unsafe {
            let (start, rest) = (size.min(8), size.saturating_sub(16));
            assert_eq!(std::slice::from_raw_parts(block.as_ptr(), start), vec![value; start]);
            assert_eq!(std::slice::from_raw_parts(block.as_ptr().add(16), rest), vec![value; rest]);
        }
        assert_eq!(state(block).swap(0, Ordering::Relaxed), 1);
        Some(block)
    }

    fn check(&self, slab: &Slab) {
        for kind in [Kind::Pinned, Kind::Mobile] {
            let slots = seen(slab, kind);
            let set: HashSet<_> = slots.iter().copied().collect();
            assert_eq!(set.len(), slots.len(), "a slot was visited twice");
            assert!(slots.iter().all(|slot| self.handed_out.get(slot) == Some(&kind)), "a slot that nobody ever had");
            let used: HashSet<_> =
                slots.iter().copied().filter(|&slot| state(slot).load(Ordering::Relaxed) == 1).collect();
            let of_kind = |&(block, ..): &(NonNull<u8>, usize, u8)| (self.handed_out[&block] == kind).then_some(block);
            assert_eq!(used, self.blocks.iter().filter_map(of_kind).collect());
        }
        let mut elsewhere = Vec::new();
        slab.account().for_each_mobile(|slot| elsewhere.push(slot));
        assert_eq!(elsewhere, seen(slab, Kind::Mobile));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 200 } else { 3000 }))]
    #[test]
    fn any_order_of_allocations_and_frees_keeps_blocks_apart(steps in steps()) {
        leak_check(|| {
            let drops = Arc::new(AtomicUsize::new(0));
            let slab = Slab::new(Arc::new(Dropped(drops.clone())), [std::ptr::null(); 2]);
            let mut model = Model::default();
            for step in steps {
                match step {
                    Step::Allocate(mobile, size, align, many) => {
                        let kind = if mobile { Kind::Mobile } else { Kind::Pinned };
                        (0..many).for_each(|_| model.allocate(&slab, kind, aligned(size, align)));
                    }
                    // SAFETY: what is taken out of the model is freed once.
                    Step::Free(at) => _ = model.take(at).map(|block| unsafe { slab.free(block) }),
                    // SAFETY: as above.
                    Step::FreeElsewhere(at) => _ = model.take(at).map(|block| unsafe { Slab::free_elsewhere(block) }),
                    Step::FreeMany(elsewhere, rest) => {
                        for at in 0..model.blocks.len() / rest {
                            let block = model.take(at * 7).unwrap();
                            // SAFETY: as above.
                            unsafe { if elsewhere { Slab::free_elsewhere(block) } else { slab.free(block) } };
                        }
                    }
                    Step::Collect => _ = slab.collect(),
                }
                model.check(&slab);
            }
            drop(slab);
            while let Some(block) = model.take(3) {
                assert_eq!(drops.load(Ordering::SeqCst), 0);
                // SAFETY: as above.
                unsafe { Slab::free_elsewhere(block) };
            }
            assert_eq!(drops.load(Ordering::SeqCst), 1);
        });
    }
}
