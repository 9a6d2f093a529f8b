//! Room for the wakers of any number of pollers of one thing that happens once.

use std::fmt;
use std::task::Waker;

use slab::Slab;

use crate::sync::Mutex;
use crate::{Panics, live};

/// Wakers of those who wait for the same thing.
///
/// A poller registers *before* it looks at what it waits for; then no [`wake_all`](Self::wake_all) is lost on it.
#[derive(Default)]
pub struct WakerSet(Mutex<Slab<Entry>>);

struct Entry {
    waker: Waker,
    _live: live::Live,
}

/// A poller's place in a [`WakerSet`]; to be given back with [`WakerSet::remove`].
#[derive(Debug, Default)]
pub struct WakerKey(Option<usize>);

impl WakerSet {
    /// Without anybody.
    pub fn new() -> Self {
        Self(Mutex::new(Slab::new()))
    }

    /// Puts `waker` where `key` says, at a new place if `key` is new.
    pub fn register(&self, key: &mut WakerKey, waker: &Waker) {
        if let Some(index) = key.0
            && self.0.lock().get(index).is_some_and(|entry| entry.waker.will_wake(waker))
        {
            return;
        }
        // Cloned before the lock is taken and dropped after it is released: both may run foreign code.
        let entry = Entry { waker: waker.clone(), _live: live::Live::new(live::Kind::Registration) };
        let mut set = self.0.lock();
        let old = match key.0.and_then(|index| set.get_mut(index)) {
            Some(place) => Some(std::mem::replace(place, entry)),
            None => {
                key.0 = Some(set.insert(entry));
                None
            }
        };
        drop(set);
        drop(old);
    }

    /// Gives up the place of `key`.
    pub fn remove(&self, key: &mut WakerKey) {
        if let Some(index) = key.0.take() {
            let old = self.0.lock().try_remove(index);
            drop(old);
        }
    }

    /// Wakes all, and empties the set.
    ///
    /// # Panics
    /// If a waker panics; the others are woken nevertheless.
    pub fn wake_all(&self) {
        let entries = std::mem::take(&mut *self.0.lock());
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
