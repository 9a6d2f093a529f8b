//! Which registration an event is for.

use std::sync::Arc; // facade: shared data without a protocol

use aio_base::live::{Kind, Live};
use slab::Slab;

use crate::source::Source;

/// How many bits of a key are the place in the table; the others are the generation.
const INDEX_BITS: u32 = usize::BITS * 5 / 8;

/// What the system is given with a registration, and gives back with each event.
///
/// It carries a generation: an event that comes after its descriptor was closed finds nobody, also if the place has
/// been taken by another one meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(usize);

impl Key {
    /// What the system gives back for who ended the wait, see `Selector::notify`. No registration has it.
    pub(crate) const NOTIFY: Self = Self(usize::MAX);

    #[cfg_attr(aio_loom, expect(dead_code, reason = "the system of the model has no events"))]
    pub(crate) const fn from_raw(raw: usize) -> Self {
        Self(raw)
    }

    #[cfg_attr(aio_loom, expect(dead_code, reason = "the system of the model has no events"))]
    pub(crate) const fn as_raw(self) -> usize {
        self.0
    }

    const fn index(self) -> usize {
        self.0 & ((1 << INDEX_BITS) - 1)
    }
}

/// The registrations of a loop.
#[derive(Default)]
pub(crate) struct Table {
    entries: Slab<Entry>,
    generation: usize,
}

struct Entry {
    key: Key,
    source: Arc<Source>,
    _live: Live,
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { entries: Slab::new(), generation: 0 }
    }

    pub(crate) fn insert(&mut self, source: Arc<Source>) -> Key {
        let vacant = self.entries.vacant_entry();
        let index = vacant.key();
        assert!(index < (1 << INDEX_BITS) - 1, "more registrations than a key can name");
        self.generation = self.generation.wrapping_add(1);
        let key = Key(self.generation << INDEX_BITS | index);
        vacant.insert(Entry { key, source, _live: Live::new(Kind::Registration) });
        key
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Arc<Source>> {
        self.entries.get(key.index()).filter(|entry| entry.key == key).map(|entry| &entry.source)
    }

    #[must_use = "to be dropped outside of the lock"]
    pub(crate) fn remove(&mut self, key: Key) -> Option<Arc<Source>> {
        self.get(key)?;
        let entry = self.entries.remove(key.index());
        if self.entries.is_empty() && self.entries.capacity() > 64 {
            // What ten thousand connections took.
            self.entries = Slab::new();
        }
        Some(entry.source)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All, without an order.
    pub(crate) fn take_all(&mut self) -> Vec<Arc<Source>> {
        std::mem::take(&mut self.entries).into_iter().map(|(_, entry)| entry.source).collect()
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_that_of_the_next_in_its_place() {
        let mut table = Table::new();
        let first = table.insert(Source::new());
        assert!(table.remove(first).is_some() && table.is_empty());
        let second = table.insert(Source::new());
        assert_eq!(first.index(), second.index());
        assert!(table.get(first).is_none() && table.remove(first).is_none() && table.get(second).is_some());
    }

    #[test]
    fn generations_that_begin_anew_still_tell_neighbours_apart() {
        let mut table = Table { generation: usize::MAX - 1, ..Table::new() };
        let mut last = None;
        for _ in 0..5 {
            let key = table.insert(Source::new());
            assert!(Some(key) != last && key != Key::from_raw(usize::MAX));
            assert!(table.remove(key).is_some());
            last = Some(key);
        }
    }
}
