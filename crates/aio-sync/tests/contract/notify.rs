//! The contract of the notification, in both homes.

mod model;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::NotifiedFuture;
use aio_sync::generic::Notify;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    one_wake_up_is_kept_if_nobody_waits,
    a_wake_up_goes_to_the_first_who_waits,
    a_wake_up_for_one_who_waits_is_not_kept,
    a_dropped_waiter_loses_its_place,
    a_woken_waiter_that_is_dropped_passes_the_wake_up_on,
    a_woken_waiter_that_is_the_last_leaves_the_wake_up_kept,
    a_call_for_all_wakes_those_who_wait_in_order_and_keeps_nothing,
    a_call_for_all_counts_for_those_who_have_asked,
    a_call_for_all_leaves_what_is_kept,
    one_woken_with_all_others_passes_nothing_on,
    an_enabled_one_has_its_place_in_the_line,
    an_enabled_one_that_got_what_was_kept_is_ready_or_passes_it_on,
    enabling_says_whether_it_has_been_notified,
    an_enabled_one_that_was_called_with_all_passes_nothing_on,
    enabling_it_again_changes_nothing,
    debug_shows_every_state,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panicking_waker_does_not_keep_the_others_asleep,
    wakers_may_use_the_notification_again,
    those_who_come_while_all_are_called_are_not_called,
    a_million_polls_and_drops_leave_nothing,
    polling_again_after_it_was_ready_panics,
}

type Waiting<'a, H> = Pin<Box<NotifiedFuture<'a, H>>>;

fn waiting<'a, H: Home>(notify: &'a Notify<H>, log: &WakeLog, name: usize) -> Waiting<'a, H> {
    let mut future = Box::pin(notify.notified());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn enabled<H: Home>(notify: &Notify<H>) -> Waiting<'_, H> {
    let mut future = Box::pin(notify.notified());
    future.as_mut().enable();
    future
}

/// Whether a wake-up was kept; it is not any more.
fn take_kept<H: Home>(notify: &Notify<H>) -> bool {
    poll_idle(&mut Box::pin(notify.notified())).is_ready()
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::Notify = aio_sync::Notify::const_new();
    let (shared, local) = (aio_sync::Notify::default(), aio_sync::local::Notify::new());
    SOMEWHERE.notify_one();
    shared.notify_one();
    local.notify_one();
    now(shared.notified());
    now(SOMEWHERE.notified());
    now(local.notified());
}

fn one_wake_up_is_kept_if_nobody_waits<H: Home>() {
    let notify = Notify::<H>::new();
    assert!(!take_kept(&notify));
    notify.notify_one();
    notify.notify_one();
    now(notify.notified());
    assert!(!take_kept(&notify));
}

fn a_wake_up_goes_to_the_first_who_waits<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let [first, second, _third] = [1, 2, 3].map(|name| waiting(&notify, &log, name));
    notify.notify_one();
    assert_eq!(log.take(), [1]);
    notify.notify_one();
    assert_eq!(log.take(), [2]);
    now(second);
    now(first);
}

fn a_wake_up_for_one_who_waits_is_not_kept<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let waiter = waiting(&notify, &log, 1);
    notify.notify_one();
    assert!(!take_kept(&notify));
    now(waiter);
}

fn a_dropped_waiter_loses_its_place<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let [first, _second] = [1, 2].map(|name| waiting(&notify, &log, name));
    drop(first);
    notify.notify_one();
    assert_eq!(log.take(), [2]);
}

fn a_woken_waiter_that_is_dropped_passes_the_wake_up_on<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let [first, second] = [1, 2].map(|name| waiting(&notify, &log, name));
    notify.notify_one();
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    now(second);
    assert!(!take_kept(&notify));
}

fn a_woken_waiter_that_is_the_last_leaves_the_wake_up_kept<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let only = waiting(&notify, &log, 1);
    notify.notify_one();
    drop(only);
    assert!(take_kept(&notify));
}

fn a_call_for_all_wakes_those_who_wait_in_order_and_keeps_nothing<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let waiters: Vec<_> = (0..40).map(|name| waiting(&notify, &log, name)).collect();
    notify.notify_all();
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    assert!(!take_kept(&notify));
    waiters.into_iter().for_each(now);
    notify.notify_all();
    assert!(!take_kept(&notify));
}

fn a_call_for_all_counts_for_those_who_have_asked<H: Home>() {
    let notify = Notify::<H>::new();
    let asked = notify.notified();
    notify.notify_all();
    now(asked);
    assert!(!take_kept(&notify));
}

fn a_call_for_all_leaves_what_is_kept<H: Home>() {
    let notify = Notify::<H>::new();
    notify.notify_one();
    let asked = notify.notified();
    notify.notify_all();
    now(asked);
    assert!(take_kept(&notify));
}

fn one_woken_with_all_others_passes_nothing_on<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let first = waiting(&notify, &log, 1);
    notify.notify_all();
    let _second = waiting(&notify, &log, 2);
    drop(first);
    assert_eq!(log.take(), [1]);
}

fn an_enabled_one_has_its_place_in_the_line<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let [mut first, mut second] = [(); 2].map(|()| enabled(&notify));
    let third = waiting(&notify, &log, 3);
    assert!(poll(&mut second, &log.waker(2)).is_pending());
    notify.notify_one();
    notify.notify_one();
    assert_eq!(log.take(), [2]);
    assert!(poll_idle(&mut first).is_ready());
    drop(second);
    assert_eq!(log.take(), [3]);
    now(third);
}

fn an_enabled_one_that_got_what_was_kept_is_ready_or_passes_it_on<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    notify.notify_one();
    let first = enabled(&notify);
    let second = waiting(&notify, &log, 2);
    drop(first);
    assert_eq!(log.take(), [2]);
    drop(second);
    let mut third = enabled(&notify);
    assert!(!take_kept(&notify));
    assert!(poll_idle(&mut third).is_ready());
    drop(third);
    assert!(!take_kept(&notify));
}

fn enabling_says_whether_it_has_been_notified<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let mut first = Box::pin(notify.notified());
    assert!(!first.as_mut().enable());
    assert!(poll(&mut first, &log.waker(1)).is_pending());
    assert!(!first.as_mut().enable());
    notify.notify_one();
    assert!(first.as_mut().enable());
    assert_eq!(log.take(), [1], "to ask takes no waker away");
    let mut of_all = Box::pin(notify.notified());
    notify.notify_all();
    assert!(of_all.as_mut().enable());
    now(first);
    notify.notify_one();
    let mut second = Box::pin(notify.notified());
    assert!(second.as_mut().enable());
    now(second);
    assert!(!take_kept(&notify));
}

fn an_enabled_one_that_was_called_with_all_passes_nothing_on<H: Home>() {
    let notify = Notify::<H>::new();
    let mut asked = Box::pin(notify.notified());
    let other = enabled(&notify);
    notify.notify_all();
    asked.as_mut().enable();
    drop((asked, other));
    assert!(!take_kept(&notify));
}

fn enabling_it_again_changes_nothing<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let mut first = waiting(&notify, &log, 1);
    first.as_mut().enable();
    notify.notify_one();
    first.as_mut().enable();
    assert_eq!(log.take(), [1]);
    now(first.as_mut());
    first.as_mut().enable();
    notify.notify_one();
    let mut second = enabled(&notify);
    second.as_mut().enable();
    now(second);
    assert!(!take_kept(&notify));
}

fn debug_shows_every_state<H: Home>() {
    let notify = Notify::<H>::new();
    let mut future = Box::pin(notify.notified());
    assert_eq!(format!("{notify:?} {future:?}"), "Notify { is_kept: false } NotifiedFuture(New)");
    assert!(poll_idle(&mut future).is_pending());
    assert_eq!(format!("{future:?}"), "NotifiedFuture(Queued)");
    notify.notify_one();
    assert_eq!(format!("{notify:?} {future:?}"), "Notify { is_kept: false } NotifiedFuture(Woken)");
    now(future.as_mut());
    notify.notify_one();
    assert_eq!(format!("{notify:?} {future:?}"), "Notify { is_kept: true } NotifiedFuture(Done)");
    assert_eq!(format!("{:?}", enabled(&notify)), "NotifiedFuture(Woken)");
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let mut waiter = waiting(&notify, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    notify.notify_one();
    assert_eq!(log.take(), [2]);
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let mut first = Box::pin(notify.notified());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(&notify, &log, 2);
    assert_eq!((panic_of(|| notify.notify_all()), log.take()), (1, vec![1, 2]));
    now(first);
    now(second);
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the notification is not in the middle of
/// something.
fn wakers_may_use_the_notification_again<H: Home>() {
    let notify = Rc::new(Notify::<H>::new());
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (notify, calls) = (notify.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = format!("{notify:?}");
            let _ = poll_idle(&mut Box::pin(notify.notified()));
            drop(enabled(&notify));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let [one, two] = [1, 2].map(hooked_waker);
        let [mut first, mut second, mut third] = [(); 3].map(|()| Box::pin(notify.notified()));
        assert!(poll(&mut first, &one).is_pending());
        assert!(poll(&mut second, &one).is_pending());
        assert!(poll(&mut third, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        notify.notify_one();
        assert!(called(), "wake");
        notify.notify_all();
        assert!(called(), "wake");
        now(first);
        now(third);
        drop((one, two));
    });
}

fn those_who_come_while_all_are_called_are_not_called<H: Home>() {
    let notify: Rc<Notify<H>> = Rc::default();
    let calls = Rc::new(Cell::new(0));
    let theirs = (notify.clone(), calls.clone());
    let hook = move || {
        theirs.1.set(theirs.1.get() + 1);
        // Everyone that is woken waits again.
        let mut again = Box::pin(theirs.0.notified());
        assert!(poll_idle(&mut again).is_pending());
        if theirs.1.get() == 20 {
            // The last of them is the first of the next call.
            theirs.0.notify_all();
            assert!(poll_idle(&mut again).is_ready());
        }
    };
    let mut waiters: Vec<_> = (0..40)
        .map(|name| {
            let mut waiter = Box::pin(notify.notified());
            assert!(poll(&mut waiter, &hooked_waker(name + 1)).is_pending());
            waiter
        })
        .collect();
    with_hook(hook, || {
        notify.notify_all();
        assert_eq!(calls.get(), 40);
    });
    assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));
    assert!(!take_kept(&notify));
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (notify, log) = (Notify::<H>::new(), WakeLog::default());
    let first = waiting(&notify, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(notify.notified()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    notify.notify_one();
    now(first);
    assert_eq!(log.take(), [1]);
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    for is_enabled in [true, false] {
        let notify = Notify::<H>::new();
        notify.notify_one();
        let mut future = Box::pin(notify.notified());
        if is_enabled {
            future.as_mut().enable();
        }
        assert!(poll_idle(&mut future).is_ready());
        assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
    }
}

#[test]
fn a_thread_is_blocked_until_it_is_notified() {
    live::leak_check(|| {
        let notify = aio_sync::Notify::new();
        std::thread::scope(|scope| {
            let threads = [(); 2].map(|()| scope.spawn(|| notify.notified_blocking()));
            // One may be woken by what the other leaves.
            for thread in threads {
                while !thread.is_finished() {
                    notify.notify_one();
                    std::thread::yield_now();
                }
                thread.join().unwrap();
            }
        });
    });
}
