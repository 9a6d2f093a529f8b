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
    /// Keys of what was ready when the owner's turn began and has not been polled since.
    batch: VecDeque<usize>,
    /// Whether that turn goes on with the next poll: then there is no further batch before the owner has another turn.
    in_batch: bool,
    /// Keys of what has given an item and stays, for the next batch. They count as queued.
    kept: VecDeque<usize>,
}

struct Entry<F> {
    /// Absent while it is polled, so that a panic in `poll` drops it. With a waker that is `shared`, so that a poll
    /// need not count one.
    future: Option<(F, Waker)>,
    shared: Arc<EntryWaker>,
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
        Self {
            entries: Slab::new(),
            ready: Arc::default(),
            batch: VecDeque::new(),
            in_batch: false,
            kept: VecDeque::new(),
        }
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
        let shared = Arc::new(EntryWaker { key, queued: AtomicBool::new(true), ready: self.ready.clone() });
        place.insert(Entry { future: Some((future, Waker::from(shared.clone()))), shared });
        self.ready.keys.lock().push_back(key);
        key
    }

    /// All futures, to change something about each; call [`rouse`](Self::rouse) so that they are polled.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut F)> {
        self.entries.iter_mut().filter_map(|(key, entry)| Some((key, &mut entry.future.as_mut()?.0)))
    }

    /// Puts every future on the ready list.
    pub fn rouse(&mut self) {
        for (_, entry) in &self.entries {
            entry.shared.enqueue();
        }
    }

    /// Takes all futures out, in the order of their keys.
    pub fn drain(&mut self) -> impl Iterator<Item = F> {
        std::mem::take(&mut self.entries).into_iter().filter_map(|(_, entry)| Some(entry.future?.0))
    }
}

impl<F: Future + Unpin> ReadySet<F> {
    /// Polls what is ready until one future is finished, and returns its key and output; `None` if the set is empty.
    ///
    /// # Panics
    /// If a future's `poll` does. That future is dropped, the others stay.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        self.poll_batch(cx, |future, cx| future.poll(cx).map(Step::End))
    }
}

impl<F: Unpin> ReadySet<F> {
    /// Polls what is ready, with `poll`, until one has an item, and returns that; `None` if the set is empty.
    ///
    /// Who has an item stays, at the end of those that are ready. Who has none is dropped.
    ///
    /// # Panics
    /// If `poll` does. What it was polling is dropped, the others stay.
    pub fn poll_item<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(Pin<&mut F>, &mut Context<'_>) -> Poll<Option<T>>,
    ) -> Poll<Option<T>> {
        let item =
            self.poll_batch(cx, |future, cx| poll(future, cx).map(|item| item.map_or(Step::Nothing, Step::Item)));
        item.map(|item| item.map(|(_, item)| item))
    }

    fn poll_batch<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(Pin<&mut F>, &mut Context<'_>) -> Poll<Step<T>>,
    ) -> Poll<Option<(usize, T)>> {
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut self.in_batch, false) {
            self.begin_batch();
        }
        while let Some(key) = self.batch.pop_front() {
            // The key of a finished future may have been woken late, and may even belong to another one by now: then
            // that one is polled once for nothing.
            let Some(entry) = self.entries.get_mut(key) else { continue };
            // AcqRel: pairs with the swap of `set_queued`. A wake from here on queues the key again; what a waker wrote
            // before it found the key queued is visible to this poll.
            entry.shared.queued.swap(false, Ordering::AcqRel);
            let Some((mut future, waker)) = entry.future.take() else { continue };
            let mut gone = Remove { entries: &mut self.entries, key, armed: true };
            let step = poll(Pin::new(&mut future), &mut Context::from_waker(&waker));
            let output = match step {
                Poll::Ready(Step::Nothing) => continue,
                Poll::Ready(Step::End(output)) => {
                    drop(gone);
                    self.in_batch = true;
                    return Poll::Ready(Some((key, output)));
                }
                Poll::Ready(Step::Item(item)) => Some(item),
                Poll::Pending => None,
            };
            gone.armed = false;
            drop(gone);
            let entry = &mut self.entries[key];
            entry.future = Some((future, waker));
            if let Some(item) = output {
                // Unless it was woken meanwhile.
                if entry.shared.set_queued() {
                    self.kept.push_back(key);
                }
                self.in_batch = true;
                return Poll::Ready(Some((key, item)));
            }
        }
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        // Before the list is looked at, so that no wake falls between.
        self.ready.owner.register(cx.waker());
        if !self.kept.is_empty() || !self.ready.keys.lock().is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// What was woken, and then what has stayed, to the end of what a panic may have left.
    fn begin_batch(&mut self) {
        {
            let mut keys = self.ready.keys.lock();
            if self.batch.is_empty() {
                // Both keep their memory.
                std::mem::swap(&mut self.batch, &mut *keys);
            } else {
                self.batch.append(&mut keys);
            }
        }
        self.batch.append(&mut self.kept);
    }
}

/// What a poll has come to that was not pending.
enum Step<T> {
    /// The end, with an output.
    End(T),
    /// The end, with nothing.
    Nothing,
    /// An item, after which there may be others.
    Item(T),
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
    /// Whether it was not before.
    fn set_queued(&self) -> bool {
        // AcqRel: Release for what the waker wrote; see `poll_batch`.
        !self.queued.swap(true, Ordering::AcqRel)
    }

    fn enqueue(&self) -> bool {
        let fresh = self.set_queued();
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

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    type Boxed<'a> = Pin<Box<dyn Future<Output = usize> + 'a>>;

    fn poll(set: &mut ReadySet<Boxed<'_>>) -> Poll<Option<(usize, usize)>> {
        set.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    fn turns(mut left: usize) -> Boxed<'static> {
        Box::pin(poll_fn(move |cx| {
            if left == 0 {
                return Poll::Ready(0);
            }
            left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    #[test]
    fn what_wakes_itself_waits_for_the_next_poll() {
        let mut set = ReadySet::new();
        let restless = set.insert(turns(2));
        let quick = set.insert(turns(0));
        assert_eq!(poll(&mut set), Poll::Ready(Some((quick, 0))));
        assert_eq!(poll(&mut set), Poll::Pending, "the end of the batch");
        assert_eq!(poll(&mut set), Poll::Pending);
        assert_eq!(poll(&mut set), Poll::Ready(Some((restless, 0))));
        assert_eq!(poll(&mut set), Poll::Ready(None));
    }

    #[test]
    fn what_is_idle_is_not_polled() {
        let mut polls = 0;
        let mut set = ReadySet::new();
        set.insert(Box::pin(poll_fn(|_| {
            polls += 1;
            Poll::<usize>::Pending
        })) as Boxed<'_>);
        for _ in 0..3 {
            assert_eq!(poll(&mut set), Poll::Pending);
        }
        drop(set);
        assert_eq!(polls, 1);
    }

    #[test]
    fn a_panic_drops_its_future_and_no_other() {
        let mut set = ReadySet::new();
        set.insert(Box::pin(poll_fn(|_| panic!("oh"))) as Boxed<'_>);
        let other = set.insert(turns(0));
        catch_unwind(AssertUnwindSafe(|| poll(&mut set))).unwrap_err();
        assert_eq!(set.len(), 1);
        assert_eq!(poll(&mut set), Poll::Ready(Some((other, 0))));
    }

    #[test]
    fn a_late_wake_of_a_finished_future_is_harmless() {
        let kept = std::cell::Cell::new(None);
        let mut set = ReadySet::new();
        set.insert(Box::pin(poll_fn(|cx| {
            kept.set(Some(cx.waker().clone()));
            Poll::Ready(1_usize)
        })) as Boxed<'_>);
        assert_eq!(poll(&mut set), Poll::Ready(Some((0, 1))));
        assert_eq!(poll(&mut set), Poll::Ready(None));
        let heir = set.insert(turns(1));
        kept.take().unwrap().wake();
        // The heir may be polled once too often, and that is all.
        let end = std::iter::repeat_with(|| poll(&mut set)).find(Poll::is_ready);
        assert_eq!(end, Some(Poll::Ready(Some((heir, 0)))));
        assert_eq!(poll(&mut set), Poll::Ready(None));
    }

    #[test]
    fn who_has_given_an_item_waits_for_the_others_and_for_the_next_turn() {
        let mut set = ReadySet::new();
        for items in [vec!["a", "b", "c"], vec![], vec!["x", "y"]] {
            set.insert(items.into_iter());
        }
        let mut next =
            || set.poll_item(&mut Context::from_waker(Waker::noop()), |items, _| Poll::Ready(items.get_mut().next()));
        let turns = [Some("a"), Some("x"), None, Some("b"), Some("y"), None, Some("c"), None];
        for item in turns {
            assert_eq!(next(), item.map_or(Poll::Pending, |item| Poll::Ready(Some(item))));
        }
        assert_eq!(next(), Poll::Ready(None));
    }

    #[test]
    fn who_has_been_woken_while_giving_an_item_is_polled_once_for_both() {
        let mut set = ReadySet::new();
        let mut polls = 0;
        set.insert(());
        for _ in 0..3 {
            let item = set.poll_item(&mut Context::from_waker(Waker::noop()), |_, cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                Poll::Ready(Some(()))
            });
            assert_eq!(item, Poll::Ready(Some(())));
            let turn = set.poll_item::<()>(&mut Context::from_waker(Waker::noop()), |_, _| unreachable!());
            assert_eq!(turn, Poll::Pending);
        }
        assert_eq!(polls, 3);
    }

    #[test]
    fn a_panic_leaves_the_rest_of_the_turn_to_the_next() {
        let mut set = ReadySet::new();
        (0..3).for_each(|i| {
            set.insert(i);
        });
        let mut cx = Context::from_waker(Waker::noop());
        let poll = |i: Pin<&mut i32>, _: &mut Context<'_>| if *i == 0 { panic!("oh") } else { Poll::Ready(Some(*i)) };
        catch_unwind(AssertUnwindSafe(|| set.poll_item(&mut cx, poll))).unwrap_err();
        assert_eq!([set.poll_item(&mut cx, poll), set.poll_item(&mut cx, poll)], [1, 2].map(|i| Poll::Ready(Some(i))));
    }

    #[test]
    fn what_is_drained_goes_on_in_another_set() {
        let mut set = ReadySet::new();
        set.insert(turns(1));
        assert_eq!(poll(&mut set), Poll::Pending);
        let mut other = ReadySet::new();
        for future in set.drain() {
            other.insert(future);
        }
        assert_eq!(poll(&mut other), Poll::Ready(Some((0, 0))));
    }
}

#[cfg(all(test, aio_loom))]
mod tests {
    use super::*;
    use crate::sync::Arc as Shared;
    use crate::sync::atomic::AtomicUsize;
    use crate::{Parker, thread};
    use std::future::poll_fn;

    /// Two futures wait for a value each that another thread stores before it wakes them, one of them through a clone
    /// that was made before the owner last looked. A lost wake-up would leave the owner parked.
    #[test]
    fn wakes_from_other_threads_reach_their_futures() {
        loom::model(|| {
            let mut parker = Parker::new();
            let owner = Waker::from(parker.unparker());
            let mut set = ReadySet::new();
            let mut threads = Vec::new();
            for _ in 0..2 {
                let flag = Shared::new(AtomicUsize::new(0));
                let slot = Shared::new(WakerSlot::new());
                let (their_flag, their_slot) = (flag.clone(), slot.clone());
                threads.push(
                    thread::spawn("", move || {
                        their_flag.store(1, Ordering::Relaxed);
                        their_slot.wake();
                    })
                    .unwrap(),
                );
                set.insert(Box::pin(poll_fn(move |cx| {
                    slot.register(cx.waker());
                    if flag.load(Ordering::Relaxed) == 1 { Poll::Ready(()) } else { Poll::Pending }
                })));
            }
            let mut cx = Context::from_waker(&owner);
            loop {
                match set.poll_next(&mut cx) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => break,
                    Poll::Pending => parker.park(None),
                }
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }

    /// A wake that comes while its future is being polled asks for a further poll.
    #[test]
    fn a_wake_during_a_poll_is_not_lost() {
        loom::model(|| {
            let mut parker = Parker::new();
            let owner = Waker::from(parker.unparker());
            let mut set = ReadySet::new();
            let woken = Shared::new(AtomicUsize::new(0));
            let mut thread = None;
            let theirs = woken.clone();
            set.insert(Box::pin(poll_fn(move |cx| {
                if thread.is_none() {
                    let (waker, woken) = (cx.waker().clone(), theirs.clone());
                    thread = Some(
                        thread::spawn("", move || {
                            woken.store(1, Ordering::Relaxed);
                            waker.wake();
                        })
                        .unwrap(),
                    );
                }
                // The value stored before the wake is visible to the poll that the wake asked for.
                if theirs.load(Ordering::Relaxed) == 1 { Poll::Ready(()) } else { Poll::Pending }
            })));
            let mut cx = Context::from_waker(&owner);
            while set.poll_next(&mut cx).is_pending() {
                parker.park(None);
            }
            assert_eq!(woken.load(Ordering::Relaxed), 1);
        });
    }
}
