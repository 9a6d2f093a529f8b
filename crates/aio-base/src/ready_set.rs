//! Futures polled in place, each only when it was woken.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZero;
use std::pin::Pin;
// `std::task::Wake` asks for std's `Arc`.
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use slab::Slab;

use crate::WakerSlot;
use crate::footprint::touch;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::waits::OwnPart;

/// So many items of entries that stay ready are given before the owner gets its turn back.
const AT_ONCE: usize = 64;

/// A set of futures, or of what gives items one after the other, that its owner polls in place.
///
/// Waking one costs O(1) and puts it at the end of the ready list; one that is idle costs nothing. A poll runs what was
/// ready when it began, in the order of the wakes, so the set cannot keep its task to itself.
pub struct ReadySet<F> {
    entries: Slab<Entry<F>>,
    /// The front of the ready list, which the owner reaches without a lock. Behind it is what was woken since.
    front: VecDeque<usize>,
    woken: Arc<Woken>,
    /// What is left of the turn; none before it has begun.
    turn: Option<Turn>,
}

struct Entry<F> {
    future: F,
    shared: Arc<EntryWaker>,
    /// Of `shared`, so that a poll need not count one.
    waker: Waker,
    part: OwnPart,
}

/// What the owner may do before others have theirs.
#[derive(Clone, Copy)]
struct Turn {
    /// How many may be polled.
    n_polls: usize,
    /// One more than the items for which that may still grow by one poll: so no turn takes no room.
    n_items: NonZero<usize>,
}

/// The end of the ready list.
#[derive(Default)]
struct Woken {
    keys: Mutex<VecDeque<usize>>,
    /// Whether there are keys. Written under their lock, and read without.
    any: AtomicBool,
    owner: WakerSlot,
}

struct EntryWaker {
    key: usize,
    /// Whether `key` is in the ready list.
    queued: AtomicBool,
    woken: Arc<Woken>,
}

impl<F> ReadySet<F> {
    /// Without futures.
    pub fn new() -> Self {
        Self { entries: Slab::new(), front: VecDeque::new(), woken: Arc::default(), turn: None }
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
        let shared = Arc::new(EntryWaker { key, queued: AtomicBool::new(true), woken: self.woken.clone() });
        place.insert(Entry { future, waker: Waker::from(shared.clone()), shared, part: OwnPart::new() });
        self.push_ready(key);
        key
    }

    /// All futures, to change something about each; call [`rouse`](Self::rouse) so that they are polled.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut F)> {
        self.entries.iter_mut().map(|(key, entry)| (key, &mut entry.future))
    }

    /// Puts every future on the ready list.
    pub fn rouse(&mut self) {
        for (_, entry) in &self.entries {
            entry.shared.enqueue();
        }
    }

    /// Takes all futures out, in the order of their keys.
    pub fn drain(&mut self) -> impl Iterator<Item = F> {
        self.front.clear();
        std::mem::take(&mut self.entries).into_iter().map(|(_, entry)| entry.future)
    }
}

impl<F: Future + Unpin> ReadySet<F> {
    /// Polls what is ready until one future is finished, and returns its key and output; `None` if the set is empty.
    ///
    /// # Panics
    /// If a future's `poll` does. That future is dropped, the others stay.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        self.poll_ready(cx, |key, future, cx| Pin::new(future).poll(cx).map(|output| After::Leave(Some((key, output)))))
    }
}

impl<F> ReadySet<F> {
    /// Polls what is ready with `poll` until one entry gives an item, and returns that; `None` if the set is empty.
    ///
    /// An entry stays with its item, at the end of the ready list, and leaves with `None`. Those that always have an
    /// item keep the owner's task for a few dozen at a time.
    ///
    /// # Panics
    /// If `poll` does. That entry is dropped, the others stay.
    pub fn poll_next_item<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut F, &mut Context<'_>) -> Poll<Option<T>>,
    ) -> Poll<Option<T>> {
        self.poll_ready(cx, |_, entry, cx| {
            poll(entry, cx).map(|item| match item {
                Some(item) => After::Stay(item),
                None => After::Leave(None),
            })
        })
    }

    /// Polls what is ready until there is something to give.
    #[inline]
    fn poll_ready<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(usize, &mut F, &mut Context<'_>) -> Poll<After<T>>,
    ) -> Poll<Option<T>> {
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        touch(&raw const self.woken.keys);
        let mut turn = self.turn.take().unwrap_or_else(|| self.begin_turn());
        while turn.n_polls > 0 {
            turn.n_polls -= 1;
            let Some(key) = self.pop_ready() else { break };
            let mut leaving = Remove { entries: &mut self.entries, key, armed: true };
            // The key of a finished future may have been woken late, and may even belong to another one by now: then
            // that one is polled once for nothing.
            let Some(entry) = leaving.entries.get_mut(key) else { continue };
            // AcqRel: pairs with the swap of `set_queued`. A wake from here on queues the key again; what a waker wrote
            // before it found the key queued is visible to this poll.
            entry.shared.queued.swap(false, Ordering::AcqRel);
            let entered = entry.part.enter();
            let poll = poll(key, &mut entry.future, &mut Context::from_waker(&entry.waker));
            drop(entered);
            let given = match poll {
                Poll::Pending => {
                    leaving.armed = false;
                    continue;
                }
                Poll::Ready(After::Leave(None)) => continue,
                Poll::Ready(After::Leave(Some(output))) => {
                    drop(leaving);
                    output
                }
                Poll::Ready(After::Stay(item)) => {
                    let fresh = entry.shared.set_queued();
                    leaving.armed = false;
                    drop(leaving);
                    if fresh {
                        self.push_ready(key);
                    }
                    turn.prolong();
                    item
                }
            };
            self.turn = Some(turn);
            return Poll::Ready(Some(given));
        }
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        if !self.is_idle(cx) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn begin_turn(&mut self) -> Turn {
        self.take_woken();
        Turn { n_polls: self.front.len(), n_items: NonZero::<usize>::MIN.saturating_add(AT_ONCE) }
    }

    /// Puts a key at the end of the ready list.
    fn push_ready(&mut self, key: usize) {
        self.take_woken();
        self.front.push_back(key);
    }

    /// Takes the first key of the ready list.
    fn pop_ready(&mut self) -> Option<usize> {
        if self.front.is_empty() {
            self.take_woken();
        }
        self.front.pop_front()
    }

    /// Moves what was woken to the front.
    fn take_woken(&mut self) {
        if self.woken.any() {
            self.woken.move_to(&mut self.front);
        }
    }

    /// Whether nothing is ready. Then the next wake of an entry is one of the owner, too.
    fn is_idle(&self, cx: &Context<'_>) -> bool {
        if !self.front.is_empty() || self.woken.any() {
            return false;
        }
        // Before the last look: a wake that this misses finds the owner registered.
        self.woken.owner.register(cx.waker());
        !self.woken.any()
    }
}

impl Woken {
    fn push(&self, key: usize) {
        let mut keys = self.keys.lock();
        keys.push_back(key);
        self.any.store(true, Ordering::Relaxed);
    }

    /// Whether there are keys. A wake that is under way may not be seen yet.
    fn any(&self) -> bool {
        // Relaxed: the keys themselves are under a lock. So is the slot, where a waker goes after it has pushed its
        // key: either it finds the owner there, or the owner, which registers there, sees the key afterwards.
        self.any.load(Ordering::Relaxed)
    }

    /// Moves all keys to the end of `front`.
    fn move_to(&self, front: &mut VecDeque<usize>) {
        let mut keys = self.keys.lock();
        self.any.store(false, Ordering::Relaxed);
        if front.is_empty() {
            // Both keep their memory.
            std::mem::swap(front, &mut *keys);
        } else {
            front.append(&mut keys);
        }
    }
}

/// What becomes of an entry that was ready, and what it gives.
enum After<T> {
    Stay(T),
    Leave(Option<T>),
}

impl Turn {
    /// One more poll for one that is ready again. The list is in order, so whoever was woken before has his first.
    fn prolong(&mut self) {
        if let Some(n_items) = NonZero::new(self.n_items.get() - 1) {
            *self = Self { n_polls: self.n_polls + 1, n_items };
        }
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
            self.entries.try_remove(self.key);
        }
    }
}

impl EntryWaker {
    /// Whether it was not before.
    fn set_queued(&self) -> bool {
        touch(&raw const self.woken.keys);
        // AcqRel: Release for what the waker wrote; see `poll_ready`.
        !self.queued.swap(true, Ordering::AcqRel)
    }

    fn enqueue(&self) -> bool {
        let fresh = self.set_queued();
        if fresh {
            self.woken.push(self.key);
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
            self.woken.owner.wake();
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

    type Counter = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<usize>>>;

    fn poll_item(set: &mut ReadySet<Counter>) -> Poll<Option<usize>> {
        set.poll_next_item(&mut Context::from_waker(Waker::noop()), |counter, cx| counter(cx))
    }

    fn boxed(f: impl FnMut(&mut Context<'_>) -> Poll<Option<usize>> + 'static) -> Counter {
        Box::new(f)
    }

    /// Gives its name so many times, and ends.
    fn counter(name: usize, mut left: usize) -> Counter {
        boxed(move |_| {
            let Some(rest) = left.checked_sub(1) else { return Poll::Ready(None) };
            left = rest;
            Poll::Ready(Some(name))
        })
    }

    #[test]
    fn who_gives_an_item_stays_behind_who_is_ready_and_leaves_at_its_end() {
        let mut set = ReadySet::new();
        set.insert(counter(1, 2));
        set.insert(counter(2, 3));
        let items: Vec<_> = std::iter::repeat_with(|| poll_item(&mut set)).take(6).collect();
        let expected = [Some(1), Some(2), Some(1), Some(2), Some(2), None];
        assert_eq!(items, expected.map(Poll::Ready));
        assert!(set.is_empty());
    }

    #[test]
    fn who_always_has_an_item_gives_the_owner_its_turn_back() {
        for n in [1, 3] {
            let mut set = ReadySet::new();
            (0..n).for_each(|name| _ = set.insert(counter(name, usize::MAX)));
            for _ in 0..3 {
                let at_once = std::iter::repeat_with(|| poll_item(&mut set)).take(1000).take_while(Poll::is_ready);
                assert_eq!(at_once.count(), n + AT_ONCE);
            }
        }
    }

    /// One that is woken in the middle of a turn has its own before those who were ready then have theirs again.
    #[test]
    fn who_is_woken_is_not_passed_over_by_who_is_always_ready() {
        let waker = std::rc::Rc::new(std::cell::Cell::new(None::<Waker>));
        let mut set = ReadySet::new();
        let (theirs, mut asked) = (waker.clone(), false);
        set.insert(boxed(move |cx| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(Some(9));
            }
            theirs.set(Some(cx.waker().clone()));
            Poll::Pending
        }));
        set.insert(counter(1, usize::MAX));
        set.insert(counter(2, usize::MAX));
        assert_eq!(poll_item(&mut set), Poll::Ready(Some(1)));
        waker.take().unwrap().wake();
        let next: Vec<_> = (0..4).map(|_| poll_item(&mut set)).collect();
        assert_eq!(next, [2, 1, 9, 2].map(|name| Poll::Ready(Some(name))));
    }

    /// Its key is queued by the wake, and not again by the item.
    #[test]
    fn a_wake_together_with_an_item_is_one_turn() {
        let mut set = ReadySet::new();
        set.insert(boxed(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(Some(1))
        }));
        set.insert(counter(2, usize::MAX));
        let items: Vec<_> = (0..4).map(|_| poll_item(&mut set)).collect();
        assert_eq!(items, [1, 2, 1, 2].map(|name| Poll::Ready(Some(name))));
    }

    #[test]
    fn a_panic_of_one_that_gives_items_drops_it_and_no_other() {
        let mut set = ReadySet::new();
        set.insert(boxed(|_| panic!("oh")));
        set.insert(counter(1, 1));
        catch_unwind(AssertUnwindSafe(|| poll_item(&mut set))).unwrap_err();
        assert_eq!(set.len(), 1);
        assert_eq!(poll_item(&mut set), Poll::Ready(Some(1)));
        assert_eq!(poll_item(&mut set), Poll::Ready(None));
    }

    /// What was woken before it came is before it, wherever the two are kept.
    #[test]
    fn who_comes_new_is_the_last() {
        let mut set = ReadySet::new();
        set.insert(turns(1));
        assert_eq!(poll(&mut set), Poll::Pending);
        let new = set.insert(turns(0));
        assert_eq!(poll(&mut set), Poll::Ready(Some((0, 0))));
        assert_eq!(poll(&mut set), Poll::Ready(Some((new, 0))));
    }

    #[test]
    fn a_panic_leaves_the_rest_of_the_turn_to_the_next() {
        let mut set = ReadySet::new();
        set.insert(counter(1, 2));
        set.insert(boxed(|_| panic!("oh")));
        set.insert(counter(3, 1));
        assert_eq!(poll_item(&mut set), Poll::Ready(Some(1)));
        catch_unwind(AssertUnwindSafe(|| poll_item(&mut set))).unwrap_err();
        let rest: Vec<_> = (0..3).map(|_| poll_item(&mut set)).collect();
        assert_eq!(rest, [Some(3), Some(1), None].map(Poll::Ready));
    }

    #[derive(Default)]
    struct Bell(std::sync::atomic::AtomicUsize); // facade: a count, and no protocol

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_owner_is_woken_once_however_many_are_ready_when_it_goes() {
        let bell = Arc::new(Bell::default());
        let owner = Waker::from(bell.clone());
        let idle = std::cell::Cell::new(None);
        let mut set = ReadySet::new();
        (0..3).for_each(|_| _ = set.insert(turns(1)));
        set.insert(Box::pin(poll_fn(|cx| {
            idle.set(Some(cx.waker().clone()));
            Poll::Pending
        })) as Boxed<'_>);
        let rings = |set: &mut ReadySet<Boxed<'_>>| {
            while set.poll_next(&mut Context::from_waker(&owner)).is_ready() {}
            bell.0.swap(0, Ordering::Relaxed)
        };
        assert_eq!(rings(&mut set), 1, "they have woken themselves");
        assert_eq!(rings(&mut set), 0);
        let idle = idle.take().unwrap();
        (0..2).for_each(|_| idle.wake_by_ref());
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
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

    /// One that gives an item for each wake, and stays in the set. The second wake may come at any moment of the first
    /// one's turn.
    #[test]
    fn a_wake_of_one_that_stays_is_not_lost() {
        loom::model(|| {
            let mut parker = Parker::new();
            let owner = Waker::from(parker.unparker());
            let mut set = ReadySet::new();
            let sent = Shared::new(AtomicUsize::new(0));
            let slot = Shared::new(WakerSlot::new());
            let (theirs, their_slot) = (sent.clone(), slot.clone());
            let thread = thread::spawn("", move || {
                for n in 1..=2 {
                    theirs.store(n, Ordering::Relaxed);
                    their_slot.wake();
                }
            })
            .unwrap();
            set.insert(0);
            let mut cx = Context::from_waker(&owner);
            loop {
                let item = set.poll_next_item(&mut cx, |taken, cx| {
                    slot.register(cx.waker());
                    match sent.load(Ordering::Relaxed) {
                        _ if *taken == 2 => Poll::Ready(None),
                        n if n == *taken => Poll::Pending,
                        _ => {
                            *taken += 1;
                            Poll::Ready(Some(()))
                        }
                    }
                });
                match item {
                    Poll::Ready(Some(())) => {}
                    Poll::Ready(None) => break,
                    Poll::Pending => parker.park(None),
                }
            }
            thread.join().unwrap();
        });
    }
}
