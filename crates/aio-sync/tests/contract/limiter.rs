//! The contract of the capacity limiter, in both homes.

mod model;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::generic::CapacityLimiter;
use aio_sync::{LimiterFuture, LimiterPermit};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    an_available_token_is_borrowed_without_yielding,
    try_acquire_never_waits,
    debug_and_display_show_every_state,
    a_token_is_handed_to_the_first_in_the_line,
    nobody_overtakes_those_who_wait,
    a_dropped_waiter_loses_its_place,
    a_woken_waiter_that_is_dropped_passes_the_token_on,
    a_smaller_request_does_not_overtake_a_larger_one,
    a_larger_request_that_is_dropped_lets_those_behind_it_go,
    a_greater_total_is_handed_out_at_once,
    a_smaller_total_waits_for_what_is_borrowed,
    a_total_of_zero_stops_everybody,
    too_many_tokens_panic,
    statistics_are_of_one_moment,
    closing_sends_all_who_wait_away_in_order,
    a_closed_limiter_lends_nothing_and_takes_back,
    who_was_handed_a_token_before_the_close_has_it,
    permits_are_split_and_merged,
    permits_of_another_limiter_are_not_merged,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panic_gives_the_token_back,
    a_panicking_waker_does_not_keep_the_others_asleep,
    wakers_may_use_the_limiter_again,
    a_million_polls_and_drops_leave_nothing,
    polling_again_after_it_was_ready_panics,
}

type Waiting<'a, H> = Pin<Box<LimiterFuture<'a, H>>>;

fn waiting<'a, H: Home>(limiter: &'a CapacityLimiter<H>, n: usize, log: &WakeLog, name: usize) -> Waiting<'a, H> {
    let mut future = Box::pin(limiter.acquire_many(n));
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

/// The permit of a waiter that has been handed it.
fn permit<'a, H: Home>(mut future: Waiting<'a, H>) -> LimiterPermit<'a, H> {
    match poll_idle(&mut future) {
        Poll::Ready(permit) => permit.unwrap(),
        Poll::Pending => panic!("it was not handed a token"),
    }
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::CapacityLimiter = aio_sync::CapacityLimiter::const_new(1);
    let (shared, local) = (aio_sync::CapacityLimiter::new(1), aio_sync::local::CapacityLimiter::new(1));
    drop((now(shared.acquire()), now(SOMEWHERE.acquire()), now(local.acquire())));
    assert_eq!(SOMEWHERE.borrowed(), 0);
}

fn an_available_token_is_borrowed_without_yielding<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(2);
    let first = now(limiter.acquire()).unwrap();
    assert_eq!((first.n_tokens(), limiter.borrowed(), limiter.available(), limiter.total()), (1, 1, 1, 2));
    let second = now(limiter.acquire()).unwrap();
    assert_eq!(limiter.available(), 0);
    drop((first, second));
    assert_eq!((limiter.borrowed(), limiter.available(), limiter.total()), (0, 2, 2));
}

fn try_acquire_never_waits<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(1);
    let held = limiter.try_acquire().unwrap();
    assert!(limiter.try_acquire().unwrap_err().is_exhausted());
    drop(held);
    assert!(limiter.try_acquire_many(2).unwrap_err().is_exhausted());
    drop(limiter.try_acquire_many(0).unwrap());
    limiter.close();
    assert!(limiter.try_acquire().unwrap_err().is_closed());
}

fn debug_and_display_show_every_state<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(1);
    let mut future = Box::pin(limiter.acquire());
    assert_eq!(format!("{future:?}"), "LimiterFuture(New)");
    let held = limiter.try_acquire().unwrap();
    assert_eq!(format!("{held:?}"), "LimiterPermit(1)");
    assert!(poll_idle(&mut future).is_pending());
    assert_eq!(
        format!("{limiter:?} {future:?}"),
        "CapacityLimiter { total: 1, borrowed: 1, waiting: 1, is_closed: false } LimiterFuture(Queued)"
    );
    let exhausted = limiter.try_acquire().unwrap_err();
    limiter.close();
    let closed = limiter.try_acquire().unwrap_err();
    assert_eq!(format!("{future:?}"), "LimiterFuture(Woken)");
    assert_eq!(format!("{exhausted:?} {closed:?}"), "AcquireError(Exhausted) AcquireError(Closed)");
    assert_eq!(exhausted.to_string(), "failed to borrow from the capacity limiter: not enough is available");
    assert_eq!(closed.to_string(), "failed to borrow from the capacity limiter: it is closed");
    assert_eq!(format!("{limiter:?}"), "CapacityLimiter { total: 1, borrowed: 1, waiting: 0, is_closed: true }");
}

fn a_token_is_handed_to_the_first_in_the_line<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(2), WakeLog::default());
    let held = [limiter.try_acquire().unwrap(), limiter.try_acquire().unwrap()];
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&limiter, 1, &log, name));
    assert_eq!(log.take(), []);
    drop(held);
    assert_eq!(log.take(), [1, 2]);
    drop(permit(second));
    assert_eq!(log.take(), [3]);
    drop((permit(first), permit(third)));
    assert_eq!(limiter.borrowed(), 0);
}

fn nobody_overtakes_those_who_wait<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let first = waiting(&limiter, 1, &log, 1);
    drop(held);
    assert!(limiter.try_acquire().is_err());
    let second = waiting(&limiter, 1, &log, 2);
    drop(permit(first));
    assert_eq!(log.take(), [1, 2]);
    assert!(limiter.try_acquire().is_err());
    drop(permit(second));
    assert!(limiter.try_acquire().is_ok());
    // What is available is kept for the first in the line.
    let two = waiting(&limiter, 2, &log, 3);
    assert_eq!(limiter.available(), 1);
    assert!(limiter.try_acquire().is_err());
    assert!(limiter.try_acquire_many(0).is_err());
    drop(two);
    assert!(limiter.try_acquire().is_ok());
}

fn a_dropped_waiter_loses_its_place<H: Home>() {
    // The first, the one in the middle, the last.
    for dropped in 0..3 {
        let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
        let held = limiter.try_acquire().unwrap();
        let mut waiters: Vec<_> = (0..3).map(|name| (name, waiting(&limiter, 1, &log, name))).collect();
        drop(waiters.remove(dropped));
        assert_eq!(limiter.statistics().waiting, 2);
        drop(held);
        for (name, waiter) in waiters {
            assert_eq!(log.take(), [name]);
            drop(permit(waiter));
        }
        assert_eq!(limiter.borrowed(), 0);
    }
}

fn a_woken_waiter_that_is_dropped_passes_the_token_on<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let [first, second, third] = [1, 2, 3].map(|name| waiting(&limiter, 1, &log, name));
    drop(held);
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(second);
    assert_eq!(log.take(), [3]);
    assert_eq!(limiter.borrowed(), 1);
    drop(third);
    assert_eq!(limiter.borrowed(), 0);
}

fn a_smaller_request_does_not_overtake_a_larger_one<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let [three, one, another] = [(3, 1), (1, 2), (1, 3)].map(|(n, name)| waiting(&limiter, n, &log, name));
    limiter.set_total(2);
    assert_eq!(log.take(), []);
    limiter.set_total(4);
    assert_eq!(log.take(), [1, 2]);
    drop(permit(three));
    assert_eq!(log.take(), [3]);
    drop((permit(one), permit(another)));
    assert_eq!(limiter.available(), 4);
}

fn a_larger_request_that_is_dropped_lets_those_behind_it_go<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(2), WakeLog::default());
    let five = waiting(&limiter, 5, &log, 1);
    let behind = [2, 3, 4].map(|name| waiting(&limiter, 1, &log, name));
    drop(five);
    assert_eq!(log.take(), [2, 3]);
    drop(behind);
    // Woken, and then dropped: three are handed to the three behind.
    limiter.set_total(3);
    let held = limiter.try_acquire_many(3).unwrap();
    let three = waiting(&limiter, 3, &log, 1);
    let behind = [2, 3, 4].map(|name| waiting(&limiter, 1, &log, name));
    log.take();
    drop(held);
    drop(three);
    assert_eq!(log.take(), [1, 2, 3, 4]);
    drop(behind);
    assert_eq!(limiter.borrowed(), 0);
}

fn a_greater_total_is_handed_out_at_once<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(0), WakeLog::default());
    let waiters: Vec<_> = (0..40).map(|name| waiting(&limiter, 1, &log, name)).collect();
    limiter.set_total(35);
    assert_eq!(log.take(), (0..35).collect::<Vec<_>>());
    assert_eq!((limiter.borrowed(), limiter.available(), limiter.statistics().waiting), (35, 0, 5));
    limiter.set_total(50);
    assert_eq!(log.take(), (35..40).collect::<Vec<_>>());
    assert_eq!(limiter.available(), 10);
    drop(waiters);
    assert_eq!(limiter.available(), 50);
}

fn a_smaller_total_waits_for_what_is_borrowed<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(3), WakeLog::default());
    let mut held = limiter.try_acquire_many(3).unwrap();
    let waiter = waiting(&limiter, 1, &log, 1);
    limiter.set_total(1);
    assert_eq!((limiter.borrowed(), limiter.available()), (3, -2));
    drop(held.split(2));
    assert_eq!((log.take(), limiter.available()), (vec![], 0));
    drop(held);
    assert_eq!((log.take(), limiter.available()), (vec![1], 0));
    drop(permit(waiter));
    assert_eq!(limiter.available(), 1);
}

fn a_total_of_zero_stops_everybody<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let waiter = waiting(&limiter, 1, &log, 1);
    limiter.set_total(0);
    drop(held);
    assert_eq!(log.take(), []);
    limiter.set_total(1);
    assert_eq!(log.take(), [1]);
    drop(permit(waiter));
}

fn too_many_tokens_panic<H: Home>() {
    let most = CapacityLimiter::<H>::MAX_TOTAL;
    assert!(catch_unwind(|| CapacityLimiter::<H>::new(most + 1)).is_err());
    let limiter = CapacityLimiter::<H>::new(1);
    assert!(catch_unwind(AssertUnwindSafe(|| limiter.set_total(most + 1))).is_err());
    limiter.set_total(most);
    let all = limiter.try_acquire_many(most).unwrap();
    assert!(limiter.try_acquire().is_err());
    limiter.set_total(0);
    assert_eq!(limiter.available(), -most.cast_signed());
    drop(all);
}

fn statistics_are_of_one_moment<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(3), WakeLog::default());
    let two = limiter.try_acquire_many(2).unwrap();
    let waiters = [2, 1].map(|n| waiting(&limiter, n, &log, n));
    let statistics = limiter.statistics();
    assert_eq!(statistics, limiter.statistics());
    assert_eq!((statistics.total, statistics.borrowed, statistics.most_borrowed, statistics.waiting), (3, 2, 2, 2));
    drop(two);
    let statistics = limiter.statistics();
    assert_eq!((statistics.total, statistics.borrowed, statistics.most_borrowed, statistics.waiting), (3, 3, 3, 0));
    drop(waiters);
    let statistics = limiter.statistics();
    assert_eq!((statistics.borrowed, statistics.most_borrowed), (0, 3));
}

fn closing_sends_all_who_wait_away_in_order<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let waiters: Vec<_> = (0..40).map(|name| waiting(&limiter, 1 + name % 3, &log, name)).collect();
    assert!(!limiter.is_closed());
    limiter.close();
    limiter.close();
    assert!(limiter.is_closed());
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    assert_eq!((limiter.statistics().waiting, limiter.borrowed()), (0, 1));
    for mut waiter in waiters {
        let Poll::Ready(Err(error)) = poll_idle(&mut waiter) else { panic!("it was not sent away") };
        assert!(error.is_closed());
    }
    drop(held);
    assert_eq!(limiter.borrowed(), 0);
}

fn a_closed_limiter_lends_nothing_and_takes_back<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(2);
    let held = limiter.try_acquire().unwrap();
    limiter.close();
    assert!(now(limiter.acquire()).unwrap_err().is_closed());
    limiter.set_total(5);
    assert!(now(limiter.acquire_many(0)).unwrap_err().is_closed());
    drop(held);
    assert_eq!(limiter.available(), 5);
}

fn who_was_handed_a_token_before_the_close_has_it<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let [first, mut second] = [1, 2].map(|name| waiting(&limiter, 1, &log, name));
    drop(held);
    limiter.close();
    let held = permit(first);
    assert!(matches!(poll_idle(&mut second), Poll::Ready(Err(_))));
    assert_eq!(limiter.borrowed(), 1);
    drop(held);
    assert_eq!(limiter.borrowed(), 0);
}

fn permits_are_split_and_merged<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(5);
    let mut all = limiter.try_acquire_many(5).unwrap();
    let mut two = all.split(2).unwrap();
    assert!(two.split(3).is_none());
    assert_eq!((all.n_tokens(), two.n_tokens(), limiter.borrowed()), (3, 2, 5));
    two.merge(all);
    assert_eq!((two.n_tokens(), limiter.borrowed()), (5, 5));
    drop(two.split(4));
    assert_eq!(limiter.borrowed(), 1);
}

fn permits_of_another_limiter_are_not_merged<H: Home>() {
    let [one, other] = [(); 2].map(|()| CapacityLimiter::<H>::new(1));
    let mut permit = one.try_acquire().unwrap();
    let foreign = other.try_acquire().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| permit.merge(foreign))).is_err());
    assert_eq!((permit.n_tokens(), one.borrowed(), other.borrowed()), (1, 1, 0));
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let mut waiter = waiting(&limiter, 1, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    drop(held);
    assert_eq!(log.take(), [2]);
    drop(permit(waiter));
}

fn a_panic_gives_the_token_back<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(1);
    assert_eq!(
        panic_of(|| {
            let _held = limiter.try_acquire().unwrap();
            std::panic::panic_any(5_usize);
        }),
        5
    );
    assert_eq!(limiter.borrowed(), 0);
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let panicking = |limiter: &CapacityLimiter<H>, log: &WakeLog, wake: &dyn Fn()| {
        let mut first = Box::pin(limiter.acquire());
        assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
        let second = waiting(limiter, 1, log, 2);
        assert_eq!(panic_of(wake), 1);
        assert_eq!(log.take(), [1, 2]);
        drop((first, second));
    };
    let (limiter, log) = (CapacityLimiter::<H>::new(0), WakeLog::default());
    panicking(&limiter, &log, &|| limiter.set_total(2));
    limiter.set_total(0);
    panicking(&limiter, &log, &|| limiter.close());
    assert_eq!(limiter.borrowed(), 0);
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the limiter is not in the middle of
/// something.
fn wakers_may_use_the_limiter_again<H: Home>() {
    let limiter = Rc::new(CapacityLimiter::<H>::new(1));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (limiter, calls) = (limiter.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = format!("{limiter:?}");
            drop(limiter.try_acquire());
            limiter.set_total(1);
            let _ = poll_idle(&mut Box::pin(limiter.acquire_many(2)));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let held = limiter.try_acquire().unwrap();
        let [one, two] = [1, 2].map(hooked_waker);
        let mut first = Box::pin(limiter.acquire());
        let mut second = Box::pin(limiter.acquire());
        let mut third = Box::pin(limiter.acquire());
        assert!(poll(&mut first, &one).is_pending());
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        drop(held);
        assert!(called(), "wake");
        drop(permit(first));
        let held = limiter.try_acquire().unwrap();
        assert!(poll(&mut third, &one).is_pending());
        assert!(called(), "clone");
        limiter.close();
        assert!(called(), "wake");
        drop((held, one, two));
        assert_eq!(limiter.borrowed(), 0);
    });
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (limiter, log) = (CapacityLimiter::<H>::new(1), WakeLog::default());
    let held = limiter.try_acquire().unwrap();
    let first = waiting(&limiter, 1, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(limiter.acquire()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    drop(held);
    drop(permit(first));
    assert_eq!(log.take(), [1]);
    assert_eq!((limiter.borrowed(), limiter.statistics().waiting), (0, 0));
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let limiter = CapacityLimiter::<H>::new(1);
    let mut future = Box::pin(limiter.acquire());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
    assert_eq!(limiter.borrowed(), 0);
}

macro_rules! owned {
    ($($test:ident: $home:ty, $ref:ident;)+) => {$(
        #[test]
        fn $test() {
            live::leak_check(|| {
                let (limiter, log) = ($ref::new(CapacityLimiter::<$home>::new(1)), WakeLog::default());
                let held = limiter.try_acquire_owned().unwrap();
                assert!(limiter.try_acquire_owned().unwrap_err().is_exhausted());
                let mut first = Box::pin(limiter.acquire_owned());
                assert!(poll(&mut first, &log.waker(1)).is_pending());
                let second = waiting(&limiter, 1, &log, 2);
                drop(held);
                assert!(poll_idle(&mut first).is_ready());
                assert_eq!(log.take(), [1, 2]);
                drop(second);
                let last = limiter.try_acquire_many_owned(1).unwrap();
                let weak = $ref::downgrade(&limiter);
                drop((limiter, first));
                assert!(weak.upgrade().is_some());
                drop(last);
                assert!(weak.upgrade().is_none());
            });
        }
    )+};
}

owned! {
    owned_permits_wait_in_the_same_line_and_keep_the_limiter_alive: aio_base::Shared, Arc;
    owned_permits_of_a_thread_wait_in_the_same_line_and_keep_the_limiter_alive: aio_base::Local, Rc;
}

#[test]
fn a_thread_is_blocked_until_it_has_its_tokens_or_the_limiter_is_closed() {
    live::leak_check(|| {
        let limiter = aio_sync::CapacityLimiter::new(1);
        let held = limiter.acquire_blocking().unwrap();
        std::thread::scope(|scope| {
            let one = scope.spawn(|| limiter.acquire_blocking().map(drop));
            let two = scope.spawn(|| limiter.acquire_many_blocking(2).map(drop));
            limiter.set_total(3);
            drop(held);
            one.join().unwrap().unwrap();
            two.join().unwrap().unwrap();
            let refused = scope.spawn(|| limiter.acquire_many_blocking(4).map(drop));
            limiter.close();
            assert!(refused.join().unwrap().unwrap_err().is_closed());
        });
        assert!(limiter.acquire_blocking().unwrap_err().is_closed());
        assert_eq!(limiter.borrowed(), 0);
    });
}
