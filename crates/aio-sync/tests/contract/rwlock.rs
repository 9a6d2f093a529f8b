//! The contract of the read-write lock, in both homes.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use aio_base::Home;
use aio_sync::{RwLockReadFuture, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteFuture, RwLockWriteGuard};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

type RwLock<H> = aio_sync::generic::RwLock<u32, H>;

in_both_homes! {
    a_free_lock_is_taken_without_yielding,
    readers_read_together_and_a_writer_is_alone,
    the_value_is_reached_through_the_guards_and_by_mutable_reference,
    a_lock_is_made_from_a_value_or_by_default,
    debug_shows_every_state_and_never_waits,
    a_lock_holds_what_has_no_size,
    a_guard_knows_its_lock,
    everybody_is_let_in_in_the_order_in_which_they_came,
    readers_do_not_overtake_a_writer_who_waits,
    readers_next_to_each_other_are_let_in_together,
    the_last_reader_lets_the_writer_in,
    the_releaser_goes_to_the_back,
    a_writer_who_gives_up_lets_the_readers_behind_it_in,
    a_waiter_that_gives_up_leaves_no_trace,
    a_woken_writer_that_is_dropped_passes_the_lock_on,
    a_woken_reader_that_is_dropped_leaves,
    a_writer_becomes_a_reader_and_lets_readers_in,
    a_writer_becomes_upgradable_and_keeps_its_turn,
    one_reader_at_a_time_is_upgradable,
    an_upgrade_waits_for_the_readers_and_goes_before_the_others,
    an_upgrade_that_need_not_wait_does_not_yield,
    an_upgrade_that_is_given_up_lets_the_others_in,
    an_upgrade_that_is_given_up_when_it_has_succeeded_lets_the_others_in,
    an_upgrade_that_was_never_polled_holds_the_guard,
    an_upgradable_reader_that_will_not_write_lets_the_next_in,
    a_panic_releases_the_lock,
    a_panicking_waker_leaves_everybody_let_in,
    wakers_may_use_the_lock_again,
    a_leaked_waiter_may_outlive_the_lock,
    polling_again_after_it_was_ready_panics,
}

fn reader<'a, H: Home>(lock: &'a RwLock<H>, log: &WakeLog, name: usize) -> Pin<Box<RwLockReadFuture<'a, u32, H>>> {
    let mut future = Box::pin(lock.read());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn writer<'a, H: Home>(lock: &'a RwLock<H>, log: &WakeLog, name: usize) -> Pin<Box<RwLockWriteFuture<'a, u32, H>>> {
    let mut future = Box::pin(lock.write());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

/// The guard of a waiter that has been let in.
fn guard<F: Future>(mut future: Pin<Box<F>>) -> F::Output {
    match poll_idle(&mut future) {
        Poll::Ready(guard) => guard,
        Poll::Pending => panic!("it was not let in"),
    }
}

/// Nobody has it, nobody waits.
fn is_free<H: Home>(lock: &RwLock<H>) -> bool {
    lock.try_write().is_some()
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::RwLock<u32> = aio_sync::RwLock::const_new(1);
    let shared = aio_sync::RwLock::new(1);
    let local = aio_sync::local::RwLock::new(Rc::new(1));
    assert_eq!(*now(shared.read()) + *now(SOMEWHERE.write()), 2);
    assert_eq!(**now(local.read()), 1);
}

fn a_free_lock_is_taken_without_yielding<H: Home>() {
    let lock = RwLock::<H>::new(7);
    assert_eq!(*now(lock.read()), 7);
    assert_eq!(*now(lock.write()), 7);
    assert_eq!(*now(lock.upgradable_read()), 7);
    assert!(is_free(&lock));
}

fn readers_read_together_and_a_writer_is_alone<H: Home>() {
    let lock = RwLock::<H>::new(7);
    let readers = (now(lock.read()), lock.try_read().unwrap(), now(lock.upgradable_read()));
    assert_eq!(*readers.0 + *readers.1 + *readers.2, 21);
    assert!(lock.try_write().is_none());
    drop(readers);
    let writer = lock.try_write().unwrap();
    assert!(lock.try_write().is_none());
    assert!(lock.try_read().is_none());
    assert!(lock.try_upgradable_read().is_none());
    drop(writer);
    assert!(is_free(&lock));
}

fn the_value_is_reached_through_the_guards_and_by_mutable_reference<H: Home>() {
    let mut lock = RwLock::<H>::new(1);
    *now(lock.write()) += 1;
    *lock.get_mut() += 1;
    assert_eq!(*now(lock.read()), 3);
    assert_eq!(lock.into_inner(), 3);
}

fn a_lock_is_made_from_a_value_or_by_default<H: Home>() {
    assert_eq!(RwLock::<H>::from(3).into_inner(), 3);
    assert_eq!(RwLock::<H>::default().into_inner(), 0);
}

fn debug_shows_every_state_and_never_waits<H: Home>() {
    let lock = RwLock::<H>::new(1);
    let held = lock.try_read().unwrap();
    assert_eq!(format!("{lock:?} {held:?} {held}"), "RwLock { value: 1 } 1 1");
    let mut writer = Box::pin(lock.write());
    assert_eq!(format!("{writer:?}"), "RwLockWriteFuture(New)");
    assert!(poll_idle(&mut writer).is_pending());
    assert_eq!(format!("{lock:?} {writer:?}"), "RwLock { value: <locked> } RwLockWriteFuture(Queued)");
    drop(held);
    assert_eq!(format!("{lock:?} {writer:?}"), "RwLock { value: <locked> } RwLockWriteFuture(Woken)");
    assert_eq!(format!("{:?}", guard(writer)), "1");
}

fn a_lock_holds_what_has_no_size<H: Home>() {
    let lock: &aio_sync::generic::RwLock<[u8], H> = &aio_sync::generic::RwLock::<_, H>::new([1, 2, 3]);
    now(lock.write())[1] = 7;
    assert_eq!(*lock.try_read().unwrap(), [1, 7, 3]);
}

fn a_guard_knows_its_lock<H: Home>() {
    let lock = RwLock::<H>::new(0);
    let reads = lock.try_read().unwrap();
    assert!(std::ptr::eq(RwLockReadGuard::source(&reads), &lock));
    let reads = (reads, lock.try_upgradable_read().unwrap());
    // It lives on without the guard.
    let source = RwLockUpgradableReadGuard::source(&reads.1);
    drop(reads);
    assert!(std::ptr::eq(RwLockWriteGuard::source(&source.try_write().unwrap()), source));
}

fn everybody_is_let_in_in_the_order_in_which_they_came<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let (one, two) = (reader(&lock, &log, 1), reader(&lock, &log, 2));
    let three = writer(&lock, &log, 3);
    let four = reader(&lock, &log, 4);
    let five = writer(&lock, &log, 5);
    drop(held);
    assert_eq!(log.take(), [1, 2]);
    let (one, two) = (guard(one), guard(two));
    drop(one);
    assert_eq!(log.take(), []);
    drop(two);
    assert_eq!(log.take(), [3]);
    drop(guard(three));
    assert_eq!(log.take(), [4]);
    drop(guard(four));
    assert_eq!(log.take(), [5]);
    drop(guard(five));
    assert!(is_free(&lock));
}

fn readers_do_not_overtake_a_writer_who_waits<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_read().unwrap();
    let first = writer(&lock, &log, 1);
    assert!(lock.try_read().is_none());
    assert!(lock.try_upgradable_read().is_none());
    let second = reader(&lock, &log, 2);
    drop(held);
    // The writer has been let in and has not run yet.
    assert!(lock.try_read().is_none());
    assert_eq!(log.take(), [1]);
    drop(guard(first));
    assert_eq!(log.take(), [2]);
    drop(guard(second));
    assert!(is_free(&lock));
}

/// More than are woken at once.
fn readers_next_to_each_other_are_let_in_together<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let readers: Vec<_> = (0..100).map(|name| reader(&lock, &log, name)).collect();
    let last = writer(&lock, &log, 100);
    drop(held);
    assert_eq!(log.take(), Vec::from_iter(0..100));
    let guards: Vec<_> = readers.into_iter().map(guard).collect();
    assert!(lock.try_read().is_none());
    drop(guards);
    assert_eq!(log.take(), [100]);
    drop(guard(last));
    assert!(is_free(&lock));
}

fn the_last_reader_lets_the_writer_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let readers = [(); 3].map(|()| lock.try_read().unwrap());
    let upgradable = lock.try_upgradable_read().unwrap();
    let waiting = writer(&lock, &log, 1);
    drop(readers);
    assert_eq!(log.take(), []);
    drop(upgradable);
    assert_eq!(log.take(), [1]);
    drop(guard(waiting));

    let readers = [(); 2].map(|()| lock.try_read().unwrap());
    let upgradable = lock.try_upgradable_read().unwrap();
    let waiting = writer(&lock, &log, 2);
    drop(upgradable);
    assert_eq!(log.take(), []);
    drop(readers);
    assert_eq!(log.take(), [2]);
    drop(guard(waiting));
    assert!(is_free(&lock));
}

fn the_releaser_goes_to_the_back<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let other = writer(&lock, &log, 1);
    drop(held);
    let again = writer(&lock, &log, 2);
    drop(guard(other));
    drop(guard(again));
    assert_eq!(log.take(), [1, 2]);
}

fn a_writer_who_gives_up_lets_the_readers_behind_it_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_read().unwrap();
    let first = writer(&lock, &log, 1);
    let (two, three) = (reader(&lock, &log, 2), reader(&lock, &log, 3));
    let last = writer(&lock, &log, 4);
    drop(first);
    assert_eq!(log.take(), [2, 3]);
    assert!(lock.try_read().is_none());
    drop((guard(two), guard(three)));
    assert_eq!(log.take(), []);
    drop(last);
    // Nobody waits any more.
    assert!(lock.try_read().is_some());
    drop(held);
    assert!(is_free(&lock));
}

fn a_waiter_that_gives_up_leaves_no_trace<H: Home>() {
    for dropped in 0..3 {
        let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
        let held = lock.try_write().unwrap();
        let mut waiters: Vec<_> = (0..3).map(|name| (name, writer(&lock, &log, name))).collect();
        drop(waiters.remove(dropped));
        drop(held);
        for (name, waiter) in waiters {
            assert_eq!(log.take(), [name]);
            drop(guard(waiter));
        }
        assert!(is_free(&lock));
        drop((lock.read(), lock.write(), lock.upgradable_read()));
        assert!(is_free(&lock));
    }
}

fn a_woken_writer_that_is_dropped_passes_the_lock_on<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let first = writer(&lock, &log, 1);
    let second = reader(&lock, &log, 2);
    drop(held);
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(guard(second));
    assert!(is_free(&lock));
}

fn a_woken_reader_that_is_dropped_leaves<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let (one, two) = (reader(&lock, &log, 1), reader(&lock, &log, 2));
    let third = writer(&lock, &log, 3);
    drop(held);
    drop(one);
    assert_eq!(log.take(), [1, 2]);
    drop(two);
    assert_eq!(log.take(), [3]);
    drop(third);
    assert!(is_free(&lock));
}

fn a_writer_becomes_a_reader_and_lets_readers_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let mut held = lock.try_write().unwrap();
    *held = 5;
    let one = reader(&lock, &log, 1);
    let two = writer(&lock, &log, 2);
    let held = RwLockWriteGuard::downgrade(held);
    assert_eq!(log.take(), [1]);
    assert_eq!((*held, *guard(one)), (5, 5));
    assert!(lock.try_read().is_none());
    drop(held);
    assert_eq!(log.take(), [2]);
    drop(guard(two));

    let held = RwLockWriteGuard::downgrade(lock.try_write().unwrap());
    drop(lock.try_read().unwrap());
    drop(held);
    assert!(is_free(&lock));
}

fn a_writer_becomes_upgradable_and_keeps_its_turn<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let one = reader(&lock, &log, 1);
    let two = writer(&lock, &log, 2);
    let held = RwLockWriteGuard::downgrade_to_upgradable(held);
    assert_eq!(log.take(), [1]);
    drop(guard(one));
    // It goes before the writer who waits.
    let held = RwLockUpgradableReadGuard::try_upgrade(held).unwrap();
    drop(held);
    assert_eq!(log.take(), [2]);
    drop(guard(two));
    assert!(is_free(&lock));
}

fn one_reader_at_a_time_is_upgradable<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_upgradable_read().unwrap();
    assert!(lock.try_upgradable_read().is_none());
    assert!(lock.try_read().is_some());
    let mut next = Box::pin(lock.upgradable_read());
    assert!(poll(&mut next, &log.waker(1)).is_pending());
    let last = reader(&lock, &log, 2);
    drop(held);
    assert_eq!(log.take(), [1, 2]);
    drop((guard(next), guard(last)));

    // One that was let in, and is gone.
    let held = lock.try_upgradable_read().unwrap();
    let mut next = Box::pin(lock.upgradable_read());
    assert!(poll(&mut next, &log.waker(1)).is_pending());
    drop(held);
    drop(next);
    assert!(is_free(&lock));
}

fn an_upgrade_waits_for_the_readers_and_goes_before_the_others<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let readers = [(); 2].map(|()| lock.try_read().unwrap());
    let held = lock.try_upgradable_read().unwrap();
    let one = writer(&lock, &log, 1);
    let held = RwLockUpgradableReadGuard::try_upgrade(held).unwrap_err();
    let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(held));
    assert!(poll(&mut upgrade, &log.waker(2)).is_pending());
    let three = reader(&lock, &log, 3);
    drop(one);
    // Nobody is let in while it waits.
    assert_eq!(log.take(), []);
    assert!(lock.try_read().is_none());
    drop(readers);
    assert_eq!(log.take(), [2]);
    let mut held = guard(upgrade);
    *held += 1;
    drop(held);
    assert_eq!(log.take(), [3]);
    assert_eq!(*guard(three), 1);
    assert!(is_free(&lock));
}

fn an_upgrade_that_need_not_wait_does_not_yield<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = now(RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap()));
    assert!(lock.try_read().is_none());
    drop(held);
    assert!(is_free(&lock));
    // Nor if others wait.
    let held = lock.try_upgradable_read().unwrap();
    let other = writer(&lock, &log, 1);
    let held = now(RwLockUpgradableReadGuard::upgrade(held));
    drop(held);
    assert_eq!(log.take(), [1]);
    drop(guard(other));
    assert!(is_free(&lock));
}

fn an_upgrade_that_is_given_up_lets_the_others_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let read = lock.try_read().unwrap();
    let held = lock.try_upgradable_read().unwrap();
    let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(held));
    assert!(poll(&mut upgrade, &log.waker(1)).is_pending());
    let two = reader(&lock, &log, 2);
    let mut three = Box::pin(lock.upgradable_read());
    assert!(poll(&mut three, &log.waker(3)).is_pending());
    drop(upgrade);
    assert_eq!(log.take(), [2, 3]);
    drop((read, guard(two), guard(three)));
    assert!(is_free(&lock));
}

fn an_upgrade_that_is_given_up_when_it_has_succeeded_lets_the_others_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let read = lock.try_read().unwrap();
    let held = lock.try_upgradable_read().unwrap();
    let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(held));
    assert!(poll(&mut upgrade, &log.waker(1)).is_pending());
    let two = writer(&lock, &log, 2);
    drop(read);
    assert_eq!(log.take(), [1]);
    drop(upgrade);
    assert_eq!(log.take(), [2]);
    drop(guard(two));
    assert!(is_free(&lock));
}

fn an_upgrade_that_was_never_polled_holds_the_guard<H: Home>() {
    let lock = RwLock::<H>::new(0);
    let upgrade = RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap());
    assert!(lock.try_upgradable_read().is_none());
    assert!(lock.try_read().is_some());
    drop(upgrade);
    assert!(is_free(&lock));
}

fn an_upgradable_reader_that_will_not_write_lets_the_next_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_upgradable_read().unwrap();
    let mut next = Box::pin(lock.upgradable_read());
    assert!(poll(&mut next, &log.waker(1)).is_pending());
    let held = RwLockUpgradableReadGuard::downgrade(held);
    assert_eq!(log.take(), [1]);
    drop(held);
    drop(guard(next));
    assert!(is_free(&lock));
}

fn a_panic_releases_the_lock<H: Home>() {
    let lock = RwLock::<H>::new(0);
    for writes in [true, false] {
        let in_lock = panic_of(|| {
            let _write = writes.then(|| now(lock.write()));
            let _read = (!writes).then(|| now(lock.read()));
            std::panic::panic_any(5_usize);
        });
        assert_eq!(in_lock, 5);
        assert!(is_free(&lock));
    }
}

fn a_panicking_waker_leaves_everybody_let_in<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(0), WakeLog::default());
    let held = lock.try_write().unwrap();
    let mut first = Box::pin(lock.read());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = reader(&lock, &log, 2);
    let third = writer(&lock, &log, 3);
    assert_eq!(panic_of(|| drop(held)), 1);
    assert_eq!(log.take(), [1, 2]);
    drop((guard(first), guard(second)));
    drop(guard(third));
    assert!(is_free(&lock));

    // A guard that becomes another is not lost by it.
    let held = lock.try_write().unwrap();
    let mut first = Box::pin(lock.read());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    assert_eq!(panic_of(|| drop(RwLockWriteGuard::downgrade(held))), 1);
    drop(guard(first));
    assert!(is_free(&lock));
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the lock is not in the middle of something.
fn wakers_may_use_the_lock_again<H: Home>() {
    let lock = Rc::new(RwLock::<H>::new(0));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (lock, calls) = (lock.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = format!("{lock:?}");
            drop((lock.try_read(), lock.try_write()));
            let _ = poll_idle(&mut Box::pin(lock.write()));
            let _ = poll_idle(&mut Box::pin(lock.read()));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let held = lock.try_write().unwrap();
        let [one, two] = [1, 2].map(hooked_waker);
        let mut first = Box::pin(lock.write());
        let mut second = Box::pin(lock.read());
        assert!(poll(&mut first, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut second, &one).is_pending());
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        drop(held);
        assert!(called(), "wake");
        drop(guard(first));
        assert!(!called());
        drop((one, two));
        assert!(is_free(&lock));
    });
}

fn a_leaked_waiter_may_outlive_the_lock<H: Home>() {
    let (lock, log) = (RwLock::<H>::new(4), WakeLog::default());
    let held = lock.try_write().unwrap();
    std::mem::forget(writer(&lock, &log, 1));
    let second = reader(&lock, &log, 2);
    drop(held);
    // The leaked one has the lock now, and keeps it.
    assert_eq!(log.take(), [1]);
    drop(second);
    let mut moved = lock;
    assert_eq!(*moved.get_mut(), 4);
    assert_eq!(moved.into_inner(), 4);
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let lock = RwLock::<H>::new(0);
    let mut read = Box::pin(lock.read());
    assert!(poll_idle(&mut read).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut read).is_ready())).is_err());
    let mut write = Box::pin(lock.write());
    assert!(poll_idle(&mut write).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut write).is_ready())).is_err());
    assert!(is_free(&lock));
    let mut upgrade = Box::pin(RwLockUpgradableReadGuard::upgrade(now(lock.upgradable_read())));
    assert!(poll_idle(&mut upgrade).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut upgrade).is_ready())).is_err());
    assert!(is_free(&lock));
}
