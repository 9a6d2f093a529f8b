//! The contract of the semaphore, in both homes.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::generic::Semaphore;
use aio_sync::{AcquireFuture, Permit};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    a_free_permit_is_taken_without_yielding,
    try_acquire_never_waits,
    debug_shows_every_state,
    a_permit_is_handed_to_the_first_in_the_line,
    nobody_overtakes_those_who_wait,
    a_waiter_that_was_never_polled_has_no_place,
    a_dropped_waiter_loses_its_place,
    a_woken_waiter_that_is_dropped_passes_the_permit_on,
    a_woken_waiter_that_is_the_last_leaves_the_permit_free,
    added_permits_go_to_those_who_wait_in_order,
    a_forgotten_permit_is_gone,
    several_permits_are_taken_at_once_or_not_at_all,
    a_smaller_request_does_not_overtake_a_larger_one,
    a_larger_request_that_is_dropped_lets_those_behind_it_go,
    a_larger_request_that_is_dropped_when_woken_passes_all_on,
    no_permits_at_all_wait_their_turn_and_no_longer,
    too_many_permits_panic,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panic_gives_the_permit_back,
    a_panicking_waker_leaves_the_permit_handed_over,
    a_panicking_waker_does_not_keep_the_others_asleep,
    a_panicking_waker_does_not_abort_an_unwinding_thread,
    wakers_may_use_the_semaphore_again,
    a_million_polls_and_drops_leave_nothing,
    a_leaked_waiter_may_outlive_the_semaphore,
    polling_again_after_it_was_ready_panics,
    permits_are_split_and_merged,
    permits_of_another_semaphore_are_not_merged,
    free_permits_are_taken_away,
    permits_kept_for_the_first_in_the_line_are_taken_away,
}

type Waiting<'a, H> = Pin<Box<AcquireFuture<'a, H>>>;

fn waiting<'a, H: Home>(semaphore: &'a Semaphore<H>, n: usize, log: &WakeLog, name: usize) -> Waiting<'a, H> {
    let mut future = Box::pin(semaphore.acquire_many(n));
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

/// The permit of a waiter that has been handed it.
fn permit<'a, H: Home>(mut future: Waiting<'a, H>) -> Permit<'a, H> {
    match poll_idle(&mut future) {
        Poll::Ready(permit) => permit,
        Poll::Pending => panic!("it was not handed a permit"),
    }
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::Semaphore = aio_sync::Semaphore::const_new(1);
    let (shared, local) = (aio_sync::Semaphore::new(1), aio_sync::local::Semaphore::new(1));
    drop((now(shared.acquire()), now(SOMEWHERE.acquire()), now(local.acquire())));
    assert_eq!(SOMEWHERE.available_permits(), 1);
}

fn a_free_permit_is_taken_without_yielding<H: Home>() {
    let semaphore = Semaphore::<H>::new(2);
    let first = now(semaphore.acquire());
    assert_eq!((first.n_permits(), semaphore.available_permits()), (1, 1));
    let second = now(semaphore.acquire());
    assert_eq!(semaphore.available_permits(), 0);
    drop(first);
    assert_eq!(semaphore.available_permits(), 1);
    drop(second);
    assert_eq!(semaphore.available_permits(), 2);
}

fn try_acquire_never_waits<H: Home>() {
    let semaphore = Semaphore::<H>::new(1);
    let held = semaphore.try_acquire().unwrap();
    assert!(semaphore.try_acquire().is_none());
    drop(held);
    assert!(semaphore.try_acquire().is_some());
    assert!(Semaphore::<H>::new(0).try_acquire().is_none());
}

fn debug_shows_every_state<H: Home>() {
    let semaphore = Semaphore::<H>::new(1);
    let mut future = Box::pin(semaphore.acquire());
    assert_eq!(format!("{semaphore:?} {future:?}"), "Semaphore { available_permits: 1 } AcquireFuture(New)");
    let held = semaphore.try_acquire().unwrap();
    assert!(poll_idle(&mut future).is_pending());
    assert_eq!(format!("{semaphore:?} {future:?}"), "Semaphore { available_permits: 0 } AcquireFuture(Queued)");
    assert_eq!(format!("{held:?}"), "Permit(1)");
    drop(held);
    assert_eq!(format!("{future:?}"), "AcquireFuture(Woken)");
    assert!(poll_idle(&mut future).is_ready());
    assert_eq!(format!("{semaphore:?} {future:?}"), "Semaphore { available_permits: 1 } AcquireFuture(Done)");
}

fn a_permit_is_handed_to_the_first_in_the_line<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(2), WakeLog::default());
    let held = [semaphore.try_acquire().unwrap(), semaphore.try_acquire().unwrap()];
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&semaphore, 1, &log, name));
    assert_eq!(log.take(), []);
    drop(held);
    assert_eq!(log.take(), [1, 2]);
    drop(permit(second));
    assert_eq!(log.take(), [3]);
    drop((permit(first), permit(third)));
    assert_eq!(semaphore.available_permits(), 2);
}

fn nobody_overtakes_those_who_wait<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let held = semaphore.try_acquire().unwrap();
    let first = waiting(&semaphore, 1, &log, 1);
    drop(held);
    assert!(semaphore.try_acquire().is_none());
    let second = waiting(&semaphore, 1, &log, 2);
    drop(permit(first));
    assert_eq!(log.take(), [1, 2]);
    assert!(semaphore.try_acquire().is_none());
    drop(permit(second));
    assert!(semaphore.try_acquire().is_some());
}

fn a_waiter_that_was_never_polled_has_no_place<H: Home>() {
    let semaphore = Semaphore::<H>::new(1);
    let early = Box::pin(semaphore.acquire());
    drop(semaphore.acquire());
    drop(semaphore.try_acquire().unwrap());
    assert_eq!(semaphore.available_permits(), 1);
    drop(permit(early));
}

fn a_dropped_waiter_loses_its_place<H: Home>() {
    // The first, the one in the middle, the last; then all of them.
    for dropped in 0..3 {
        let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
        let held = semaphore.try_acquire().unwrap();
        let mut waiters: Vec<_> = (0..3).map(|name| (name, waiting(&semaphore, 1, &log, name))).collect();
        drop(waiters.remove(dropped));
        drop(held);
        for (name, waiter) in waiters {
            assert_eq!(log.take(), [name]);
            drop(permit(waiter));
        }
        assert_eq!(semaphore.available_permits(), 1);

        let held = semaphore.try_acquire().unwrap();
        drop([(); 3].map(|()| waiting(&semaphore, 1, &log, 0)));
        drop(held);
        assert_eq!(semaphore.available_permits(), 1);
        assert_eq!(log.take(), []);
    }
}

fn a_woken_waiter_that_is_dropped_passes_the_permit_on<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let held = semaphore.try_acquire().unwrap();
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&semaphore, 1, &log, name));
    drop(held);
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(second);
    assert_eq!(log.take(), [3]);
    assert!(semaphore.try_acquire().is_none());
    drop(permit(third));
    assert_eq!(semaphore.available_permits(), 1);
}

fn a_woken_waiter_that_is_the_last_leaves_the_permit_free<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let held = semaphore.try_acquire().unwrap();
    let only = waiting(&semaphore, 1, &log, 1);
    drop(held);
    drop(only);
    assert!(semaphore.try_acquire().is_some());
}

fn added_permits_go_to_those_who_wait_in_order<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(0), WakeLog::default());
    let waiters: Vec<_> = (0..40).map(|name| waiting(&semaphore, 1, &log, name)).collect();
    semaphore.add_permits(0);
    assert_eq!(log.take(), []);
    semaphore.add_permits(50);
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    assert_eq!(semaphore.available_permits(), 10);
    drop(waiters);
    assert_eq!(semaphore.available_permits(), 50);
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 51);
}

fn a_forgotten_permit_is_gone<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(2), WakeLog::default());
    semaphore.try_acquire().unwrap().forget();
    assert_eq!(semaphore.available_permits(), 1);
    semaphore.try_acquire().unwrap().forget();
    let waiter = waiting(&semaphore, 1, &log, 1);
    semaphore.add_permits(1);
    assert_eq!(log.take(), [1]);
    permit(waiter).forget();
    assert_eq!(semaphore.available_permits(), 0);
}

fn several_permits_are_taken_at_once_or_not_at_all<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(3), WakeLog::default());
    let two = now(semaphore.acquire_many(2));
    assert_eq!((two.n_permits(), semaphore.available_permits()), (2, 1));
    assert!(semaphore.try_acquire_many(2).is_none());
    assert_eq!(semaphore.available_permits(), 1);
    let three = waiting(&semaphore, 3, &log, 3);
    // What is free is kept for it.
    assert_eq!(semaphore.available_permits(), 0);
    assert_eq!(log.take(), []);
    drop(two);
    assert_eq!(log.take(), [3]);
    drop(permit(three));
    assert_eq!(semaphore.available_permits(), 3);
    assert!(semaphore.try_acquire_many(3).is_some());
}

fn a_smaller_request_does_not_overtake_a_larger_one<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let [three, one, another] = [(3, 1), (1, 2), (1, 3)].map(|(n, name)| waiting(&semaphore, n, &log, name));
    assert!(semaphore.try_acquire().is_none());
    semaphore.add_permits(1);
    assert_eq!(log.take(), []);
    semaphore.add_permits(2);
    assert_eq!(log.take(), [1, 2]);
    drop(permit(three));
    assert_eq!(log.take(), [3]);
    drop((permit(one), permit(another)));
    assert_eq!(semaphore.available_permits(), 4);
}

fn a_larger_request_that_is_dropped_lets_those_behind_it_go<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(2), WakeLog::default());
    let five = waiting(&semaphore, 5, &log, 1);
    let behind = [2, 3, 4].map(|name| waiting(&semaphore, 1, &log, name));
    drop(five);
    assert_eq!(log.take(), [2, 3]);
    drop(behind);
    assert_eq!(semaphore.available_permits(), 2);
    // With nobody behind it, what was kept is free.
    drop(waiting(&semaphore, 5, &log, 1));
    assert_eq!(semaphore.available_permits(), 2);
}

fn a_larger_request_that_is_dropped_when_woken_passes_all_on<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(0), WakeLog::default());
    let three = waiting(&semaphore, 3, &log, 1);
    let behind = [2, 3, 4, 5].map(|name| waiting(&semaphore, 1, &log, name));
    semaphore.add_permits(3);
    assert_eq!(log.take(), [1]);
    drop(three);
    assert_eq!(log.take(), [2, 3, 4]);
    drop(behind);
    assert_eq!(semaphore.available_permits(), 3);
}

fn no_permits_at_all_wait_their_turn_and_no_longer<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(0), WakeLog::default());
    drop(now(semaphore.acquire_many(0)));
    let one = waiting(&semaphore, 1, &log, 1);
    let [none, none_either] = [2, 3].map(|name| waiting(&semaphore, 0, &log, name));
    semaphore.add_permits(1);
    assert_eq!(log.take(), [1, 2, 3]);
    drop((one, none, none_either));
    assert_eq!(semaphore.available_permits(), 1);
}

fn too_many_permits_panic<H: Home>() {
    let most = Semaphore::<H>::MAX_PERMITS;
    assert!(catch_unwind(|| Semaphore::<H>::new(most + 1)).is_err());
    let semaphore = Semaphore::<H>::new(most);
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(1))).is_err());
    assert_eq!(semaphore.available_permits(), most);
    // Also while somebody waits.
    let all = now(semaphore.acquire_many(most));
    let log = WakeLog::default();
    let waiter = waiting(&semaphore, most, &log, 1);
    semaphore.add_permits(1);
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(most))).is_err());
    assert_eq!(log.take(), []);
    drop(waiter);
    assert_eq!(semaphore.available_permits(), 1);
    all.forget();
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(0), WakeLog::default());
    let mut waiter = waiting(&semaphore, 1, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    semaphore.add_permits(1);
    assert_eq!(log.take(), [2]);
    drop(permit(waiter));
}

fn a_panic_gives_the_permit_back<H: Home>() {
    let semaphore = Semaphore::<H>::new(1);
    let panic = panic_of(|| {
        let _permit = now(semaphore.acquire());
        std::panic::panic_any(5_usize);
    });
    assert_eq!((panic, semaphore.available_permits()), (5, 1));
}

fn a_panicking_waker_leaves_the_permit_handed_over<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let held = semaphore.try_acquire().unwrap();
    let mut first = Box::pin(semaphore.acquire());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(&semaphore, 1, &log, 2);
    assert_eq!(panic_of(|| drop(held)), 1);
    assert_eq!(semaphore.available_permits(), 0);
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(permit(second));
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(0), WakeLog::default());
    let mut first = Box::pin(semaphore.acquire());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(&semaphore, 1, &log, 2);
    assert_eq!(panic_of(|| semaphore.add_permits(2)), 1);
    assert_eq!(log.take(), [1, 2]);
    drop((permit(first), permit(second)));
}

fn a_panicking_waker_does_not_abort_an_unwinding_thread<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let held = semaphore.try_acquire().unwrap();
    let mut waiter = Box::pin(semaphore.acquire());
    assert!(poll(&mut waiter, &log.panicking_waker(1)).is_pending());
    let first_panic = panic_of(|| {
        let _held = held;
        std::panic::panic_any(5_usize);
    });
    assert_eq!((first_panic, log.take()), (5, vec![1]));
    drop(permit(waiter));
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the semaphore is not in the middle of
/// something.
fn wakers_may_use_the_semaphore_again<H: Home>() {
    let semaphore = Rc::new(Semaphore::<H>::new(1));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (semaphore, calls) = (semaphore.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = format!("{semaphore:?}");
            drop(semaphore.try_acquire());
            let _ = poll_idle(&mut Box::pin(semaphore.acquire_many(2)));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let held = semaphore.try_acquire().unwrap();
        let [one, two] = [1, 2].map(hooked_waker);
        let mut first = Box::pin(semaphore.acquire());
        let mut second = Box::pin(semaphore.acquire());
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
        let permit = permit(first);
        assert!(!called());
        drop(permit);
        drop((one, two));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(1), WakeLog::default());
    let held = semaphore.try_acquire().unwrap();
    let first = waiting(&semaphore, 1, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(semaphore.acquire()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    drop(held);
    drop(permit(first));
    assert_eq!(log.take(), [1]);
    assert_eq!(semaphore.available_permits(), 1);
}

/// What a leaked future occupies is never reused, so it may stay in the line of a semaphore that moves and goes.
fn a_leaked_waiter_may_outlive_the_semaphore<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(0), WakeLog::default());
    std::mem::forget(waiting(&semaphore, 1, &log, 1));
    let second = waiting(&semaphore, 1, &log, 2);
    semaphore.add_permits(1);
    // The leaked one has the permit now, and keeps it.
    assert_eq!(log.take(), [1]);
    drop(second);
    let moved = semaphore;
    assert_eq!(moved.available_permits(), 0);
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let semaphore = Semaphore::<H>::new(1);
    let mut future = Box::pin(semaphore.acquire());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
    assert_eq!(semaphore.available_permits(), 1);
}

fn permits_are_split_and_merged<H: Home>() {
    let semaphore = Semaphore::<H>::new(5);
    let mut all = semaphore.try_acquire_many(5).unwrap();
    let mut two = all.split(2).unwrap();
    assert!(two.split(3).is_none());
    assert_eq!((all.n_permits(), two.n_permits(), semaphore.available_permits()), (3, 2, 0));
    let none = two.split(0).unwrap();
    all.merge(none);
    two.merge(all);
    assert_eq!((two.n_permits(), semaphore.available_permits()), (5, 0));
    drop(two.split(4));
    assert_eq!(semaphore.available_permits(), 4);
    two.split(1).unwrap().forget();
    drop(two);
    assert_eq!(semaphore.available_permits(), 4);
}

fn permits_of_another_semaphore_are_not_merged<H: Home>() {
    let [one, other] = [(); 2].map(|()| Semaphore::<H>::new(1));
    let mut permit = one.try_acquire().unwrap();
    let foreign = other.try_acquire().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| permit.merge(foreign))).is_err());
    assert_eq!((permit.n_permits(), one.available_permits(), other.available_permits()), (1, 0, 1));
}

fn free_permits_are_taken_away<H: Home>() {
    let semaphore = Semaphore::<H>::new(3);
    let held = semaphore.try_acquire().unwrap();
    assert_eq!(semaphore.forget_permits(1), 1);
    assert_eq!(semaphore.forget_permits(2), 1);
    assert_eq!(semaphore.forget_permits(2), 0);
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
}

fn permits_kept_for_the_first_in_the_line_are_taken_away<H: Home>() {
    let (semaphore, log) = (Semaphore::<H>::new(2), WakeLog::default());
    let three = waiting(&semaphore, 3, &log, 1);
    assert_eq!(semaphore.forget_permits(1), 1);
    semaphore.add_permits(1);
    assert_eq!(log.take(), []);
    assert_eq!(semaphore.forget_permits(9), 2);
    assert_eq!(semaphore.forget_permits(9), 0);
    semaphore.add_permits(3);
    assert_eq!(log.take(), [1]);
    drop(permit(three));
    assert_eq!(semaphore.available_permits(), 3);
}

macro_rules! owned {
    ($($test:ident: $home:ty, $ref:ident;)+) => {$(
        #[test]
        fn $test() {
            live::leak_check(|| {
                let (semaphore, log) = ($ref::new(Semaphore::<$home>::new(1)), WakeLog::default());
                let held = semaphore.try_acquire_owned().unwrap();
                assert!(semaphore.try_acquire_owned().is_none());
                let mut first = Box::pin(semaphore.acquire_owned());
                let mut second = Box::pin(semaphore.acquire_many_owned(2));
                assert!(poll(&mut first, &log.waker(1)).is_pending());
                assert!(poll(&mut second, &log.waker(2)).is_pending());
                let third = waiting(&semaphore, 1, &log, 3);
                drop(held);
                assert_eq!(log.take(), [1]);
                assert!(poll_idle(&mut first).is_ready());
                drop(first);
                assert_eq!(log.take(), []);
                drop(second);
                assert_eq!(log.take(), [3]);
                drop(third);
                let last = semaphore.try_acquire_many_owned(1).unwrap();
                assert_eq!(format!("{last:?}"), "Permit(1)");
                let weak = $ref::downgrade(&semaphore);
                drop(semaphore);
                drop(last);
                assert!(weak.upgrade().is_none());
            });
        }
    )+};
}

owned! {
    owned_permits_wait_in_the_same_line_and_keep_the_semaphore_alive: aio_base::Shared, Arc;
    owned_permits_of_a_thread_wait_in_the_same_line_and_keep_the_semaphore_alive: aio_base::Local, Rc;
}

#[test]
fn a_thread_is_blocked_until_it_has_its_permits() {
    live::leak_check(|| {
        let semaphore = aio_sync::Semaphore::new(1);
        let held = semaphore.acquire_blocking();
        std::thread::scope(|scope| {
            let one = scope.spawn(|| drop(semaphore.acquire_blocking()));
            let two = scope.spawn(|| drop(semaphore.acquire_many_blocking(2)));
            semaphore.add_permits(1);
            drop(held);
            one.join().unwrap();
            two.join().unwrap();
        });
        assert_eq!(semaphore.available_permits(), 2);
    });
}
