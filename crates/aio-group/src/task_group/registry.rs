//! The children of a group that have tasks: a slab, whose entries are used again.

use aio_base::live::{Kind, Live};
use aio_core::{Task, TaskHome, TaskRef};

/// Marks the number of a vacant entry. No child has it: there are never so many.
const VACANT: u64 = 1 << 63;

/// The end of the list of the vacant entries.
const NONE: u64 = u64::MAX;

pub(crate) struct Registry {
    entries: Vec<Entry>,
    /// The first vacant entry, as a link; or [`NONE`].
    vacant: u64,
    len: usize,
}

/// Occupied or vacant: the registry does not know which, and trusts the keys.
struct Entry {
    /// The number of the child; while the entry is vacant, the link to the next vacant one, or [`NONE`].
    number: u64,
    /// Absent while the entry is vacant, and for a moment, while the task is being spawned.
    task: Option<Registered>,
}

/// The task of a child, which counts as long as it is known here.
struct Registered {
    task: TaskRef,
    _live: Live,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), vacant: NONE, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A place for the child of this number. Returns its key.
    #[inline]
    pub(crate) fn insert(&mut self, number: u64) -> usize {
        self.len += 1;
        if self.vacant != NONE {
            let key = linked(self.vacant);
            // Its task is absent already.
            self.vacant = std::mem::replace(&mut self.entries[key].number, number);
            return key;
        }
        self.entries.push(Entry { number, task: None });
        self.entries.len() - 1
    }

    /// Fills the place, if it is still that of the child of this number.
    #[inline]
    pub(crate) fn attach<T, H: TaskHome>(&mut self, key: usize, number: u64, task: &Task<T, H>) {
        let entry = &mut self.entries[key];
        if entry.number == number {
            // The reference is made here, where it stays.
            entry.task = Some(Registered { task: task.task_ref(), _live: Live::new(Kind::Registration) });
        }
    }

    /// Gives up the place. Returns its number.
    ///
    /// The reference to the task is dropped where it is, under the lock of the group. It is not the last one, since the
    /// task that ends calls this; so no destructor of what the task has left can run here.
    #[inline]
    pub(crate) fn remove(&mut self, key: usize) -> u64 {
        let vacant = self.vacant;
        let entry = &mut self.entries[key];
        entry.task = None;
        let number = std::mem::replace(&mut entry.number, vacant);
        self.vacant = link(key);
        self.len -= 1;
        number
    }

    /// All tasks that are known, in no order.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &TaskRef> {
        self.entries.iter().filter_map(|entry| Some(&entry.task.as_ref()?.task))
    }
}

/// A key where a vacant entry has its number. It is no child's number, so a child that ended before it could be
/// [attached](Registry::attach) does not find its own in a vacant entry.
#[inline]
fn link(key: usize) -> u64 {
    key as u64 | VACANT
}

/// The key of a [`link`].
#[inline]
fn linked(link: u64) -> usize {
    (link & !VACANT) as usize
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use aio_base::live::leak_check;

    fn number(key: usize) -> u64 {
        1000 + key as u64
    }

    #[test]
    fn places_are_found_again() {
        let mut registry = Registry::new();
        let keys: Vec<usize> = (0..100).map(|key| registry.insert(number(key))).collect();
        assert_eq!(keys, (0..100).collect::<Vec<_>>());
        assert_eq!(registry.len(), 100);
        for key in keys.into_iter().rev() {
            assert_eq!(registry.remove(key), number(key));
        }
        assert!(registry.is_empty());
    }

    #[test]
    fn places_are_used_again_before_there_are_more() {
        let mut registry = Registry::new();
        for round in 0..1000 {
            let keys: Vec<usize> = (0..8).map(|key| registry.insert(number(key + round))).collect();
            assert!(keys.iter().all(|key| *key < 8), "{keys:?}");
            for (index, key) in keys.into_iter().enumerate() {
                assert_eq!(registry.remove(key), number(index + round));
            }
        }
        assert_eq!(registry.entries.len(), 8);
    }

    #[test]
    fn a_task_is_attached_only_to_its_own_place() {
        leak_check(|| {
            aio_core::run(async {
                let task = aio_core::spawn(async {});
                let mut registry = Registry::new();
                let key = registry.insert(1);
                registry.attach(key, 1, &task);
                assert_eq!(registry.tasks().map(aio_core::TaskRef::id).collect::<Vec<_>>(), [task.id()]);
                assert_eq!(registry.remove(key), 1);
                registry.attach(key, 1, &task);
                assert_eq!(registry.tasks().count(), 0, "it is vacant");
                assert_eq!(registry.insert(2), key);
                registry.attach(key, 1, &task);
                assert_eq!(registry.tasks().count(), 0, "it belongs to another");
                assert_eq!(registry.remove(key), 2);
            });
        });
    }

    #[test]
    fn a_vacant_place_is_not_taken_for_that_of_a_child() {
        leak_check(|| {
            aio_core::run(async {
                let task = aio_core::spawn(async {});
                let mut registry = Registry::new();
                // An eager child starts another; both end before the first is attached.
                let (first, second) = (registry.insert(1), registry.insert(2));
                assert_eq!((registry.remove(second), registry.remove(first)), (2, 1));
                registry.attach(first, 1, &task);
                assert_eq!(registry.tasks().count(), 0);
            });
        });
    }
}
