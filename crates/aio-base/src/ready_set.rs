//! Futures polled in place, each only when it was woken.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
// `std::task::Wake` asks for std's `Arc`.
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use slab::Slab;

use crate::WakerSlot;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A set of futures that its owner polls in place.
///
/// Waking one costs O(1) and puts it at the end of the ready list; one that is idle costs nothing. A poll runs what was
/// ready when it began, in the order of the wakes, so the set cannot keep its task to itself.
pub struct ReadySet<F> {
    entries: Slab<Entry<F>>,
    ready: Arc<ReadyList>,
    /// How many more may be polled before the owner gets its turn back.
    batch: usize,
}

struct Entry<F> {
    /// Absent while it is polled, so that a panic in `poll` drops it.
    future: Option<F>,
    waker: Arc<EntryWaker>,
}

#[derive(Default)]
struct ReadyList {
    keys: Mutex<VecDeque<usize>>,
    owner: WakerSlot,
}

struct EntryWaker {
    key: usize,
    /// Whether `key` is in the ready list.
    queued: AtomicBool,
    ready: Arc<ReadyList>,
}

impl<F> ReadySet<F> {
    /// Without futures.
    pub fn new() -> Self {
        Self { entries: Slab::new(), ready: Arc::default(), batch: 0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a future, ready for its first poll, and returns its key. The owner is not woken: it has just been here.
    pub fn insert(&mut self, future: F) -> usize {
        let place = self.entries.vacant_entry();
        let key = place.key();
        let waker = Arc::new(EntryWaker { key, queued: AtomicBool::new(true), ready: self.ready.clone() });
        place.insert(Entry { future: Some(future), waker });
        self.ready.keys.lock().push_back(key);
        key
    }

    /// All futures, to change something about each; call [`rouse`](Self::rouse) so that they are polled.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut F)> {
        self.entries.iter_mut().filter_map(|(key, entry)| Some((key, entry.future.as_mut()?)))
    }

    /// Puts every future on the ready list.
    pub fn rouse(&mut self) {
        for (_, entry) in &self.entries {
            entry.waker.enqueue();
        }
    }

    /// Takes all futures out, in the order of their keys.
    pub fn drain(&mut self) -> impl Iterator<Item = F> {
        std::mem::take(&mut self.entries).into_iter().filter_map(|(_, entry)| entry.future)
    }
}

impl<F: Future + Unpin> ReadySet<F> {
    /// Polls what is ready until one future is finished, and returns its key and output; `None` if the set is empty.
    ///
    /// # Panics
    /// If a future's `poll` does. That future is dropped, the others stay.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        // Before the list is looked at, so that no wake falls between.
        self.ready.owner.register(cx.waker());
        if self.batch == 0 {
            self.batch = self.ready.keys.lock().len();
        }
        while self.batch > 0 {
            self.batch -= 1;
            let Some(key) = self.ready.keys.lock().pop_front() else {
                self.batch = 0;
                break;
            };
            // The key of a finished future may have been woken late, and may even belong to another one by now: then
            // that one is polled once for nothing.
            let Some(entry) = self.entries.get_mut(key) else { continue };
            // AcqRel: pairs with the swap of `enqueue`. A wake from here on queues the key again; what a waker wrote
            // before it found the key queued is visible to this poll.
            entry.waker.queued.swap(false, Ordering::AcqRel);
            let waker = Waker::from(entry.waker.clone());
            let Some(mut future) = entry.future.take() else { continue };
            let mut gone = Remove { entries: &mut self.entries, key, armed: true };
            let poll = Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
            match poll {
                Poll::Ready(output) => {
                    drop(gone);
                    return Poll::Ready(Some((key, output)));
                }
                Poll::Pending => {
                    gone.armed = false;
                    drop(gone);
                    self.entries[key].future = Some(future);
                }
            }
        }
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        if !self.ready.keys.lock().is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Removes the entry when its future is finished or has panicked.
struct Remove<'a, F> {
    entries: &'a mut Slab<Entry<F>>,
    key: usize,
    armed: bool,
}

impl<F> Drop for Remove<'_, F> {
    fn drop(&mut self) {
        if self.armed {
            self.entries.remove(self.key);
        }
    }
}

impl EntryWaker {
    fn enqueue(&self) -> bool {
        // AcqRel: Release for what the waker wrote; see `poll_next`.
        let fresh = !self.queued.swap(true, Ordering::AcqRel);
        if fresh {
            self.ready.keys.lock().push_back(self.key);
        }
        fresh
    }
}

impl Wake for EntryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.enqueue() {
            self.ready.owner.wake();
        }
    }
}

impl<F> Default for ReadySet<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F> fmt::Debug for ReadySet<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadySet").field("len", &self.len()).finish()
    }
}
