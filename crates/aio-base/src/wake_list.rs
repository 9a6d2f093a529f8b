//! Wakers taken out of a lock, to be woken after it is released.

use std::fmt;
use std::task::Waker;

use crate::Panics;

const CAPACITY: usize = 16;

/// A batch of wakers. Fill it under the lock, release the lock, call [`wake_all`](Self::wake_all), and begin again if
/// there were more: no allocation, and no foreign code under a lock.
pub struct WakeList {
    wakers: [Option<Waker>; CAPACITY],
    len: usize,
}

impl WakeList {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { wakers: [const { None }; CAPACITY], len: 0 }
    }

    /// Whether another waker fits.
    pub fn has_room(&self) -> bool {
        self.len < CAPACITY
    }

    /// Whether there is nothing to wake.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a waker.
    ///
    /// # Panics
    /// If there is no room.
    pub fn push(&mut self, waker: Waker) {
        self.wakers[self.len] = Some(waker);
        self.len += 1;
    }

    /// Wakes all, in the order in which they were added, and empties the batch.
    ///
    /// # Panics
    /// If a waker panics. The others are woken nevertheless; the first panic goes on afterwards.
    pub fn wake_all(&mut self) {
        let mut panics = Panics::new();
        for slot in &mut self.wakers[..std::mem::take(&mut self.len)] {
            if let Some(waker) = slot.take() {
                panics.catch(|| waker.wake());
            }
        }
        panics.resume();
    }
}

/// What is still in the batch when its owner unwinds is woken: a wake-up must not be lost to somebody else's panic.
impl Drop for WakeList {
    fn drop(&mut self) {
        if self.len > 0 {
            self.wake_all();
        }
    }
}

impl Default for WakeList {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakeList").field("len", &self.len).finish()
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("bomb");
        }
    }

    #[test]
    fn a_panicking_waker_does_not_keep_the_others_asleep() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let mut list = WakeList::new();
        list.push(count.clone().into());
        list.push(Arc::new(Bomb).into());
        list.push(count.clone().into());
        let panic = catch_unwind(AssertUnwindSafe(|| list.wake_all())).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"bomb"));
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        assert!(list.is_empty());
    }

    #[test]
    fn dropping_a_full_list_wakes_it() {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let mut list = WakeList::new();
        while list.has_room() {
            list.push(count.clone().into());
        }
        drop(list);
        assert_eq!(count.0.load(Ordering::Relaxed), CAPACITY);
    }
}
