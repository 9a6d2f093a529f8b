//! The contract of the watch channel, in both homes.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::generic::watch::{self, ChangedFuture, Receiver, Ref, Sender, WatchStream};
use futures_core::Stream;
use proptest::prelude::*;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

in_both_homes! {
    the_first_value_has_been_seen,
    a_change_is_seen_once,
    only_the_newest_value_counts,
    who_waits_is_woken_in_order,
    a_clone_has_seen_what_its_origin_has,
    marks_can_be_set,
    a_value_for_nobody_comes_back,
    replacing_works_for_nobody_too,
    a_snapshot_stays_what_it_was_and_keeps_nobody_from_sending,
    modifying_works_on_a_clone,
    a_modification_that_declines_changes_nothing,
    a_modification_begins_again_if_somebody_sends_meanwhile,
    a_panicking_modification_changes_nothing,
    waiting_for_a_value_begins_with_the_one_there,
    waiting_for_a_value_skips_others,
    the_last_value_is_seen_before_the_end,
    who_waits_hears_that_all_senders_are_gone,
    who_waits_for_the_last_receiver_is_woken,
    who_waited_for_the_last_receiver_goes_though_another_came,
    counts_are_of_those_who_are_there,
    a_stream_gives_each_newest_value_and_ends,
    a_stream_that_waits_may_be_dropped,
    a_dropped_waiter_is_not_woken,
    the_waker_of_the_last_poll_is_the_one_called,
    more_than_one_batch_is_woken_in_order,
    a_panicking_waker_does_not_keep_the_others_asleep,
    a_panicking_destructor_after_a_panicking_waker_is_left_out,
    who_comes_while_others_are_woken_is_not_woken_by_the_same_change,
    wakers_and_destructors_may_use_the_channel_again,
    values_are_dropped_when_nobody_has_them,
    debug_shows_the_value,
    a_million_polls_and_drops_leave_nothing,
    polling_again_after_it_was_ready_panics,
    the_watch_channel_behaves_like_its_model,
}

fn channel<T, H: Home>(value: T) -> (Sender<T, H>, Receiver<T, H>) {
    watch::channel(value)
}

fn waiting<'a, T, H: Home>(
    receiver: &'a mut Receiver<T, H>,
    log: &WakeLog,
    name: usize,
) -> Pin<Box<ChangedFuture<'a, T, H>>> {
    let mut future = Box::pin(receiver.changed());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn poll_next<T, H: Home>(stream: &mut Pin<Box<WatchStream<T, H>>>, waker: &Waker) -> Poll<Option<Ref<T, H>>> {
    stream.as_mut().poll_next(&mut Context::from_waker(waker))
}

#[test]
fn both_homes_are_inferred() {
    let (sender, mut receiver) = aio_sync::watch::channel(1);
    sender.send(2).unwrap();
    now(receiver.changed()).unwrap();
    let (sender, mut receiver) = aio_sync::local::watch::channel(Rc::new(1));
    sender.send(Rc::new(2)).unwrap();
    now(receiver.changed()).unwrap();
}

#[test]
fn threads_may_block() {
    live::leak_check(|| {
        let (sender, mut receiver) = aio_sync::watch::channel(0);
        let other = std::thread::spawn(move || {
            assert_eq!(*receiver.wait_for_blocking(|value| *value >= 2).unwrap(), 2);
            receiver.changed_blocking().unwrap_err()
        });
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        drop(sender);
        other.join().unwrap();

        let (sender, receiver) = aio_sync::watch::channel(0);
        let other = std::thread::spawn(move || sender.closed_blocking());
        drop(receiver);
        other.join().unwrap();
    });
}

fn the_first_value_has_been_seen<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    assert_eq!((*receiver.borrow(), *sender.borrow()), (1, 1));
    assert_eq!(receiver.has_changed(), Ok(false));
    assert!(poll_idle(&mut Box::pin(receiver.changed())).is_pending());
    sender.send(2).unwrap();
    assert_eq!(sender.subscribe().has_changed(), Ok(false));
}

fn a_change_is_seen_once<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    sender.send(2).unwrap();
    assert_eq!(*receiver.borrow(), 2);
    assert_eq!(receiver.has_changed(), Ok(true));
    now(receiver.changed()).unwrap();
    assert_eq!(receiver.has_changed(), Ok(false));
    sender.send(2).unwrap();
    assert_eq!(*receiver.borrow_and_update(), 2);
    assert_eq!(receiver.has_changed(), Ok(false));
    assert!(poll_idle(&mut Box::pin(receiver.changed())).is_pending());
}

fn only_the_newest_value_counts<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(0));
    let mut future = waiting(&mut receiver, &log, 1);
    for i in 1..=3 {
        sender.send(i).unwrap();
    }
    assert_eq!(log.take(), [1]);
    assert_eq!(poll_idle(&mut future), Poll::Ready(Ok(())));
    drop(future);
    assert_eq!(*receiver.borrow(), 3);
    assert_eq!(receiver.has_changed(), Ok(false));
}

fn who_waits_is_woken_in_order<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(0));
    let mut receivers = [(); 3].map(|()| receiver.clone());
    let mut name = 0;
    let mut futures = receivers.each_mut().map(|receiver| {
        name += 1;
        waiting(receiver, &log, name)
    });
    sender.send(1).unwrap();
    assert_eq!(log.take(), [1, 2, 3]);
    assert!(futures.iter_mut().all(|future| poll_idle(future).is_ready()));
}

fn a_clone_has_seen_what_its_origin_has<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    sender.send(2).unwrap();
    let older = receiver.clone();
    receiver.borrow_and_update();
    let newer = receiver.clone();
    assert_eq!((older.has_changed(), newer.has_changed()), (Ok(true), Ok(false)));
    assert!(older.same_channel(&newer) && sender.same_channel(&sender.clone()));
    let (other, watches_other) = channel::<_, H>(1);
    assert!(!newer.same_channel(&watches_other) && !sender.same_channel(&other));
}

fn marks_can_be_set<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    receiver.mark_changed();
    assert_eq!(receiver.has_changed(), Ok(true));
    now(receiver.changed()).unwrap();
    sender.send(2).unwrap();
    receiver.mark_unchanged();
    assert_eq!(receiver.has_changed(), Ok(false));
    receiver.mark_changed();
    drop(sender);
    assert_eq!(receiver.has_changed(), Ok(true));
    receiver.mark_unchanged();
    assert!(receiver.has_changed().is_err());
}

fn a_value_for_nobody_comes_back<H: Home>() {
    let (sender, receiver) = channel::<_, H>(String::from("old"));
    drop(receiver);
    let error = sender.send(String::from("new")).unwrap_err();
    assert_eq!(error.to_string(), "failed to send the value: nobody watches");
    assert_eq!((error.into_inner().as_str(), sender.borrow().as_str()), ("new", "old"));
    let receiver = sender.subscribe();
    sender.send(String::from("new")).unwrap();
    assert_eq!(*receiver.borrow(), "new");
}

fn replacing_works_for_nobody_too<H: Home>() {
    let sender = Sender::<_, H>::new(1);
    assert!(sender.is_closed());
    assert_eq!(*sender.send_replace(2), 1);
    sender.send_modify(|value| *value += 1);
    assert_eq!(*sender.subscribe().borrow(), 3);
    assert_eq!(*Sender::<u32, H>::default().borrow(), 0);
}

fn a_snapshot_stays_what_it_was_and_keeps_nobody_from_sending<H: Home>() {
    let (sender, receiver) = channel::<_, H>(1);
    let first = receiver.borrow();
    sender.send(2).unwrap();
    let second = sender.borrow();
    sender.send_modify(|value| *value += 1);
    assert_eq!((*first, *first.clone(), *second, *receiver.borrow()), (1, 1, 2, 3));
    drop((sender, receiver));
    assert_eq!(*first, 1);
}

/// Of how often it was cloned.
#[derive(Default)]
struct Clones(Rc<Cell<usize>>);

impl Clone for Clones {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(self.0.clone())
    }
}

fn modifying_works_on_a_clone<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>((Clones::default(), 0)));
    let clones = receiver.borrow().0.0.clone();
    let future = waiting(&mut receiver, &log, 1);
    sender.send_modify(|value| value.1 = 7);
    assert_eq!((log.take(), clones.get()), (vec![1], 1));
    drop(future);
    assert_eq!(receiver.borrow_and_update().1, 7);
}

fn a_modification_that_declines_changes_nothing<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let future = waiting(&mut receiver, &log, 1);
    assert!(!sender.send_if_modified(|value| {
        *value = 2;
        false
    }));
    assert_eq!(log.take(), []);
    drop(future);
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    assert!(sender.send_if_modified(|value| {
        *value = 2;
        true
    }));
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (2, Ok(true)));
}

fn a_modification_begins_again_if_somebody_sends_meanwhile<H: Home>() {
    let (sender, receiver) = channel::<_, H>(1);
    let mut calls = 0;
    sender.send_modify(|value| {
        calls += 1;
        if calls == 1 {
            sender.send(10).unwrap();
        }
        // Who looks meanwhile sees what there is.
        assert_eq!(*receiver.borrow(), 10);
        *value += 1;
    });
    assert_eq!((calls, *receiver.borrow()), (2, 11));
}

fn a_panicking_modification_changes_nothing<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    let modify = |value: &mut i32| {
        *value = 2;
        std::panic::panic_any(3_usize);
    };
    assert_eq!(panic_of(|| sender.send_modify(modify)), 3);
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    sender.send(2).unwrap();
    now(receiver.changed()).unwrap();
    let mut waits = Box::pin(receiver.wait_for(|_| std::panic::panic_any(4_usize)));
    assert_eq!(panic_of(|| assert!(poll_idle(&mut waits).is_pending())), 4);
    drop(waits);
    assert_eq!(*receiver.borrow(), 2);
}

fn waiting_for_a_value_begins_with_the_one_there<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    assert_eq!(*now(receiver.wait_for(|value| *value == 1)).unwrap(), 1);
    sender.send(2).unwrap();
    assert_eq!(*now(receiver.wait_for(|value| *value == 2)).unwrap(), 2);
    assert_eq!(receiver.has_changed(), Ok(false));
}

fn waiting_for_a_value_skips_others<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let mut waits = Box::pin(receiver.wait_for(|value| *value >= 3));
    for value in 1..3 {
        assert!(poll(&mut waits, &log.waker(value)).is_pending());
        sender.send(value + 1).unwrap();
        assert_eq!(log.take(), [value]);
    }
    assert!(matches!(poll_idle(&mut waits), Poll::Ready(Ok(value)) if *value == 3));
    drop(waits);
    drop(sender);
    assert!(now(receiver.wait_for(|value| *value == 3)).is_ok());
    assert!(now(receiver.wait_for(|value| *value == 4)).is_err());
}

fn the_last_value_is_seen_before_the_end<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    sender.send(2).unwrap();
    drop(sender);
    assert_eq!(receiver.has_changed(), Ok(true));
    now(receiver.changed()).unwrap();
    assert_eq!(receiver.has_changed(), now(receiver.changed()).map(|()| true));
    let error = now(receiver.changed()).unwrap_err();
    assert_eq!(error.to_string(), "failed to wait for another value: all senders are gone");
    assert_eq!(*receiver.borrow(), 2);
}

fn who_waits_hears_that_all_senders_are_gone<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let other = sender.clone();
    let mut future = waiting(&mut receiver, &log, 1);
    drop(sender);
    assert_eq!(log.take(), []);
    drop(other);
    assert_eq!(log.take(), [1]);
    assert!(matches!(poll_idle(&mut future), Poll::Ready(Err(_))));
}

fn who_waits_for_the_last_receiver_is_woken<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let other = receiver.clone();
    let mut futures = [1, 2].map(|name| {
        let mut future = Box::pin(sender.closed());
        assert!(poll(&mut future, &log.waker(name)).is_pending());
        future
    });
    drop(receiver);
    assert_eq!((log.take(), sender.is_closed()), (vec![], false));
    drop(other);
    assert_eq!((log.take(), sender.is_closed()), (vec![1, 2], true));
    assert!(futures.iter_mut().all(|future| poll_idle(future).is_ready()));
    now(sender.closed());
}

fn who_waited_for_the_last_receiver_goes_though_another_came<H: Home>() {
    let (sender, receiver) = channel::<_, H>(1);
    let mut future = Box::pin(sender.closed());
    assert!(poll_idle(&mut future).is_pending());
    drop(receiver);
    let receiver = sender.subscribe();
    assert!(poll_idle(&mut future).is_ready());
    assert!(poll_idle(&mut Box::pin(sender.closed())).is_pending());
    drop(receiver);
}

fn counts_are_of_those_who_are_there<H: Home>() {
    let (sender, receiver) = channel::<_, H>(1);
    let counts = || (sender.sender_count(), sender.receiver_count());
    assert_eq!(counts(), (1, 1));
    let more = (sender.clone(), receiver.clone(), sender.subscribe(), receiver.stream());
    assert_eq!(counts(), (2, 3));
    drop(more);
    assert_eq!(counts(), (1, 0));
}

fn a_stream_gives_each_newest_value_and_ends<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(1));
    receiver.mark_changed();
    let mut stream = Box::pin(receiver.stream());
    let waker = log.waker(1);
    let next = |stream: &mut Pin<Box<WatchStream<_, H>>>| match poll_next(stream, &waker) {
        Poll::Ready(value) => value.map(|value| *value),
        Poll::Pending => Some(-1),
    };
    assert_eq!((next(&mut stream), next(&mut stream)), (Some(1), Some(-1)));
    sender.send(2).unwrap();
    sender.send(3).unwrap();
    assert_eq!(log.take(), [1]);
    assert_eq!(*stream.borrow(), 3);
    assert_eq!((next(&mut stream), next(&mut stream)), (Some(3), Some(-1)));
    sender.send(4).unwrap();
    drop(sender);
    assert_eq!(log.take(), [1]);
    assert_eq!((next(&mut stream), next(&mut stream), next(&mut stream)), (Some(4), None, None));
}

fn a_stream_that_waits_may_be_dropped<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(1));
    let mut stream = Box::pin(receiver.stream());
    assert!(poll_next(&mut stream, &log.waker(1)).is_pending());
    drop(stream);
    assert!(sender.send(2).is_err());
    assert_eq!(log.take(), []);
}

fn a_dropped_waiter_is_not_woken<H: Home>() {
    for dropped in 0..3 {
        let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(0));
        let mut receivers = [(); 3].map(|()| receiver.clone());
        let mut waiters: Vec<_> =
            receivers.iter_mut().enumerate().map(|(name, receiver)| waiting(receiver, &log, name)).collect();
        drop(waiters.remove(dropped));
        sender.send(1).unwrap();
        let others: Vec<_> = (0..3).filter(|&name| name != dropped).collect();
        assert_eq!(log.take(), others);
        // One that was woken and is dropped has seen nothing.
        drop(waiters);
        assert!(receivers.iter().all(|receiver| receiver.has_changed() == Ok(true)));
    }
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(0));
    let mut waiter = waiting(&mut receiver, &log, 1);
    assert!(poll(&mut waiter, &log.waker(2)).is_pending());
    sender.send(1).unwrap();
    assert_eq!(log.take(), [2]);
}

fn more_than_one_batch_is_woken_in_order<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(0));
    let mut receivers: Vec<_> = (0..10_000).map(|_| receiver.clone()).collect();
    let waiters: Vec<_> =
        receivers.iter_mut().enumerate().map(|(name, receiver)| waiting(receiver, &log, name)).collect();
    sender.send(1).unwrap();
    assert!(log.take().into_iter().eq(0..10_000));
    for mut waiter in waiters {
        assert!(poll_idle(&mut waiter).is_ready());
    }
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    // Enough for several batches, with panics in two of them.
    const N: usize = 50;
    fn wait<F: Future>(log: &WakeLog, futures: &mut [Pin<Box<F>>]) {
        for (name, future) in futures.iter_mut().enumerate() {
            let waker = if name % 20 == 5 { log.panicking_waker(name) } else { log.waker(name) };
            assert!(poll(future, &waker).is_pending());
        }
    }
    let (log, (sender, receiver)) = (WakeLog::default(), channel::<_, H>(0));
    let mut receivers = [(); N].map(|()| receiver.clone());
    let mut waiters: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.changed())).collect();
    wait(&log, &mut waiters);
    assert_eq!(panic_of(|| sender.send(1).unwrap()), 5);
    assert!(log.take().into_iter().eq(0..N));
    assert_eq!(*receiver.borrow(), 1);
    assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));

    let mut waiters: Vec<_> = waiters.into_iter().zip(0..N).map(|_| Box::pin(sender.closed())).collect();
    wait(&log, &mut waiters);
    drop(receivers);
    assert_eq!(panic_of(|| drop(receiver)), 5);
    assert!(log.take().into_iter().eq(0..N));

    let mut receivers = [(); N].map(|()| sender.subscribe());
    drop(waiters);
    let mut waiters: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.changed())).collect();
    wait(&log, &mut waiters);
    assert_eq!(panic_of(|| drop(sender)), 5);
    assert!(log.take().into_iter().eq(0..N));
    assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));
}

/// The first panic goes on; a second one in the middle of it would abort the process.
fn a_panicking_destructor_after_a_panicking_waker_is_left_out<H: Home>() {
    #[derive(Clone)]
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 {
                std::panic::panic_any(9_usize);
            }
        }
    }
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(Bomb(true)));
    let ways: [fn(&Sender<Bomb, H>); 3] = [
        |sender| assert!(sender.send(Bomb(true)).is_ok()),
        |sender| drop(sender.send_replace(Bomb(true))),
        |sender| sender.send_modify(|bomb| bomb.0 = false),
    ];
    for change in ways {
        let mut future = Box::pin(receiver.changed());
        assert!(poll(&mut future, &log.panicking_waker(3)).is_pending());
        assert_eq!(panic_of(|| change(&sender)), 3);
        assert!(poll_idle(&mut future).is_ready());
    }
}

/// Each waiter that is woken waits again, at once: `send` must come to an end all the same.
fn who_comes_while_others_are_woken_is_not_woken_by_the_same_change<H: Home>() {
    const N: usize = 40;
    let (sender, receiver) = channel::<_, H>(0);
    let again = Rc::new(RefCell::new(Vec::new()));
    let is_waking = Rc::new(Cell::new(false));
    let hook = {
        let (again, is_waking, receiver) = (again.clone(), is_waking.clone(), receiver.clone());
        move || {
            if is_waking.get() {
                let mut receiver = receiver.clone();
                receiver.mark_unchanged();
                let mut stream = Box::pin(receiver.stream());
                assert!(poll_next(&mut stream, Waker::noop()).is_pending());
                again.borrow_mut().push(stream);
            }
        }
    };
    with_hook(hook, || {
        let mut receivers = [(); N].map(|()| receiver.clone());
        let mut waiters: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.changed())).collect();
        for waiter in &mut waiters {
            assert!(poll(waiter, &hooked_waker(1)).is_pending());
        }
        is_waking.set(true);
        sender.send(1).unwrap();
        is_waking.set(false);
        assert!(waiters.iter_mut().all(|waiter| poll_idle(waiter).is_ready()));
        let mut again = again.take();
        assert_eq!(again.len(), N);
        assert!(again.iter_mut().all(|stream| poll_next(stream, Waker::noop()).is_pending()));
        sender.send(2).unwrap();
        assert!(again.iter_mut().all(|stream| poll_next(stream, Waker::noop()).is_ready()));
    });
}

/// A value whose destructor and `Clone` call something.
struct Calls(Rc<dyn Fn()>);

impl Drop for Calls {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Clone for Calls {
    fn clone(&self) -> Self {
        (self.0)();
        Self(self.0.clone())
    }
}

fn wakers_and_destructors_may_use_the_channel_again<H: Home>() {
    let (sender, receiver) = channel::<Option<Calls>, H>(None);
    let n_calls = Rc::new(Cell::new(0));
    let calls: Rc<dyn Fn()> = {
        let n_calls = n_calls.clone();
        let both = RefCell::new(Some((sender.clone(), receiver.clone())));
        Rc::new(move || {
            n_calls.set(n_calls.get() + 1);
            // The last call drops them.
            let Some((sender, receiver)) = both.take() else { return };
            let _ = (sender.borrow(), receiver.has_changed(), sender.receiver_count(), receiver.clone());
            assert!(poll_idle(&mut Box::pin(sender.closed())).is_pending());
            let _ = poll_idle(&mut Box::pin(receiver.clone().changed()));
            if n_calls.get() < 8 {
                *both.borrow_mut() = Some((sender, receiver));
            }
        })
    };
    let theirs = calls.clone();
    with_hook(
        move || theirs(),
        || {
            let mut receiver = receiver.clone();
            let mut future = Box::pin(receiver.changed());
            assert!(poll(&mut future, &hooked_waker(1)).is_pending());
            assert!(poll(&mut future, &hooked_waker(2)).is_pending());
            sender.send(Some(Calls(calls.clone()))).unwrap();
            assert!(poll_idle(&mut future).is_ready());
            let before = n_calls.replace(0);
            assert!(before >= 3, "clone, drop, wake: {before}");
            sender.send_modify(|_| ());
            assert!(n_calls.get() >= 2, "clone of the value, drop of the old one");
            sender.send(None).unwrap();
        },
    );
    drop(calls);
    for _ in 0..10 {
        sender.send_replace(None);
    }
}

fn values_are_dropped_when_nobody_has_them<H: Home>() {
    let counted = Rc::new(());
    let count = || Rc::strong_count(&counted) - 1;
    let (sender, receiver) = channel::<_, H>(counted.clone());
    let snapshot = receiver.borrow();
    sender.send(counted.clone()).unwrap();
    assert_eq!(count(), 2);
    drop(snapshot);
    assert_eq!(count(), 1);
    drop(sender);
    assert_eq!(count(), 1);
    drop(receiver);
    assert_eq!(count(), 0);
}

fn debug_shows_the_value<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(1);
    sender.send(2).unwrap();
    assert_eq!(format!("{sender:?} {receiver:?}"), "Sender { value: 2, .. } Receiver { value: 2, has_changed: true }");
    assert_eq!(format!("{:?} {}", sender.borrow(), sender.borrow()), "2 2");
    assert_eq!(format!("{:?} {:?}", sender.closed(), receiver.changed()), "ClosedFuture(New) ChangedFuture(New)");
    assert_eq!(format!("{:?}", receiver.stream()), "WatchStream(Receiver { value: 2, has_changed: true })");
    assert_eq!(format!("{:?}", sender.send(3)), "Err(SendError { .. })");
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (log, (sender, mut receiver)) = (WakeLog::default(), channel::<_, H>(0));
    let mut other = receiver.clone();
    let mut first = waiting(&mut other, &log, 1);
    let waker = log.waker(2);
    for _ in 0..1_000_000 {
        assert!(poll(&mut Box::pin(receiver.changed()), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), if live::ENABLED { 1 } else { 0 });
    sender.send(1).unwrap();
    assert_eq!(log.take(), [1]);
    assert!(poll_idle(&mut first).is_ready());
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let (sender, mut receiver) = channel::<_, H>(0);
    sender.send(1).unwrap();
    let mut future = Box::pin(receiver.changed());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
}

const RECEIVERS: usize = 4;

#[derive(Debug, Clone)]
enum Op {
    Send,
    Replace,
    Modify,
    CloneSender,
    DropSender,
    /// In place of the one there.
    Subscribe(usize),
    CloneReceiver(usize, usize),
    DropReceiver(usize),
    Poll(usize),
    /// Gives up what `Poll` began.
    Cancel(usize),
    Update(usize),
    MarkChanged(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let receiver = 0..RECEIVERS;
    prop_oneof![
        3 => Just(Op::Send),
        1 => Just(Op::Replace),
        1 => Just(Op::Modify),
        1 => Just(Op::CloneSender),
        1 => Just(Op::DropSender),
        2 => receiver.clone().prop_map(Op::Subscribe),
        1 => (receiver.clone(), receiver.clone()).prop_map(|(from, to)| Op::CloneReceiver(from, to)),
        1 => receiver.clone().prop_map(Op::DropReceiver),
        6 => receiver.clone().prop_map(Op::Poll),
        1 => receiver.clone().prop_map(Op::Cancel),
        1 => receiver.clone().prop_map(Op::Update),
        1 => receiver.prop_map(Op::MarkChanged),
    ]
}

/// The channel as one would draw it: what each has seen, and who waits.
#[derive(Default)]
struct Model {
    value: usize,
    seen: [Option<usize>; RECEIVERS],
    line: Vec<usize>,
    woken: Vec<usize>,
}

impl Model {
    fn change(&mut self) {
        self.value += 1;
        self.woken.append(&mut self.line);
    }

    fn leave(&mut self, i: usize) {
        self.line.retain(|&other| other != i);
    }
}

/// Polled as streams, which own what they watch.
type Streams<H> = [Option<Pin<Box<WatchStream<usize, H>>>>; RECEIVERS];

fn the_watch_channel_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(op(), 0..60))| {
        let log = WakeLog::default();
        let mut model = Model::default();
        let mut senders = vec![Sender::<usize, H>::new(0)];
        let mut receivers: [Option<Receiver<usize, H>>; RECEIVERS] = Default::default();
        let mut streams: Streams<H> = Default::default();
        for op in ops {
            let n_receivers = model.seen.iter().flatten().count();
            match op {
                Op::Send => {
                    let Some(sender) = senders.last() else { continue };
                    prop_assert_eq!(sender.send(model.value + 1).is_ok(), n_receivers > 0);
                    if n_receivers > 0 {
                        model.change();
                    }
                }
                Op::Replace => {
                    let Some(sender) = senders.last() else { continue };
                    prop_assert_eq!(*sender.send_replace(model.value + 1), model.value);
                    model.change();
                }
                Op::Modify => {
                    let Some(sender) = senders.last() else { continue };
                    sender.send_modify(|value| *value += 1);
                    model.change();
                }
                Op::CloneSender => senders.extend(senders.last().cloned()),
                Op::DropSender => {
                    if senders.pop().is_some() && senders.is_empty() {
                        model.woken.append(&mut model.line);
                    }
                }
                Op::Subscribe(i) => {
                    let Some(sender) = senders.last() else { continue };
                    model.leave(i);
                    (receivers[i], streams[i]) = (Some(sender.subscribe()), None);
                    model.seen[i] = Some(model.value);
                }
                Op::CloneReceiver(from, to) => {
                    let Some(receiver) = receivers[from].clone() else { continue };
                    model.leave(to);
                    (receivers[to], streams[to]) = (Some(receiver), None);
                    model.seen[to] = model.seen[from];
                }
                Op::DropReceiver(i) => {
                    model.leave(i);
                    (receivers[i], streams[i]) = (None, None);
                    model.seen[i] = None;
                }
                Op::Poll(i) => {
                    if let Some(receiver) = receivers[i].take() {
                        streams[i] = Some(Box::pin(receiver.stream()));
                    }
                    let Some(stream) = streams[i].as_mut() else { continue };
                    let expected = match model.seen[i] {
                        Some(seen) if seen != model.value => Poll::Ready(Some(model.value)),
                        _ if senders.is_empty() => Poll::Ready(None),
                        _ => Poll::Pending,
                    };
                    let polled = poll_next(stream, &log.waker(i)).map(|value| value.map(|value| *value));
                    prop_assert_eq!(polled, expected);
                    if expected.is_ready() {
                        model.seen[i] = Some(model.value);
                    } else if !model.line.contains(&i) {
                        model.line.push(i);
                    }
                }
                Op::Cancel(i) => {
                    // By a poll of another future, which is dropped: the receiver goes on as if nothing had been.
                    let Some(receiver) = receivers[i].as_mut() else { continue };
                    let has_news = model.seen[i] != Some(model.value);
                    let polled = poll(&mut Box::pin(receiver.changed()), &log.waker(i));
                    prop_assert_eq!(polled.is_ready(), has_news || senders.is_empty());
                    prop_assert_eq!(polled == Poll::Ready(Ok(())), has_news);
                    model.seen[i] = Some(model.value);
                }
                Op::Update(i) => {
                    let Some(receiver) = receivers[i].as_mut() else { continue };
                    prop_assert_eq!(*receiver.borrow_and_update(), model.value);
                    model.seen[i] = Some(model.value);
                }
                Op::MarkChanged(i) => {
                    let Some(receiver) = receivers[i].as_mut() else { continue };
                    receiver.mark_changed();
                    model.seen[i] = Some(usize::MAX);
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            for (receiver, seen) in receivers.iter().zip(model.seen) {
                let (Some(receiver), Some(seen)) = (receiver, seen) else { continue };
                prop_assert_eq!(receiver.has_changed().unwrap_or(false), seen != model.value);
                prop_assert_eq!(*receiver.borrow(), model.value);
            }
            if let Some(sender) = senders.last() {
                prop_assert_eq!(sender.receiver_count(), model.seen.iter().flatten().count());
                prop_assert_eq!(sender.sender_count(), senders.len());
            }
        }
    });
}
