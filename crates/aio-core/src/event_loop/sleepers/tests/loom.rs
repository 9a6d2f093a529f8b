//! Models of workers that go to sleep and of those who have work for them. Where work is left while all sleep, nobody
//! ends the model: loom reports that all threads are blocked.

use std::array;
use std::ptr::NonNull;

use aio_base::sync::{Arc, Condvar, UnsafeCell};
use aio_base::thread::{self, JoinHandle};
use aio_base::{Parker, Unparker};

use super::super::super::injector::Injector;
use super::super::super::steal_queue::StealQueue;
use super::*;

/// Written before it is pushed, and by who runs it.
type Item = UnsafeCell<bool>;

/// What all threads see: as little of a scheduler as will do.
struct Pool<const WORKERS: usize, const ITEMS: usize> {
    sleepers: Sleepers,
    injector: Injector<Item>,
    rings: [StealQueue<Item, 4>; WORKERS],
    unparkers: [Unparker; WORKERS],
    items: [Item; ITEMS],
    /// How many were not run yet.
    left: AtomicUsize,
    /// How many items have begun that wait for each other.
    begun: (Mutex<usize>, Condvar),
}

// SAFETY: what goes on in the cells is what loom looks at.
unsafe impl<const W: usize, const I: usize> Send for Pool<W, I> {}
// SAFETY: as above.
unsafe impl<const W: usize, const I: usize> Sync for Pool<W, I> {}

impl<const WORKERS: usize, const ITEMS: usize> Pool<WORKERS, ITEMS> {
    /// All sleep.
    fn new() -> (Arc<Self>, [Parker; WORKERS]) {
        let parkers = array::from_fn(|_| Parker::new());
        let pool = Self {
            sleepers: Sleepers::new(WORKERS),
            injector: Injector::new(),
            rings: array::from_fn(|_| StealQueue::new()),
            unparkers: array::from_fn(|worker: usize| parkers[worker].unparker()),
            items: array::from_fn(|_| UnsafeCell::new(false)),
            left: AtomicUsize::new(ITEMS),
            begun: (Mutex::new(0), Condvar::new()),
        };
        (Arc::new(pool), parkers)
    }

    fn item(&self, number: usize) -> NonNull<Item> {
        // SAFETY: nobody has seen it yet.
        self.items[number].with_mut(|item| unsafe { *item = true });
        NonNull::from(&self.items[number])
    }

    /// From outside.
    fn inject<const N: usize>(&self, numbers: [usize; N]) {
        assert!(self.injector.push_batch(numbers.map(|number| self.item(number))).is_ok());
        self.unpark(self.sleepers.notify());
    }

    fn unpark(&self, worker: Option<usize>) {
        if let Some(worker) = worker {
            self.unparkers[worker].unpark();
        }
    }

    fn has_work(&self) -> bool {
        !self.injector.is_empty() || self.rings.iter().any(|ring| !ring.is_empty())
    }

    fn find(&self, me: usize) -> Option<NonNull<Item>> {
        let mine = &self.rings[me];
        // SAFETY: one thread calls this for this ring.
        let own = unsafe { mine.pop() };
        own.or_else(|| {
            if !self.sleepers.start_searching(me) {
                return None;
            }
            // SAFETY: as above.
            let injected = unsafe { self.injector.pop_into(mine, WORKERS) };
            let mut others = (0..WORKERS).filter(|&other| other != me);
            // SAFETY: as above.
            injected.or_else(|| others.find_map(|other| unsafe { self.rings[other].steal_into(mine, 4) }))
        })
    }

    /// Runs what it finds until all items have been run.
    fn work(&self, me: usize, parker: &mut Parker, run: impl Fn(&Self)) {
        // Acquire pairs with the Release below: who ends the pool has seen all items.
        while self.left.load(Ordering::Acquire) > 0 {
            if let Some(item) = self.find(me) {
                self.unpark(self.sleepers.stop_searching(me, || self.has_work()));
                // SAFETY: the items are alive. Loom tells whether the cell may be written to.
                let fresh = unsafe { item.as_ref() }.with_mut(|item| unsafe { std::mem::replace(&mut *item, false) });
                assert!(fresh, "run twice");
                run(self);
                if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    self.unparkers.iter().for_each(Unparker::unpark);
                }
            } else if self.sleepers.fall_asleep(me, || self.has_work()) {
                self.park(me, parker);
            }
        }
    }

    fn park(&self, me: usize, parker: &mut Parker) {
        parker.park(None);
        _ = self.sleepers.wake_up(me);
    }

    /// What an item does: it ends when `n` have begun, which must be on as many workers.
    fn wait_for_others(&self, n: usize) {
        let (begun, changed) = &self.begun;
        let mut begun = begun.lock();
        *begun += 1;
        changed.notify_all();
        while *begun < n {
            begun = changed.wait(begun);
        }
    }

    /// After all threads: the counts are what the states say.
    fn assert_consistent(&self) {
        let states = self.sleepers.states();
        let count = |which| states.iter().filter(|&&state| state == which).count();
        let counts = Counts(self.sleepers.counts.load(Ordering::Relaxed));
        assert_eq!(counts.searching(), count(State::Searching), "{states:?}");
        assert_eq!(counts.sleeping(), count(State::Sleeping), "{states:?}");
        assert_eq!(self.sleepers.asleep.lock().len(), counts.sleeping());
        assert_eq!(self.left.load(Ordering::Relaxed), 0);
        assert!(!self.has_work());
    }
}

/// The steps that matter are few, and most of the others are of the locks below: a few preemptions show every race.
fn model(preemptions: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut model = ::loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(test);
}

fn start<T: Send + 'static>(main: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn("", main).unwrap()
}

/// The work comes before, while and after the only worker decides to sleep.
#[test]
fn work_for_a_worker_that_goes_to_sleep_is_run() {
    for searching in [false, true] {
        model(3, move || {
            let (pool, [mut parker]) = Pool::<1, 1>::new();
            assert!(!pool.sleepers.wake_up(0));
            assert!(!searching || pool.sleepers.start_searching(0));
            let theirs = pool.clone();
            let worker = start(move || theirs.work(0, &mut parker, |_| ()));
            pool.inject([0]);
            worker.join().unwrap();
            pool.assert_consistent();
        });
    }
}

/// Two workers go to sleep at the same time; one of them searches, and who has the work goes by that.
#[test]
fn work_for_two_workers_that_go_to_sleep_is_run() {
    for searching in [false, true] {
        model(3, move || {
            let (pool, parkers) = Pool::<2, 1>::new();
            for worker in [0, 1] {
                assert!(!pool.sleepers.wake_up(worker));
            }
            assert!(!searching || pool.sleepers.start_searching(0));
            let mut me = 0;
            let workers = parkers.map(|mut parker| {
                let (theirs, worker) = (pool.clone(), me);
                me += 1;
                start(move || theirs.work(worker, &mut parker, |_| ()))
            });
            pool.inject([0]);
            for worker in workers {
                worker.join().unwrap();
            }
            pool.assert_consistent();
        });
    }
}

/// One sleeps, the other one is done searching; two threads have work.
#[test]
fn work_of_two_pushers_is_run() {
    model(3, || {
        let (pool, [mut parker]) = Pool::<1, 2>::new();
        assert!(!pool.sleepers.wake_up(0));
        let (theirs, pusher) = (pool.clone(), pool.clone());
        let worker = start(move || theirs.work(0, &mut parker, |_| ()));
        let other = start(move || pusher.inject([0]));
        pool.inject([1]);
        other.join().unwrap();
        worker.join().unwrap();
        pool.assert_consistent();
    });
}

/// Two items, two sleepers, one notification; each item waits for the other one. Who was woken has to wake the next.
#[test]
fn who_finds_more_than_it_can_run_wakes_the_next() {
    model(3, || {
        let (pool, parkers) = Pool::<2, 2>::new();
        let mut me = 0;
        let workers = parkers.map(|mut parker| {
            let (theirs, worker) = (pool.clone(), me);
            me += 1;
            start(move || {
                theirs.park(worker, &mut parker);
                theirs.work(worker, &mut parker, |pool| pool.wait_for_others(2));
            })
        });
        pool.inject([0, 1]);
        for worker in workers {
            worker.join().unwrap();
        }
        pool.assert_consistent();
    });
}

/// One searches while two items come, of which the second finds that somebody searches; it finds the first, and must
/// not keep the second from the other worker, which falls asleep meanwhile.
#[test]
fn who_was_relied_upon_sees_what_came_meanwhile() {
    model(2, || {
        let (pool, [mut first, mut second]) = Pool::<2, 2>::new();
        assert!(!pool.sleepers.wake_up(0));
        assert!(!pool.sleepers.wake_up(1));
        assert!(pool.sleepers.start_searching(0));
        let (one, two) = (pool.clone(), pool.clone());
        let workers = [
            start(move || one.work(0, &mut first, |pool| pool.wait_for_others(2))),
            start(move || two.work(1, &mut second, |pool| pool.wait_for_others(2))),
        ];
        pool.inject([0]);
        pool.inject([1]);
        for worker in workers {
            worker.join().unwrap();
        }
        pool.assert_consistent();
    });
}

/// A worker fills its own ring while the other one goes to sleep. What it has missed by `notify_soon` is made good at
/// the end of its turn, before it runs an item that needs the other one.
#[test]
fn what_a_worker_pushes_for_itself_is_stolen_by_who_has_nothing() {
    model(3, || {
        let (pool, [mut first, mut second]) = Pool::<2, 2>::new();
        assert!(!pool.sleepers.wake_up(0));
        assert!(!pool.sleepers.wake_up(1));
        let theirs = pool.clone();
        let other = start(move || theirs.work(1, &mut second, |pool| pool.wait_for_others(2)));
        for number in [0, 1] {
            let item = pool.item(number);
            // SAFETY: this is the thread of that worker.
            _ = unsafe { pool.rings[0].push(item, &pool.injector) };
            pool.unpark(pool.sleepers.notify_soon());
        }
        pool.unpark(pool.sleepers.notify());
        pool.work(0, &mut first, |pool| pool.wait_for_others(2));
        other.join().unwrap();
        pool.assert_consistent();
    });
}

/// Two look for work, and one of them takes both items: the second is nowhere for a moment. Who finds nothing then must
/// not go to sleep for good.
#[test]
fn what_a_searcher_carries_is_seen_by_the_other_searchers() {
    model(3, || {
        let (pool, [mut first, mut second]) = Pool::<2, 2>::new();
        pool.inject([0, 1]);
        assert!(pool.sleepers.wake_up(0));
        // This one is admitted since it sees them.
        assert!(!pool.sleepers.wake_up(1));
        assert!(!pool.sleepers.fall_asleep(1, || pool.has_work()));
        assert_eq!(pool.sleepers.states(), [State::Searching; 2]);
        let theirs = pool.clone();
        let other = start(move || theirs.work(1, &mut second, |pool| pool.wait_for_others(2)));
        pool.work(0, &mut first, |pool| pool.wait_for_others(2));
        other.join().unwrap();
        pool.assert_consistent();
    });
}

/// Mail ends the park of a worker while it is notified. Either it is taken out by the notifier, and searches; or by
/// itself, and then the other one is notified, or it looks for itself.
#[test]
fn mail_for_a_worker_that_is_notified_does_not_lose_the_work() {
    for workers in [1, 2] {
        model(3, move || {
            let (pool, parkers) = Pool::<2, 1>::new();
            let mut parkers = parkers.into_iter();
            // The other one runs something long.
            assert!(workers == 2 || !pool.sleepers.wake_up(1));
            let workers: Vec<_> = (0..workers)
                .map(|worker| {
                    let (theirs, mut parker) = (pool.clone(), parkers.next().unwrap());
                    start(move || {
                        theirs.park(worker, &mut parker);
                        theirs.work(worker, &mut parker, |_| ());
                    })
                })
                .collect();
            pool.unparkers[0].unpark();
            pool.inject([0]);
            for worker in workers {
                worker.join().unwrap();
            }
            pool.assert_consistent();
        });
    }
}

/// Two notifications at a time, no one searching: one of them wakes a worker, the other relies on it.
#[test]
fn two_notifications_wake_one_worker_to_search() {
    model(3, || {
        let sleepers = Arc::new(Sleepers::new(2));
        let theirs = sleepers.clone();
        let other = start(move || theirs.notify());
        let mine = sleepers.notify();
        let both = [mine, other.join().unwrap()];
        assert!(both.contains(&Some(0)) && both.contains(&None), "{both:?}");
        assert_eq!(sleepers.states(), [State::Searching, State::Sleeping]);
    });
}
