//! Who waits for one direction of a descriptor: under one lock, which orders them with who tells.

use std::mem;
use std::task::Waker;

#[cfg(not(aio_loom))]
use aio_base::BriefLock as Lock;
use aio_base::live::{Kind, Live};
// A model that looks again and again for a lock has too many branches. `BriefLock` has a model of its own.
#[cfg(aio_loom)]
use aio_base::sync::Mutex as Lock;

/// The place of a future among the others.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<u64>);

/// Who wants to wait.
#[derive(Debug)]
pub(crate) enum Waiter<'a> {
    /// The one who polls last in this direction.
    Poller,
    /// One of many.
    Future(&'a mut Place),
}

pub(crate) struct Waiters(Lock<List>);

#[derive(Default)]
struct List {
    poller: Option<Waker>,
    /// In the order in which they came.
    futures: Vec<Entry>,
    next_id: u64,
}

struct Entry {
    id: u64,
    waker: Waker,
    _live: Live,
}

impl Waiters {
    pub(crate) fn new() -> Self {
        Self(Lock::new(List::default()))
    }

    /// `waker` is to be woken by the next event, see [`take`](Self::take).
    pub(crate) fn register(&self, waiter: Waiter<'_>, waker: &Waker) {
        // Cloned before the lock is taken and dropped after it is released: both may run foreign code. Mostly there is
        // none to compare it with: the last event has taken it.
        let waker = waker.clone();
        let mut list = self.0.lock();
        let former = match waiter {
            Waiter::Poller => list.poller.replace(waker),
            Waiter::Future(place) => list.place(place, waker),
        };
        drop(list);
        drop(former);
    }

    /// Gives up the place of a future.
    pub(crate) fn unregister(&self, place: &mut Place) {
        let Some(id) = place.0.take() else { return };
        let mut list = self.0.lock();
        let index = list.futures.iter().position(|entry| entry.id == id);
        let entry = index.map(|index| list.futures.remove(index));
        drop(list);
        drop(entry);
    }

    /// Takes the wakers of all into `woken`.
    #[inline]
    pub(crate) fn take(&self, woken: &mut Vec<Waker>) {
        let mut list = self.0.lock();
        let (poller, futures) = (list.poller.take(), mem::take(&mut list.futures));
        drop(list);
        if let Some(waker) = poller {
            woken.push(waker);
        }
        if !futures.is_empty() {
            woken.extend(futures.into_iter().map(|entry| entry.waker));
        }
    }
}

impl List {
    /// Returns what was in the place.
    fn place(&mut self, place: &mut Place, waker: Waker) -> Option<Waker> {
        if let Some(id) = place.0
            && let Some(entry) = self.futures.iter_mut().find(|entry| entry.id == id)
        {
            return Some(mem::replace(&mut entry.waker, waker));
        }
        // No id is given twice: a place whose waker was taken must not mean another's.
        let id = self.next_id;
        self.next_id += 1;
        place.0 = Some(id);
        self.futures.push(Entry { id, waker, _live: Live::new(Kind::Waiter) });
        None
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use std::sync::Arc; // facade: what `Wake` asks for
    use std::sync::atomic::{AtomicUsize, Ordering}; // facade: counts of a test
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counter() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), count.into())
    }

    fn woken(count: &Count) -> usize {
        count.0.load(Ordering::Relaxed)
    }

    fn wake(waiters: &Waiters) {
        let mut woken = Vec::new();
        waiters.take(&mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    #[test]
    fn of_those_who_poll_the_last_is_woken_and_of_futures_all_are() {
        let waiters = Waiters::new();
        let [(first, a), (last, b), (one, c), (other, d)] = [(); 4].map(|()| counter());
        let (mut place_c, mut place_d) = (Place::default(), Place::default());
        waiters.register(Waiter::Poller, &a);
        waiters.register(Waiter::Poller, &b);
        waiters.register(Waiter::Future(&mut place_c), &c);
        waiters.register(Waiter::Future(&mut place_d), &d);
        wake(&waiters);
        wake(&waiters);
        assert_eq!([first, last, one, other].map(|count| woken(&count)), [0, 1, 1, 1]);
    }

    #[test]
    fn a_place_whose_waker_was_taken_does_not_mean_anothers() {
        let waiters = Waiters::new();
        let [(old, a), (new, b)] = [(); 2].map(|()| counter());
        let (mut place_a, mut place_b) = (Place::default(), Place::default());
        waiters.register(Waiter::Future(&mut place_a), &a);
        wake(&waiters);
        waiters.register(Waiter::Future(&mut place_b), &b);
        waiters.unregister(&mut place_a);
        wake(&waiters);
        assert_eq!((woken(&old), woken(&new)), (1, 1));
    }
}
