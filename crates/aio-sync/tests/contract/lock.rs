//! The contract of the lock, in both homes.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::{LockFuture, LockGuard};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

type Lock<H> = aio_sync::generic::Lock<u32, H>;
type Waiting<'a, H> = Pin<Box<LockFuture<'a, u32, H>>>;

in_both_homes! {
    a_free_lock_is_taken_without_yielding,
    the_value_is_reached_through_the_guard_and_by_mutable_reference,
    a_lock_is_made_from_a_value_or_by_default,
    debug_shows_every_state_and_never_waits,
    a_lock_holds_what_has_no_size,
    a_guard_knows_its_lock,
    the_lock_is_handed_to_the_first_in_the_line,
    nobody_overtakes_those_who_wait,
    the_releaser_goes_to_the_back,
    a_waiter_that_was_never_polled_has_no_place,
    a_dropped_waiter_loses_its_place,
    a_woken_waiter_that_is_dropped_passes_the_lock_on,
    a_woken_waiter_that_is_the_last_leaves_the_lock_free,
    a_future_dropped_after_it_was_ready_leaves_the_lock_to_its_guard,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panic_releases_the_lock,
    a_panicking_waker_leaves_the_lock_handed_over,
    a_panicking_waker_does_not_abort_an_unwinding_thread,
    wakers_may_use_the_lock_again,
    a_million_polls_and_drops_leave_nothing,
    a_leaked_waiter_may_outlive_the_lock,
    polling_again_after_it_was_ready_panics,
}

fn waiting<'a, H: Home>(lock: &'a Lock<H>, log: &WakeLog, name: usize) -> Waiting<'a, H> {
    let mut future = Box::pin(lock.lock());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

/// The guard of a waiter that has been handed the lock.
fn guard<'a, H: Home>(mut future: Waiting<'a, H>) -> LockGuard<'a, u32, H> {
    match poll_idle(&mut future) {
        Poll::Ready(guard) => guard,
        Poll::Pending => panic!("it was not handed the lock"),
    }
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::Lock<u32> = aio_sync::Lock::const_new(1);
    let shared = aio_sync::Lock::new(1);
    let local = aio_sync::local::Lock::new(Rc::new(1));
    assert_eq!(*now(shared.lock()) + *now(SOMEWHERE.lock()), 2);
    assert_eq!(**now(local.lock()), 1);
}

fn a_free_lock_is_taken_without_yielding<H: Home>() {
    let lock = Lock::<H>::new(7);
    let guard = now(lock.lock());
    assert!(lock.is_locked());
    assert!(lock.try_lock().is_none());
    drop(guard);
    assert!(!lock.is_locked());
    assert_eq!(*lock.try_lock().unwrap(), 7);
    assert!(!lock.is_locked());
}

fn the_value_is_reached_through_the_guard_and_by_mutable_reference<H: Home>() {
    let mut lock = Lock::<H>::new(1);
    *now(lock.lock()) += 1;
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 3);
}

fn a_lock_is_made_from_a_value_or_by_default<H: Home>() {
    assert_eq!(Lock::<H>::from(3).into_inner(), 3);
    assert_eq!(Lock::<H>::default().into_inner(), 0);
}

fn debug_shows_every_state_and_never_waits<H: Home>() {
    let lock = Lock::<H>::new(1);
    let mut first = Box::pin(lock.lock());
    assert_eq!(format!("{lock:?} {first:?}"), "Lock { value: 1 } LockFuture(New)");
    let held = lock.try_lock().unwrap();
    assert_eq!(format!("{lock:?} {held:?} {held}"), "Lock { value: <locked> } 1 1");
    assert!(poll_idle(&mut first).is_pending());
    assert_eq!(format!("{lock:?} {first:?}"), "Lock { value: <locked> } LockFuture(Queued)");
    drop(held);
    assert_eq!(format!("{lock:?} {first:?}"), "Lock { value: <locked> } LockFuture(Woken)");
    assert!(poll_idle(&mut first).is_ready());
    assert_eq!(format!("{lock:?} {first:?}"), "Lock { value: 1 } LockFuture(Done)");
}

fn a_lock_holds_what_has_no_size<H: Home>() {
    let lock: &aio_sync::generic::Lock<[u8], H> = &aio_sync::generic::Lock::<_, H>::new([1, 2, 3]);
    now(lock.lock())[1] = 7;
    assert_eq!(*lock.try_lock().unwrap(), [1, 7, 3]);
}

fn a_guard_knows_its_lock<H: Home>() {
    let lock = Lock::<H>::new(1);
    let guard = now(lock.lock());
    let source = LockGuard::source(&guard);
    drop(guard);
    assert!(std::ptr::eq(source, &lock));
}

fn the_lock_is_handed_to_the_first_in_the_line<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let waiters: Vec<_> = (0..5).map(|name| waiting(&lock, &log, name)).collect();
    drop(held);
    for (name, waiter) in waiters.into_iter().enumerate() {
        assert_eq!(log.take(), [name]);
        assert!(lock.is_locked());
        drop(guard(waiter));
    }
    assert_eq!(log.take(), []);
    assert!(!lock.is_locked());
}

fn nobody_overtakes_those_who_wait<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let first = waiting(&lock, &log, 1);
    drop(held);
    // The first has been handed the lock and has not run yet.
    assert!(lock.try_lock().is_none());
    let second = waiting(&lock, &log, 2);
    drop(guard(first));
    assert!(lock.try_lock().is_none());
    drop(guard(second));
    assert_eq!(log.take(), [1, 2]);
}

fn the_releaser_goes_to_the_back<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let other = waiting(&lock, &log, 1);
    drop(held);
    let again = waiting(&lock, &log, 2);
    drop(guard(other));
    drop(guard(again));
    assert_eq!(log.take(), [1, 2]);
}

fn a_waiter_that_was_never_polled_has_no_place<H: Home>() {
    let lock = Lock::<H>::new(0);
    let early = Box::pin(lock.lock());
    drop(lock.lock());
    let held = lock.try_lock().unwrap();
    drop(held);
    assert!(!lock.is_locked());
    drop(guard(early));
}

fn a_dropped_waiter_loses_its_place<H: Home>() {
    // The first, the one in the middle, the last; then all of them.
    for dropped in 0..3 {
        let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
        let held = lock.try_lock().unwrap();
        let mut waiters: Vec<_> = (0..3).map(|name| (name, waiting(&lock, &log, name))).collect();
        drop(waiters.remove(dropped));
        drop(held);
        for (name, waiter) in waiters {
            assert_eq!(log.take(), [name]);
            drop(guard(waiter));
        }
        assert!(!lock.is_locked());

        let held = lock.try_lock().unwrap();
        drop([(); 3].map(|()| waiting(&lock, &log, 0)));
        drop(held);
        assert!(!lock.is_locked());
        assert_eq!(log.take(), []);
    }
}

fn a_woken_waiter_that_is_dropped_passes_the_lock_on<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&lock, &log, name));
    drop(held);
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(second);
    assert_eq!(log.take(), [3]);
    assert!(lock.try_lock().is_none());
    drop(guard(third));
    assert!(!lock.is_locked());
}

fn a_woken_waiter_that_is_the_last_leaves_the_lock_free<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let only = waiting(&lock, &log, 1);
    drop(held);
    drop(only);
    assert!(lock.try_lock().is_some());
}

fn a_future_dropped_after_it_was_ready_leaves_the_lock_to_its_guard<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let mut waiter = waiting(&lock, &log, 1);
    drop(held);
    let Poll::Ready(held) = poll_idle(&mut waiter) else { panic!("it was handed the lock") };
    drop(waiter);
    assert!(lock.is_locked());
    drop(held);
    assert!(!lock.is_locked());
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let mut waiter = waiting(&lock, &log, 1);
    let waker = log.waker(2);
    for _ in 0..2 {
        assert!(poll(&mut waiter, &waker).is_pending());
    }
    drop(held);
    assert_eq!(log.take(), [2]);
    drop(guard(waiter));
}

fn a_panic_releases_the_lock<H: Home>() {
    let lock = Lock::<H>::new(0);
    let in_lock = panic_of(|| {
        let _guard = now(lock.lock());
        std::panic::panic_any(5_usize);
    });
    assert_eq!(in_lock, 5);
    assert!(!lock.is_locked());
}

fn a_panicking_waker_leaves_the_lock_handed_over<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let mut first = Box::pin(lock.lock());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(&lock, &log, 2);
    assert_eq!(panic_of(|| drop(held)), 1);
    assert!(lock.is_locked());
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(guard(second));
}

fn a_panicking_waker_does_not_abort_an_unwinding_thread<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let mut waiter = Box::pin(lock.lock());
    assert!(poll(&mut waiter, &log.panicking_waker(1)).is_pending());
    let first_panic = panic_of(|| {
        let _held = held;
        std::panic::panic_any(5_usize);
    });
    assert_eq!((first_panic, log.take()), (5, vec![1]));
    drop(guard(waiter));
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the lock is not in the middle of something.
fn wakers_may_use_the_lock_again<H: Home>() {
    let lock = Rc::new(Lock::<H>::new(0));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (lock, calls) = (lock.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = (lock.is_locked(), format!("{lock:?}"));
            drop(lock.try_lock());
            let _ = poll_idle(&mut Box::pin(lock.lock()));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let held = lock.try_lock().unwrap();
        let [one, two] = [1, 2].map(hooked_waker);
        let mut first = Box::pin(lock.lock());
        let mut second = Box::pin(lock.lock());
        assert!(poll(&mut first, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        drop(held);
        assert!(called(), "wake");
        let guard = guard(first);
        assert!(!called());
        drop(guard);
        drop((one, two));
        assert!(!lock.is_locked());
    });
}

/// A waker that is not needed after all, because cloning it has released the lock, is dropped outside as well.
#[test]
fn a_waker_cloned_in_vain_may_use_the_lock_again() {
    let lock: &'static _ = Box::leak(Box::new(aio_sync::local::Lock::new(0)));
    let held = Cell::new(lock.try_lock());
    let hook = move || {
        drop(held.take());
        let _ = poll_idle(&mut Box::pin(lock.lock()));
    };
    with_hook(hook, || {
        let mut future = Box::pin(lock.lock());
        assert!(poll(&mut future, &hooked_waker(1)).is_ready());
    });
    assert!(!lock.is_locked());
}

/// As above, and dropping it panics: what was passed in the meantime is not lost by that.
#[test]
fn a_waker_cloned_in_vain_that_panics_when_it_is_dropped_loses_nothing() {
    let lock: &'static _ = Box::leak(Box::new(aio_sync::local::Lock::new(0)));
    let held = Cell::new(lock.try_lock());
    let n_calls = Cell::new(0);
    let hook = move || {
        drop(held.take());
        n_calls.set(n_calls.get() + 1);
        assert_ne!(n_calls.get(), 2, "the drop of the clone");
    };
    with_hook(hook, || {
        let mut future = Box::pin(lock.lock());
        let waker = hooked_waker(1);
        let polled = catch_unwind(AssertUnwindSafe(|| poll(&mut future, &waker).is_ready()));
        drop(future);
        assert!(!lock.is_locked());
        assert!(polled.is_ok_and(|is_ready| is_ready));
    });
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (lock, log) = (Lock::<H>::new(0), WakeLog::default());
    let held = lock.try_lock().unwrap();
    let first = waiting(&lock, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(lock.lock()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    drop(held);
    drop(guard(first));
    assert_eq!(log.take(), [1]);
    assert!(!lock.is_locked());
}

/// What a leaked future occupies is never reused, so it may stay in the line of a lock that moves and goes.
fn a_leaked_waiter_may_outlive_the_lock<H: Home>() {
    let (lock, log) = (Lock::<H>::new(4), WakeLog::default());
    let held = lock.try_lock().unwrap();
    std::mem::forget(waiting(&lock, &log, 1));
    let second = waiting(&lock, &log, 2);
    drop(held);
    // The leaked one has the lock now, and keeps it.
    assert_eq!(log.take(), [1]);
    assert!(lock.is_locked());
    drop(second);
    let mut moved = lock;
    assert_eq!(*moved.get_mut(), 4);
    assert_eq!(moved.into_inner(), 4);
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let lock = Lock::<H>::new(0);
    let mut future = Box::pin(lock.lock());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
    assert!(!lock.is_locked());
}
