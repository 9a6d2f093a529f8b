//! The races of the line, seen through the two primitives that use it most plainly.

use std::pin::pin;
use std::task::{Context, Waker};

use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::sync::{Arc, UnsafeCell};

use crate::race::{block_on, model, poll_and_drop, start};
use crate::{Event, Lock};

/// A shared counter that is not atomic: loom reports two accesses that the lock does not order.
type Cell = UnsafeCell<usize>;

fn add_one(lock: &Lock<Cell>) {
    block_on(async {
        // SAFETY: the lock gives access to one thread at a time.
        lock.lock().await.with_mut(|count| unsafe { *count += 1 });
    });
}

fn total(lock: &Lock<Cell>) -> usize {
    // SAFETY: as above.
    block_on(async { lock.lock().await.with(|count| unsafe { *count }) })
}

/// Fast path against fast path, the first waiter against the release: nobody is left asleep, nobody is there twice.
#[test]
fn three_threads_have_the_lock_one_at_a_time() {
    model(|| {
        let lock = Arc::new(Lock::new(Cell::new(0)));
        let others = [(); 2].map(|()| {
            let lock = lock.clone();
            start(move || add_one(&lock))
        });
        add_one(&lock);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(total(&lock), 3);
        assert!(!lock.is_locked());
    });
}

/// The waiter gives up before, while or after it is handed the lock. Then the lock is free, and what its last holder
/// wrote is visible to the next.
#[test]
fn a_waiter_that_gives_up_during_the_release_leaves_the_lock_free() {
    model(|| {
        let lock = Arc::new(Lock::new(Cell::new(0)));
        let guard = lock.try_lock().unwrap();
        let theirs = lock.clone();
        let other = start(move || {
            poll_and_drop(theirs.lock());
            if let Some(guard) = theirs.try_lock() {
                // SAFETY: the lock gives access to one thread at a time.
                assert_eq!(guard.with(|count| unsafe { *count }), 1);
            }
        });
        // SAFETY: as above.
        guard.with_mut(|count| unsafe { *count += 1 });
        drop(guard);
        other.join().unwrap();
        assert!(!lock.is_locked());
    });
}

/// The first in the line is handed the lock and gives up; the second sleeps until it gets it from there.
#[test]
fn a_waiter_that_gives_up_passes_the_lock_on_to_the_next() {
    model(|| {
        let lock = Arc::new(Lock::new(Cell::new(0)));
        let guard = lock.try_lock().unwrap();
        let others = [lock.clone(), lock.clone()];
        let [gives_up, waits] = others;
        let gives_up = start(move || poll_and_drop(gives_up.lock()));
        let waits = start(move || add_one(&waits));
        drop(guard);
        gives_up.join().unwrap();
        waits.join().unwrap();
        assert_eq!(total(&lock), 1);
        assert!(!lock.is_locked());
    });
}

/// A poll with another waker against the hand-over: one of the two wakers is called, and it is the right one.
#[test]
fn a_waiter_polled_with_a_new_waker_is_not_left_asleep() {
    model(|| {
        let lock = Arc::new(Lock::new(Cell::new(0)));
        let guard = lock.try_lock().unwrap();
        let theirs = lock.clone();
        let other = start(move || {
            let mut future = pin!(theirs.lock());
            if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                block_on(future).with_mut(|count| {
                    // SAFETY: as in `add_one`.
                    unsafe { *count += 1 }
                });
            }
        });
        drop(guard);
        other.join().unwrap();
        assert!(!lock.is_locked());
    });
}

/// `set` between the look at the flag and the place in the line.
#[test]
fn an_event_set_while_somebody_comes_lets_them_go() {
    model(|| {
        let shared = Arc::new((Event::new(), AtomicUsize::new(0)));
        let waiters = [(); 2].map(|()| {
            let shared = shared.clone();
            start(move || {
                block_on(shared.0.wait());
                // What was done before `set` is visible. Relaxed: that is what the event is there for.
                assert_eq!(shared.1.load(Ordering::Relaxed), 1);
            })
        });
        shared.1.store(1, Ordering::Relaxed);
        shared.0.set();
        for waiter in waiters {
            waiter.join().unwrap();
        }
    });
}

/// `set` takes a node out of the line whose owner is about to free it.
#[test]
fn an_event_set_while_somebody_gives_up_touches_nothing_freed() {
    model(|| {
        let event = Arc::new(Event::new());
        let theirs = event.clone();
        let gives_up = start(move || poll_and_drop(theirs.wait()));
        let theirs = event.clone();
        let waits = start(move || block_on(theirs.wait()));
        event.set();
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

/// Two `set`s share the line between them; `clear` in between un-wakes nobody.
#[test]
fn two_threads_that_set_an_event_and_clear_it_wake_who_waited() {
    model(|| {
        let event = Arc::new(Event::new());
        let mut wait = pin!(event.wait());
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let others = [(); 2].map(|()| {
            let event = event.clone();
            start(move || {
                event.set();
                event.clear();
            })
        });
        block_on(wait);
        for other in others {
            other.join().unwrap();
        }
    });
}
