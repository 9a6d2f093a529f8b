//! Models of an owner and its thieves.

use aio_base::sync::{Arc, UnsafeCell};
use aio_base::thread;

use super::*;

/// What an item points to: written before the push and read after it was taken, and ordered by nothing else.
type Item = UnsafeCell<usize>;

/// The first ring is the one that is robbed.
struct World<const N: usize, const RINGS: usize> {
    items: [Item; 4],
    rings: [StealQueue<Item, N>; RINGS],
    injector: Injector<Item>,
}

// SAFETY: what goes on in the cells is what loom looks at.
unsafe impl<const N: usize, const RINGS: usize> Send for World<N, RINGS> {}
// SAFETY: as above.
unsafe impl<const N: usize, const RINGS: usize> Sync for World<N, RINGS> {}

/// The numbers of the items that a thread has taken, in that order.
type Taken = Vec<usize>;

impl<const N: usize, const RINGS: usize> World<N, RINGS> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            items: array::from_fn(|_| UnsafeCell::new(usize::MAX)),
            rings: array::from_fn(|_| StealQueue::starting_at(NEAR_THE_END)),
            injector: Injector::new(),
        })
    }

    /// For the thread of the first ring.
    fn push(&self, number: usize) {
        let item = &self.items[number];
        // SAFETY: nobody has seen it yet.
        item.with_mut(|item| unsafe { *item = number });
        // SAFETY: one thread calls this.
        _ = unsafe { self.rings[0].push(NonNull::from(item), &self.injector) };
    }

    fn read(item: NonNull<Item>) -> usize {
        // SAFETY: the items are alive. Loom tells whether the cell may be read.
        unsafe { item.as_ref() }.with(|item| unsafe { *item })
    }

    /// For the thread of that ring.
    fn pop(&self, ring: usize) -> Option<usize> {
        // SAFETY: one thread calls this for this ring.
        unsafe { self.rings[ring].pop() }.map(Self::read)
    }

    /// For the thread of the ring `into`. Takes what is there, and runs it.
    fn steal(&self, into: usize) -> Taken {
        // SAFETY: one thread calls this for this ring.
        let first = unsafe { self.rings[0].steal_into(&self.rings[into], usize::MAX) }.map(Self::read);
        first.into_iter().chain(iter::from_fn(|| self.pop(into))).collect()
    }

    /// All that is left, after the other threads.
    fn rest(&self) -> Taken {
        let injected = iter::from_fn(|| self.injector.pop()).map(Self::read);
        iter::from_fn(|| self.pop(0)).chain(injected).collect()
    }
}

/// Each thread has taken what it has in order, and together they have taken the first `n` items, each once.
fn assert_taken_once(taken: &[Taken], n: usize) {
    for taken in taken {
        assert!(taken.is_sorted(), "out of order: {taken:?}");
    }
    let mut all = taken.concat();
    all.sort_unstable();
    assert_eq!(all, (0..n).collect::<Vec<_>>(), "{taken:?}");
}

/// The owner and a thief are after the same items.
#[test]
fn an_item_is_popped_or_stolen() {
    ::loom::model(|| {
        let world = World::<4, 2>::new();
        (0..3).for_each(|number| world.push(number));
        let theirs = world.clone();
        let thief = thread::spawn("", move || theirs.steal(1)).unwrap();
        let mut popped: Taken = [world.pop(0), world.pop(0)].into_iter().flatten().collect();
        let stolen = thief.join().unwrap();
        popped.extend(world.rest());
        assert_taken_once(&[popped, stolen], 3);
    });
}

/// The owner overwrites slots that a thief is reading: two slots, four items, and the counts come round.
#[test]
fn a_slot_that_is_used_again_is_not_taken_for_what_it_was() {
    ::loom::model(|| {
        let world = World::<2, 2>::new();
        let theirs = world.clone();
        let thief = thread::spawn("", move || [theirs.steal(1), theirs.steal(1)].concat()).unwrap();
        let mut popped = Taken::new();
        world.push(0);
        world.push(1);
        popped.extend(world.pop(0));
        world.push(2);
        popped.extend(world.pop(0));
        world.push(3);
        let stolen = thief.join().unwrap();
        // What has overflowed is behind what has come later.
        let mut rest = world.rest();
        rest.sort_unstable();
        assert_taken_once(&[popped, stolen, rest], 4);
    });
}

/// A thief has read several items, and the owner pops the first of them meanwhile: the others are still good.
#[test]
fn a_thief_that_is_overtaken_takes_what_is_left() {
    ::loom::model(|| {
        let world = World::<4, 2>::new();
        (0..4).for_each(|number| world.push(number));
        let theirs = world.clone();
        let thief = thread::spawn("", move || theirs.steal(1)).unwrap();
        let popped: Taken = world.pop(0).into_iter().collect();
        let stolen = thief.join().unwrap();
        assert!(!stolen.is_empty(), "the owner left three");
        assert_taken_once(&[popped, stolen, world.rest()], 4);
    });
}

#[test]
fn two_thieves_take_different_items() {
    ::loom::model(|| {
        let world = World::<4, 3>::new();
        (0..3).for_each(|number| world.push(number));
        let thieves = [1, 2].map(|me| {
            let theirs = world.clone();
            thread::spawn("", move || theirs.steal(me)).unwrap()
        });
        let popped: Taken = world.pop(0).into_iter().collect();
        let [first, second] = thieves.map(|thief| thief.join().unwrap());
        assert_taken_once(&[popped, first, second, world.rest()], 3);
    });
}

/// A thief robs a ring that is itself being filled with stolen items.
#[test]
fn what_was_stolen_may_be_stolen_again() {
    ::loom::model(|| {
        let world = World::<4, 3>::new();
        (0..4).for_each(|number| world.push(number));
        let theirs = world.clone();
        let robber = thread::spawn("", move || {
            // SAFETY: this thread alone uses the ring 2 as its own.
            let again = unsafe { theirs.rings[1].steal_into(&theirs.rings[2], usize::MAX) };
            again.map(World::<4, 3>::read).into_iter().chain(theirs.pop(2)).collect::<Taken>()
        })
        .unwrap();
        let stolen = world.steal(1);
        let again = robber.join().unwrap();
        assert_taken_once(&[again, stolen, world.rest()], 4);
    });
}

/// The ring is full; the owner makes room while a thief takes what it would move.
#[test]
fn a_ring_may_overflow_while_it_is_robbed() {
    ::loom::model(|| {
        let world = World::<2, 2>::new();
        world.push(0);
        world.push(1);
        let theirs = world.clone();
        let thief = thread::spawn("", move || [theirs.steal(1), theirs.steal(1)].concat()).unwrap();
        world.push(2);
        world.push(3);
        let stolen = thief.join().unwrap();
        let mut rest = world.rest();
        rest.sort_unstable();
        assert_taken_once(&[stolen, rest], 4);
    });
}

/// Whoever looks sees a number of items that there may have been.
#[test]
fn the_length_is_never_out_of_bounds() {
    ::loom::model(|| {
        let world = World::<2, 1>::new();
        let theirs = world.clone();
        let other = thread::spawn("", move || (theirs.rings[0].len(), theirs.rings[0].is_empty())).unwrap();
        world.push(0);
        world.push(1);
        assert_eq!(world.pop(0), Some(0));
        world.push(2);
        assert_eq!(world.pop(0), Some(1));
        let (len, _) = other.join().unwrap();
        assert!(len <= 2, "{len}");
        assert_eq!(world.rest(), [2]);
    });
}
