//! The contract of the latch, in both homes.

mod model;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::LatchFuture;
use aio_sync::generic::Latch;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    it_opens_when_it_was_counted_down_and_stays_open,
    a_latch_of_zero_is_open,
    it_wakes_all_who_wait_in_order,
    counting_by_nothing_wakes_nobody,
    counting_below_zero_panics_and_counts_nothing,
    debug_shows_every_state,
    a_dropped_waiter_leaves_the_others,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panicking_waker_does_not_keep_the_others_asleep,
    wakers_may_use_the_latch_again,
    a_million_polls_and_drops_leave_nothing,
    polling_again_after_it_was_ready_panics,
}

fn waiting<'a, H: Home>(latch: &'a Latch<H>, log: &WakeLog, name: usize) -> Pin<Box<LatchFuture<'a, H>>> {
    let mut future = Box::pin(latch.wait());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::Latch = aio_sync::Latch::const_new(0);
    let (shared, local) = (aio_sync::Latch::new(0), aio_sync::local::Latch::new(0));
    now(shared.wait());
    now(SOMEWHERE.wait());
    now(local.wait());
}

fn it_opens_when_it_was_counted_down_and_stays_open<H: Home>() {
    let latch = Latch::<H>::new(3);
    assert!(poll_idle(&mut Box::pin(latch.wait())).is_pending());
    latch.arrive();
    assert_eq!((latch.count(), latch.is_open()), (2, false));
    latch.count_down(2);
    assert_eq!((latch.count(), latch.is_open()), (0, true));
    now(latch.wait());
    now(latch.wait());
}

fn a_latch_of_zero_is_open<H: Home>() {
    let latch = Latch::<H>::new(0);
    assert!(latch.is_open());
    now(latch.wait());
    latch.count_down(0);
}

fn it_wakes_all_who_wait_in_order<H: Home>() {
    let (latch, log) = (Latch::<H>::new(2), WakeLog::default());
    let waiters: Vec<_> = (0..40).map(|name| waiting(&latch, &log, name)).collect();
    latch.arrive();
    assert_eq!(log.take(), []);
    latch.arrive();
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    waiters.into_iter().for_each(now);
}

fn counting_by_nothing_wakes_nobody<H: Home>() {
    let (latch, log) = (Latch::<H>::new(1), WakeLog::default());
    let _waiter = waiting(&latch, &log, 1);
    latch.count_down(0);
    assert_eq!((latch.count(), log.take()), (1, vec![]));
}

fn counting_below_zero_panics_and_counts_nothing<H: Home>() {
    let latch = Latch::<H>::new(1);
    assert!(catch_unwind(AssertUnwindSafe(|| latch.count_down(2))).is_err());
    assert_eq!(latch.count(), 1);
    latch.arrive();
    assert!(catch_unwind(AssertUnwindSafe(|| latch.arrive())).is_err());
    assert!(latch.is_open());
}

fn debug_shows_every_state<H: Home>() {
    let latch = Latch::<H>::new(1);
    let mut future = Box::pin(latch.wait());
    assert_eq!(format!("{latch:?} {future:?}"), "Latch { count: 1 } LatchFuture(New)");
    assert!(poll_idle(&mut future).is_pending());
    assert_eq!(format!("{future:?}"), "LatchFuture(Queued)");
    latch.arrive();
    assert_eq!(format!("{latch:?} {future:?}"), "Latch { count: 0 } LatchFuture(Woken)");
    now(future.as_mut());
    assert_eq!(format!("{future:?}"), "LatchFuture(Done)");
}

fn a_dropped_waiter_leaves_the_others<H: Home>() {
    let (latch, log) = (Latch::<H>::new(1), WakeLog::default());
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&latch, &log, name));
    drop(second);
    latch.arrive();
    assert_eq!(log.take(), [1, 3]);
    drop(first);
    now(third);
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (latch, log) = (Latch::<H>::new(1), WakeLog::default());
    let mut waiter = waiting(&latch, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    latch.arrive();
    assert_eq!(log.take(), [2]);
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (latch, log) = (Latch::<H>::new(1), WakeLog::default());
    let mut first = Box::pin(latch.wait());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(&latch, &log, 2);
    assert_eq!((panic_of(|| latch.arrive()), log.take()), (1, vec![1, 2]));
    now(first);
    now(second);
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the latch is not in the middle of something.
fn wakers_may_use_the_latch_again<H: Home>() {
    let latch = Rc::new(Latch::<H>::new(1));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (latch, calls) = (latch.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            latch.count_down(0);
            let _ = poll_idle(&mut Box::pin(latch.wait()));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let [one, two] = [1, 2].map(hooked_waker);
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(latch.wait()));
        assert!(poll(&mut first, &one).is_pending());
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        latch.arrive();
        assert!(called(), "wake");
        now(first);
        drop((one, two));
    });
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (latch, log) = (Latch::<H>::new(1), WakeLog::default());
    let first = waiting(&latch, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(latch.wait()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    latch.arrive();
    now(first);
    assert_eq!(log.take(), [1]);
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let latch = Latch::<H>::new(0);
    let mut future = Box::pin(latch.wait());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
}

#[test]
fn a_thread_is_blocked_until_the_latch_is_open() {
    live::leak_check(|| {
        let latch = aio_sync::Latch::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                latch.wait_blocking();
                assert!(latch.is_open());
            });
            latch.arrive();
            latch.arrive();
        });
        latch.wait_blocking();
    });
}
