//! The contract of the event, in both homes.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::EventFuture;
use aio_sync::generic::Event;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    an_event_is_clear_at_first,
    waiting_for_a_set_event_does_not_yield,
    all_who_wait_are_woken_in_order,
    clearing_at_once_does_not_un_wake,
    a_woken_waiter_that_comes_again_waits_again,
    a_dropped_waiter_is_not_woken,
    dropping_a_woken_waiter_takes_nothing_from_the_others,
    setting_twice_wakes_once,
    more_than_one_batch_is_woken_in_order,
    a_panicking_waker_does_not_keep_the_others_asleep,
    who_comes_while_others_are_woken_is_not_woken_by_the_same_set,
    wakers_may_use_the_event_again,
    the_waker_of_the_last_poll_is_the_one_called,
    debug_shows_every_state,
    a_million_polls_and_drops_leave_nothing,
    polling_again_after_it_was_ready_panics,
}

fn waiting<'a, H: Home>(event: &'a Event<H>, log: &WakeLog, name: usize) -> Pin<Box<EventFuture<'a, H>>> {
    let mut future = Box::pin(event.wait());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

#[test]
fn both_homes_are_inferred() {
    let (shared, local) = (aio_sync::Event::new(), aio_sync::local::Event::new());
    shared.set();
    local.set();
    now(shared.wait());
    now(local.wait());
    static SOMEWHERE: aio_sync::Event = aio_sync::Event::const_new();
    assert!(!SOMEWHERE.is_set());
}

fn an_event_is_clear_at_first<H: Home>() {
    let event = Event::<H>::default();
    assert!(!event.is_set());
    event.set();
    assert!(event.is_set());
    event.clear();
    assert!(!event.is_set());
}

fn waiting_for_a_set_event_does_not_yield<H: Home>() {
    let event = Event::<H>::new();
    event.set();
    now(event.wait());
    now(event.wait());
    event.clear();
    assert!(poll_idle(&mut Box::pin(event.wait())).is_pending());
}

fn all_who_wait_are_woken_in_order<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let waiters = [1, 2, 3].map(|name| waiting(&event, &log, name));
    assert_eq!(log.take(), []);
    event.set();
    assert_eq!(log.take(), [1, 2, 3]);
    for mut waiter in waiters {
        assert!(poll_idle(&mut waiter).is_ready());
    }
}

fn clearing_at_once_does_not_un_wake<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let mut waiter = waiting(&event, &log, 1);
    event.set();
    event.clear();
    assert!(poll_idle(&mut Box::pin(event.wait())).is_pending());
    assert!(poll_idle(&mut waiter).is_ready());
    assert!(!event.is_set());
}

fn a_woken_waiter_that_comes_again_waits_again<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    for round in 0..3 {
        let mut waiter = waiting(&event, &log, round);
        event.set();
        event.clear();
        assert_eq!(log.take(), [round]);
        assert!(poll_idle(&mut waiter).is_ready());
    }
}

fn a_dropped_waiter_is_not_woken<H: Home>() {
    for dropped in 0..3 {
        let (event, log) = (Event::<H>::new(), WakeLog::default());
        let mut waiters: Vec<_> = (0..3).map(|name| waiting(&event, &log, name)).collect();
        drop(waiters.remove(dropped));
        event.set();
        let others: Vec<_> = (0..3).filter(|&name| name != dropped).collect();
        assert_eq!(log.take(), others);
    }
}

fn dropping_a_woken_waiter_takes_nothing_from_the_others<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let [first, mut second] = [1, 2].map(|name| waiting(&event, &log, name));
    event.set();
    event.clear();
    drop(first);
    assert!(poll_idle(&mut second).is_ready());
    assert_eq!(log.take(), [1, 2]);
}

fn setting_twice_wakes_once<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let _waiter = waiting(&event, &log, 1);
    event.set();
    event.set();
    assert_eq!(log.take(), [1]);
}

fn more_than_one_batch_is_woken_in_order<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let waiters: Vec<_> = (0..100_000).map(|name| waiting(&event, &log, name)).collect();
    event.set();
    assert!(log.take().into_iter().eq(0..100_000));
    for mut waiter in waiters {
        assert!(poll_idle(&mut waiter).is_ready());
    }
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    // Enough for several batches, with panics in two of them.
    let mut waiters: Vec<_> = (0..50).map(|_| Box::pin(event.wait())).collect();
    for (name, waiter) in waiters.iter_mut().enumerate() {
        let waker = if name % 20 == 5 { log.panicking_waker(name) } else { log.waker(name) };
        assert!(poll(waiter, &waker).is_pending());
    }
    assert_eq!(panic_of(|| event.set()), 5);
    assert!(log.take().into_iter().eq(0..50));
    assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));
}

/// Each waiter that is woken clears the flag and waits again, at once: `set` must come to an end all the same.
fn who_comes_while_others_are_woken_is_not_woken_by_the_same_set<H: Home>() {
    // More than one batch, so that the line is looked at again after the first have come back.
    const N: usize = 40;
    let event: &'static Event<H> = Box::leak(Box::new(Event::new()));
    let again = Rc::new(RefCell::new(Vec::new()));
    let is_waking = Rc::new(Cell::new(false));
    let hook = {
        let (again, is_waking) = (again.clone(), is_waking.clone());
        move || {
            if is_waking.get() {
                event.clear();
                let mut future = Box::pin(event.wait());
                assert!(poll_idle(&mut future).is_pending());
                again.borrow_mut().push(future);
            }
        }
    };
    with_hook(hook, || {
        let mut waiters: Vec<_> = (0..N).map(|_| Box::pin(event.wait())).collect();
        for waiter in &mut waiters {
            assert!(poll(waiter, &hooked_waker(1)).is_pending());
        }
        is_waking.set(true);
        event.set();
        is_waking.set(false);
        assert!(!event.is_set());
        assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));
        let mut again = again.take();
        assert_eq!(again.len(), N);
        assert!(again.iter_mut().all(|waiter| poll_idle(waiter).is_pending()));
        event.set();
        assert!(again.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));
    });
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the event is not in the middle of something.
fn wakers_may_use_the_event_again<H: Home>() {
    let event = Rc::new(Event::<H>::new());
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (event, calls) = (event.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            // Not without end: each `set` wakes those who are left.
            event.set();
            event.clear();
            let _ = (format!("{event:?}"), poll_idle(&mut Box::pin(event.wait())));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let [one, two] = [1, 2].map(hooked_waker);
        let [mut first, mut second, mut third] = [(); 3].map(|()| Box::pin(event.wait()));
        assert!(poll(&mut first, &one).is_pending());
        assert!(called(), "clone");
        // Cloning the second waker has woken the first waiter.
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone, and wake");
        assert!(poll(&mut first, &one).is_ready());
        // As here: it is ready, since cloning the waker for this poll has woken it.
        assert!(poll(&mut second, &two).is_ready());
        assert!(called(), "clone and drop, in the line");
        assert!(poll(&mut third, &two).is_pending());
        assert!(called(), "clone");
        drop(third);
        assert!(called(), "drop, out of the line");
        let mut fourth = Box::pin(event.wait());
        assert!(poll(&mut fourth, &two).is_pending());
        calls.set(0);
        event.set();
        assert!(called(), "wake");
        assert!(poll(&mut fourth, &two).is_ready());
    });
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let mut waiter = waiting(&event, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    event.set();
    assert_eq!(log.take(), [2]);
}

fn debug_shows_every_state<H: Home>() {
    let event = Event::<H>::new();
    let mut waiter = Box::pin(event.wait());
    assert_eq!(format!("{event:?} {waiter:?}"), "Event { is_set: false } EventFuture(New)");
    assert!(poll_idle(&mut waiter).is_pending());
    assert_eq!(format!("{waiter:?}"), "EventFuture(Queued)");
    event.set();
    assert_eq!(format!("{event:?} {waiter:?}"), "Event { is_set: true } EventFuture(Woken)");
    assert!(poll_idle(&mut waiter).is_ready());
    assert_eq!(format!("{waiter:?}"), "EventFuture(Done)");
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (event, log) = (Event::<H>::new(), WakeLog::default());
    let mut first = waiting(&event, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(event.wait()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    event.set();
    assert_eq!(log.take(), [1]);
    assert!(poll_idle(&mut first).is_ready());
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let event = Event::<H>::new();
    event.set();
    let mut future = Box::pin(event.wait());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
}

#[test]
fn a_thread_is_blocked_until_it_is_set() {
    aio_base::live::leak_check(|| {
        let event = aio_sync::Event::new();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| event.wait_blocking());
            event.set();
            waits.join().unwrap();
        });
        event.wait_blocking();
    });
}
