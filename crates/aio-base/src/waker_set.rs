//! Room for the wakers of any number of pollers of one thing.

use std::fmt;
use std::task::Waker;

use slab::Slab;

use crate::sync::Mutex;
use crate::{Panics, live};

/// Wakers of those who wait for the same thing.
///
/// A poller registers *before* it looks at what it waits for; then no [`wake_all`](Self::wake_all) is lost on it.
#[derive(Default)]
pub struct WakerSet(Mutex<Places>);

#[derive(Default)]
struct Places {
    entries: Slab<Entry>,
    /// How often all were woken. A place from before that is somebody else's by now, or will be.
    round: usize,
}

impl Places {
    fn find(&mut self, key: &WakerKey) -> Option<&mut Entry> {
        let (index, round) = key.0?;
        if round == self.round { self.entries.get_mut(index) } else { None }
    }
}

struct Entry {
    waker: Waker,
    _live: live::Live,
}

/// A poller's place in a [`WakerSet`]; to be given back with [`WakerSet::remove`].
#[derive(Debug, Default)]
pub struct WakerKey(Option<(usize, usize)>);

impl WakerSet {
    /// Without anybody.
    pub fn new() -> Self {
        Self(Mutex::new(Places { entries: Slab::new(), round: 0 }))
    }

    /// Puts `waker` where `key` says, at a new place if `key` is new.
    pub fn register(&self, key: &mut WakerKey, waker: &Waker) {
        if self.0.lock().find(key).is_some_and(|entry| entry.waker.will_wake(waker)) {
            return;
        }
        // Cloned before the lock is taken and dropped after it is released: both may run foreign code.
        let entry = Entry { waker: waker.clone(), _live: live::Live::new(live::Kind::Registration) };
        let mut set = self.0.lock();
        let old = match set.find(key) {
            Some(place) => Some(std::mem::replace(place, entry)),
            None => {
                key.0 = Some((set.entries.insert(entry), set.round));
                None
            }
        };
        drop(set);
        drop(old);
    }

    /// Gives up the place of `key`.
    pub fn remove(&self, key: &mut WakerKey) {
        let Some((index, round)) = key.0.take() else { return };
        let mut set = self.0.lock();
        let old = if round == set.round { set.entries.try_remove(index) } else { None };
        drop(set);
        drop(old);
    }

    /// Wakes all, and empties the set.
    ///
    /// # Panics
    /// If a waker panics; the others are woken nevertheless.
    pub fn wake_all(&self) {
        let mut set = self.0.lock();
        set.round = set.round.wrapping_add(1);
        let entries = std::mem::take(&mut set.entries);
        drop(set);
        let mut panics = Panics::new();
        for (_, entry) in entries {
            panics.catch(|| entry.waker.wake());
        }
        panics.resume();
    }
}

impl fmt::Debug for WakerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("WakerSet { .. }")
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Two that were woken; the second registers again, at the place that was the first one's. How often the second is
    /// woken the next time, when the first has used its old key `in_some_way`.
    fn wakes_of_the_second(in_some_way: impl FnOnce(&WakerSet, &mut WakerKey)) -> usize {
        let set = WakerSet::new();
        let (mut first, mut second) = (WakerKey::default(), WakerKey::default());
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        set.register(&mut first, Waker::noop());
        set.register(&mut second, &waker);
        set.wake_all();
        set.register(&mut second, &waker);
        in_some_way(&set, &mut first);
        set.wake_all();
        count.0.load(Ordering::Relaxed) - 1
    }

    #[test]
    fn who_was_woken_has_no_place_any_more() {
        assert_eq!(wakes_of_the_second(|_, _| {}), 1);
        assert_eq!(wakes_of_the_second(|set, first| set.remove(first)), 1);
        assert_eq!(wakes_of_the_second(|set, first| set.register(first, Waker::noop())), 1);
    }
}
