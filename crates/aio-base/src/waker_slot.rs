//! Room for the waker of one poller that any thread may wake.

use std::fmt;
use std::task::Waker;

use crate::sync::Mutex;

/// One poller registers, anybody wakes.
///
/// A `wake` that comes after [`register`](Self::register) returned is never lost: the poller must register *before* it
/// looks at what it waits for.
#[derive(Default)]
pub struct WakerSlot(Mutex<Option<Waker>>);

impl WakerSlot {
    /// An empty slot.
    #[cfg(not(aio_loom))]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// An empty slot.
    #[cfg(aio_loom)]
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Puts `waker` into the slot in place of the one there.
    pub fn register(&self, waker: &Waker) {
        if self.0.lock().as_ref().is_some_and(|old| old.will_wake(waker)) {
            return;
        }
        // Cloned before the lock is taken and dropped after it is released: both may run foreign code.
        let new = waker.clone();
        let _old = self.0.lock().replace(new);
    }

    /// Takes the waker out.
    #[must_use = "to wake nobody, drop what this returns on purpose"]
    pub fn take(&self) -> Option<Waker> {
        self.0.lock().take()
    }

    /// Wakes the poller, if one is registered, and empties the slot.
    pub fn wake(&self) {
        let waker = self.0.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for WakerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("WakerSlot { .. }")
    }
}
