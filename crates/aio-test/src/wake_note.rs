//! A waker that takes notes.

use std::task::{Context, Poll, Wake, Waker};

// What `Wake` asks for.
use std::sync::Arc;

use aio_base::WakerSlot;
use aio_base::sync::Mutex;

/// Counts the wakes of a future that is polled through it, and passes them on to whoever polls it from outside.
pub(crate) struct WakeNote {
    outer: WakerSlot,
    notes: Mutex<Notes>,
}

#[derive(Clone, Copy, Default)]
struct Notes {
    n_polls: usize,
    n_wakes: usize,
    /// Since the last poll began.
    is_woken: bool,
}

impl WakeNote {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { outer: WakerSlot::new(), notes: Mutex::new(Notes::default()) })
    }

    /// Passes wakes on to `outer` from now on, until the first.
    pub(crate) fn pass_on(&self, outer: &Waker) {
        self.outer.register(outer);
    }

    /// Polls by `poll`, which is given the waker that takes notes.
    pub(crate) fn poll<R>(self: &Arc<Self>, poll: impl FnOnce(&mut Context<'_>) -> Poll<R>) -> Poll<R> {
        {
            let mut notes = self.notes.lock();
            notes.n_polls += 1;
            notes.is_woken = false;
        }
        let waker = Waker::from(self.clone());
        poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn n_polls(&self) -> usize {
        self.notes.lock().n_polls
    }

    pub(crate) fn n_wakes(&self) -> usize {
        self.notes.lock().n_wakes
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.notes.lock().is_woken
    }

    /// How many clones of the waker there are, if `owners` is how many references there are beside them.
    pub(crate) fn n_wakers(self: &Arc<Self>, owners: usize) -> usize {
        Arc::strong_count(self) - owners
    }
}

impl Wake for WakeNote {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        {
            let mut notes = self.notes.lock();
            notes.n_wakes += 1;
            notes.is_woken = true;
        }
        self.outer.wake();
    }
}
