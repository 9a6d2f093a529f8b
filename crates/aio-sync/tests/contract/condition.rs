//! The contract of the condition, in both homes.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::generic::Condition;
use aio_sync::{ConditionFuture, LockGuard};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

type Lock<H> = aio_sync::generic::Lock<u32, H>;
type Waiting<'a, H> = Pin<Box<ConditionFuture<'a, u32, H>>>;

in_both_homes! {
    waiting_releases_the_lock,
    a_notified_waiter_returns_with_the_lock,
    a_notified_waiter_waits_for_the_lock,
    a_notification_without_a_waiter_is_gone,
    waiters_are_woken_in_the_order_in_which_they_came,
    so_many_are_woken_as_asked_for,
    all_are_woken_in_order,
    who_comes_while_others_are_woken_is_not_woken_by_the_same_call,
    notified_waiters_get_the_lock_in_order,
    waiting_for_a_predicate_that_holds_does_not_yield,
    waiting_for_a_predicate_goes_on_until_it_holds,
    a_waiter_that_was_never_polled_holds_the_lock,
    a_dropped_waiter_loses_its_place,
    a_notified_waiter_that_is_dropped_passes_it_on,
    a_notified_waiter_that_is_dropped_in_the_line_of_the_lock_passes_it_on,
    a_waiter_that_has_returned_passes_nothing_on,
    when_all_were_notified_a_dropped_one_passes_nothing_on,
    the_waker_of_the_last_poll_is_the_one_called,
    a_value_without_a_size_is_waited_for,
    one_condition_serves_several_locks,
    debug_shows_every_state,
    a_panicking_waker_leaves_the_notification_given,
    a_panicking_waker_does_not_keep_the_others_asleep,
    a_panicking_waker_of_the_lock_leaves_the_waiter_in_the_line,
    wakers_may_use_the_condition_again,
    a_million_polls_and_drops_leave_nothing,
    a_leaked_waiter_may_outlive_the_condition,
    polling_again_after_it_was_ready_panics,
}

fn waiting<'a, H: Home>(condition: &'a Condition<H>, lock: &'a Lock<H>, log: &WakeLog, name: usize) -> Waiting<'a, H> {
    let mut future = Box::pin(condition.wait(now(lock.lock())));
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    assert!(!lock.is_locked());
    future
}

/// The guard of a waiter that was notified, the lock being free.
fn guard<'a, H: Home>(mut future: Waiting<'a, H>) -> LockGuard<'a, u32, H> {
    match poll_idle(&mut future) {
        Poll::Ready(guard) => guard,
        Poll::Pending => panic!("it was not notified, or the lock is taken"),
    }
}

fn new<H: Home>() -> (Condition<H>, Lock<H>, WakeLog) {
    (Condition::new(), Lock::new(0), WakeLog::default())
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::Condition = aio_sync::Condition::const_new();
    let shared = aio_sync::Lock::new(1);
    drop(now(SOMEWHERE.wait_for(now(shared.lock()), |value| *value == 1)));
    let (condition, local) = (aio_sync::local::Condition::new(), aio_sync::local::Lock::new(Rc::new(1)));
    assert_eq!(**now(condition.wait_for(now(local.lock()), |value| **value == 1)), 1);
}

fn waiting_releases_the_lock<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let waiter = waiting(&condition, &lock, &log, 1);
    *lock.try_lock().expect("it was released") += 1;
    assert_eq!(log.take(), []);
    drop(waiter);
    // To the next who waits for it.
    let held = now(lock.lock());
    let mut other = Box::pin(lock.lock());
    assert!(poll(&mut other, &log.waker(2)).is_pending());
    assert!(poll_idle(&mut Box::pin(condition.wait(held))).is_pending());
    assert_eq!(log.take(), [2]);
}

fn a_notified_waiter_returns_with_the_lock<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let waiter = waiting(&condition, &lock, &log, 1);
    *lock.try_lock().unwrap() = 7;
    condition.notify_one();
    assert_eq!(log.take(), [1]);
    let guard = guard(waiter);
    assert!(lock.is_locked());
    assert_eq!(*guard, 7);
    drop(guard);
    assert!(!lock.is_locked());
}

fn a_notified_waiter_waits_for_the_lock<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let mut waiter = waiting(&condition, &lock, &log, 1);
    let held = lock.try_lock().unwrap();
    condition.notify_one();
    assert_eq!(log.take(), [1]);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    drop(held);
    assert_eq!(log.take(), [2]);
    drop(guard(waiter));
}

fn a_notification_without_a_waiter_is_gone<H: Home>() {
    let (condition, lock, log) = new::<H>();
    condition.notify_one();
    condition.notify(5);
    condition.notify_all();
    let mut waiter = waiting(&condition, &lock, &log, 1);
    condition.notify(0);
    assert!(poll_idle(&mut waiter).is_pending());
}

fn waiters_are_woken_in_the_order_in_which_they_came<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let waiters = [1, 2, 3].map(|name| waiting(&condition, &lock, &log, name));
    for name in [1, 2, 3] {
        condition.notify_one();
        assert_eq!(log.take(), [name]);
    }
    waiters.into_iter().for_each(|waiter| drop(guard(waiter)));
}

fn so_many_are_woken_as_asked_for<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let waiters: Vec<_> = (0..50).map(|name| waiting(&condition, &lock, &log, name)).collect();
    condition.notify(2);
    assert_eq!(log.take(), [0, 1]);
    condition.notify(40);
    assert_eq!(log.take(), (2..42).collect::<Vec<_>>());
    condition.notify(usize::MAX);
    assert_eq!(log.take(), (42..50).collect::<Vec<_>>());
    waiters.into_iter().for_each(|waiter| drop(guard(waiter)));
}

fn all_are_woken_in_order<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let waiters: Vec<_> = (0..50).map(|name| waiting(&condition, &lock, &log, name)).collect();
    condition.notify_all();
    assert_eq!(log.take(), (0..50).collect::<Vec<_>>());
    waiters.into_iter().for_each(|waiter| drop(guard(waiter)));
}

fn who_comes_while_others_are_woken_is_not_woken_by_the_same_call<H: Home>() {
    // More than one batch, so that the line is looked at again after the first have come back.
    const N: usize = 40;
    let condition: &'static _ = Box::leak(Box::new(Condition::<H>::new()));
    let lock: &'static _ = Box::leak(Box::new(Lock::<H>::new(0)));
    let again = Rc::new(RefCell::new(Vec::new()));
    let is_waking = Rc::new(Cell::new(false));
    let hook = {
        let (again, is_waking) = (again.clone(), is_waking.clone());
        move || {
            if is_waking.get() {
                let mut future = Box::pin(condition.wait(now(lock.lock())));
                assert!(poll_idle(&mut future).is_pending());
                again.borrow_mut().push(future);
            }
        }
    };
    with_hook(hook, || {
        let waiters: Vec<_> = (0..N)
            .map(|_| {
                let mut waiter = Box::pin(condition.wait(now(lock.lock())));
                assert!(poll(&mut waiter, &hooked_waker(1)).is_pending());
                waiter
            })
            .collect();
        is_waking.set(true);
        condition.notify_all();
        is_waking.set(false);
        waiters.into_iter().for_each(|waiter| drop(guard(waiter)));
        let mut again = again.take();
        assert_eq!(again.len(), N);
        assert!(again.iter_mut().all(|waiter| poll_idle(waiter).is_pending()));
    });
}

fn notified_waiters_get_the_lock_in_order<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let mut waiters = [1, 2, 3].map(|name| waiting(&condition, &lock, &log, name));
    let held = lock.try_lock().unwrap();
    condition.notify_all();
    assert_eq!(log.take(), [1, 2, 3]);
    for (waiter, name) in waiters.iter_mut().zip(11..) {
        assert!(poll(waiter, &log.waker(name)).is_pending());
    }
    drop(held);
    for (waiter, name) in waiters.into_iter().zip(11..) {
        assert_eq!(log.take(), [name]);
        drop(guard(waiter));
    }
}

fn waiting_for_a_predicate_that_holds_does_not_yield<H: Home>() {
    let (condition, lock, _) = new::<H>();
    let mut guard = now(condition.wait_for(now(lock.lock()), |value| *value == 0));
    *guard += 1;
    assert!(lock.try_lock().is_none());
    drop(guard);
    assert_eq!(lock.into_inner(), 1);
}

fn waiting_for_a_predicate_goes_on_until_it_holds<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let n_looks = Cell::new(0);
    let mut waiter = Box::pin(condition.wait_for(now(lock.lock()), |value| {
        n_looks.set(n_looks.get() + 1);
        *value >= 2
    }));
    let waker = log.waker(1);
    for value in 1..=2 {
        assert!(poll(&mut waiter, &waker).is_pending());
        assert_eq!(log.take(), []);
        *lock.try_lock().unwrap() = value;
        condition.notify_one();
        assert_eq!((log.take(), n_looks.get()), (vec![1], value));
    }
    let Poll::Ready(guard) = poll(&mut waiter, &waker) else { panic!("it holds") };
    assert_eq!((*guard, n_looks.get()), (2, 3));
    drop(guard);
    drop(waiter);
    assert!(!lock.is_locked());
}

fn a_waiter_that_was_never_polled_holds_the_lock<H: Home>() {
    let (condition, lock, _) = new::<H>();
    let waiter = condition.wait(now(lock.lock()));
    condition.notify_one();
    assert!(lock.is_locked());
    drop(waiter);
    assert!(!lock.is_locked());
}

fn a_dropped_waiter_loses_its_place<H: Home>() {
    for dropped in 0..3 {
        let (condition, lock, log) = new::<H>();
        let mut waiters: Vec<_> = (0..3).map(|name| waiting(&condition, &lock, &log, name)).collect();
        drop(waiters.remove(dropped));
        assert!(!lock.is_locked());
        condition.notify(2);
        let others: Vec<_> = (0..3).filter(|&name| name != dropped).collect();
        assert_eq!(log.take(), others);
        waiters.into_iter().for_each(|waiter| drop(guard(waiter)));
    }
}

fn a_notified_waiter_that_is_dropped_passes_it_on<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&condition, &lock, &log, name));
    condition.notify(2);
    assert_eq!(log.take(), [1, 2]);
    drop(first);
    assert_eq!(log.take(), [3]);
    drop((guard(second), third));
    // With nobody left, it is gone.
    assert!(poll_idle(&mut waiting(&condition, &lock, &log, 4)).is_pending());
}

fn a_notified_waiter_that_is_dropped_in_the_line_of_the_lock_passes_it_on<H: Home>() {
    // Before it was handed the lock, and after.
    for is_handed in [false, true] {
        let (condition, lock, log) = new::<H>();
        let [mut first, second] = [1, 2].map(|name| waiting(&condition, &lock, &log, name));
        let held = lock.try_lock().unwrap();
        condition.notify_one();
        assert!(poll(&mut first, &log.waker(3)).is_pending());
        let held = (!is_handed).then_some(held);
        assert_eq!(log.take(), if is_handed { vec![1, 3] } else { vec![1] });
        drop(first);
        assert_eq!(log.take(), [2]);
        drop(held);
        assert!(!lock.is_locked());
        drop(guard(second));
    }
}

fn a_waiter_that_has_returned_passes_nothing_on<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let [mut first, mut second] = [1, 2].map(|name| waiting(&condition, &lock, &log, name));
    condition.notify_one();
    let Poll::Ready(guard) = poll_idle(&mut first) else { panic!("it was notified") };
    drop(first);
    drop(guard);
    assert_eq!(log.take(), [1]);
    assert!(poll_idle(&mut second).is_pending());
}

/// Who comes later was not meant.
fn when_all_were_notified_a_dropped_one_passes_nothing_on<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let [first, mut second] = [1, 2].map(|name| waiting(&condition, &lock, &log, name));
    condition.notify_all();
    let late = waiting(&condition, &lock, &log, 3);
    drop(first);
    let held = lock.try_lock().unwrap();
    assert!(poll_idle(&mut second).is_pending());
    drop(second);
    drop((held, late));
    assert_eq!(log.take(), [1, 2]);
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let mut waiter = waiting(&condition, &lock, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    let held = lock.try_lock().unwrap();
    condition.notify_one();
    assert_eq!(log.take(), [2]);
    assert!(poll(&mut waiter, &log.waker(3)).is_pending());
    assert!(poll(&mut waiter, &log.waker(4)).is_pending());
    drop(held);
    assert_eq!(log.take(), [4]);
    drop(guard(waiter));
}

fn a_value_without_a_size_is_waited_for<H: Home>() {
    let condition = Condition::<H>::new();
    let lock: &aio_sync::generic::Lock<[u8], H> = &aio_sync::generic::Lock::<_, H>::new([1, 2, 3]);
    let mut waiter = Box::pin(condition.wait(now(lock.lock())));
    assert!(poll_idle(&mut waiter).is_pending());
    condition.notify_one();
    let Poll::Ready(guard) = poll_idle(&mut waiter) else { panic!("it was notified") };
    assert_eq!(*guard, [1, 2, 3]);
}

fn one_condition_serves_several_locks<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let other = Lock::<H>::new(5);
    let [first, second] = [(&lock, 1), (&other, 2)].map(|(lock, name)| waiting(&condition, lock, &log, name));
    condition.notify_all();
    assert_eq!(log.take(), [1, 2]);
    assert_eq!(*guard(first) + *guard(second), 5);
}

fn debug_shows_every_state<H: Home>() {
    let (condition, lock, _) = new::<H>();
    let mut waiter = Box::pin(condition.wait(now(lock.lock())));
    assert_eq!(format!("{condition:?} {waiter:?}"), "Condition { n_waiting: 0 } ConditionFuture(New)");
    assert!(poll_idle(&mut waiter).is_pending());
    assert_eq!(format!("{condition:?} {waiter:?}"), "Condition { n_waiting: 1 } ConditionFuture(Queued)");
    condition.notify_one();
    assert_eq!(format!("{condition:?} {waiter:?}"), "Condition { n_waiting: 0 } ConditionFuture(Woken)");
    let held = lock.try_lock().unwrap();
    assert!(poll_idle(&mut waiter).is_pending());
    assert_eq!(format!("{waiter:?}"), "ConditionFuture(LockFuture(Queued))");
    drop(held);
    assert!(poll_idle(&mut waiter).is_ready());
    assert_eq!(format!("{waiter:?}"), "ConditionFuture(Done)");
    let waiter = [(); 2].map(|()| {
        let mut waiter = Box::pin(condition.wait(now(lock.lock())));
        assert!(poll_idle(&mut waiter).is_pending());
        waiter
    });
    let [first, second] = waiter;
    drop(first);
    assert_eq!(format!("{condition:?}"), "Condition { n_waiting: 1 }");
    drop(second);
    assert_eq!(format!("{condition:?}"), "Condition { n_waiting: 0 }");
}

fn a_panicking_waker_leaves_the_notification_given<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let mut first = Box::pin(condition.wait(now(lock.lock())));
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(&condition, &lock, &log, 2);
    assert_eq!(panic_of(|| condition.notify_one()), 1);
    assert_eq!(log.take(), [1]);
    drop(first);
    assert_eq!(log.take(), [2]);
    drop(guard(second));
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (condition, lock, log) = new::<H>();
    for notify in [Condition::<H>::notify_all, |condition: &Condition<H>| condition.notify(2)] {
        let mut first = Box::pin(condition.wait(now(lock.lock())));
        assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
        let second = waiting(&condition, &lock, &log, 2);
        assert_eq!(panic_of(|| notify(&condition)), 1);
        assert_eq!(log.take(), [1, 2]);
        drop((guard(first), second));
    }
}

/// The lock is released by the first poll; by then the place in the line is taken.
fn a_panicking_waker_of_the_lock_leaves_the_waiter_in_the_line<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let mut waiter = Box::pin(condition.wait(now(lock.lock())));
    let mut other = Box::pin(lock.lock());
    assert!(poll(&mut other, &log.panicking_waker(1)).is_pending());
    assert_eq!(panic_of(|| _ = poll(&mut waiter, &log.waker(2))), 1);
    drop(other);
    assert!(!lock.is_locked());
    condition.notify_one();
    assert_eq!(log.take(), [1, 2]);
    drop(guard(waiter));
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the condition is not in the middle of
/// something.
fn wakers_may_use_the_condition_again<H: Home>() {
    let shared = Rc::new((Condition::<H>::new(), Lock::<H>::new(0)));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (shared, calls) = (shared.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let (condition, lock) = &*shared;
            let _ = format!("{condition:?}");
            condition.notify(0);
            if let Some(guard) = lock.try_lock() {
                let _ = poll_idle(&mut Box::pin(condition.wait(guard)));
            }
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let (condition, lock) = &*shared;
        let [one, two] = [1, 2].map(hooked_waker);
        let mut first = Box::pin(condition.wait(now(lock.lock())));
        assert!(poll(&mut first, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        condition.notify_one();
        assert!(called(), "wake");
        let mut second = Box::pin(condition.wait(guard(first)));
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        drop(second);
        assert!(called(), "drop, out of the line");
        drop((one, two));
        assert!(!lock.is_locked());
    });
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let first = waiting(&condition, &lock, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(condition.wait(now(lock.lock()))), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    condition.notify_all();
    assert_eq!(log.take(), [1]);
    drop(guard(first));
}

/// What a leaked future occupies is never reused, so it may stay in the line of a condition that moves and goes.
fn a_leaked_waiter_may_outlive_the_condition<H: Home>() {
    let (condition, lock, log) = new::<H>();
    std::mem::forget(waiting(&condition, &lock, &log, 1));
    let second = waiting(&condition, &lock, &log, 2);
    condition.notify_one();
    // The leaked one has the notification now.
    assert_eq!(log.take(), [1]);
    drop(second);
    let (moved, lock) = (condition, lock);
    moved.notify_all();
    assert!(!lock.is_locked());
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let (condition, lock, log) = new::<H>();
    let mut waiter = waiting(&condition, &lock, &log, 1);
    condition.notify_one();
    assert!(poll_idle(&mut waiter).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut waiter).is_ready())).is_err());
    assert!(!lock.is_locked());
}

#[test]
fn a_thread_is_blocked_until_it_is_notified() {
    aio_base::live::leak_check(|| {
        let (lock, condition) = (aio_sync::Lock::new(0), aio_sync::Condition::new());
        let lock_blocking = || aio_base::host::block_on("the lock", lock.lock());
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let mut value = condition.wait_for_blocking(lock_blocking(), |value| *value > 0);
                *value += 10;
                drop(value);
                condition.notify_all();
                let mut value = lock_blocking();
                while *value < 12 {
                    value = condition.wait_blocking(value);
                }
                *value
            });
            *lock_blocking() += 1;
            condition.notify_one();
            let mut value = condition.wait_for_blocking(lock_blocking(), |value| *value > 10);
            *value += 1;
            drop(value);
            condition.notify_all();
            assert_eq!(waits.join().unwrap(), 12);
        });
    });
}
