//! What tasks wait for that hands on nothing but a wake-up.

use std::cell::Cell;

use aio_base::Home;
use aio_group::gather;
use aio_sync::generic::{Barrier, Condition, Event, Latch, Lock, Notify};
use aio_test::step;

use crate::{at, at_each_of, in_both_homes};

in_both_homes! {
    an_event_wakes_the_others,
    a_latch_opens_for_the_others,
    a_barrier_takes_a_cancelled_one_back,
    a_notification_goes_to_the_next,
    a_notification_of_a_condition_goes_to_the_next,
    a_condition_that_is_waited_for_is_let_go_of,
}

fn an_event_wakes_the_others<H: Home>() {
    at_each_of(1, async |victim| {
        let event = Event::<H>::new();
        gather((victim.run(event.wait()), event.wait(), async {
            at(1).await;
            event.set();
        }))
        .await;
        assert!(event.is_set());
    });
}

fn a_latch_opens_for_the_others<H: Home>() {
    at_each_of(2, async |victim| {
        let latch = Latch::<H>::new(2);
        let arrived = Cell::new(false);
        let work = async {
            at(1).await;
            latch.arrive();
            arrived.set(true);
            latch.wait().await;
        };
        gather((
            async {
                if victim.run(work).await.is_none() && !arrived.get() {
                    latch.arrive();
                }
            },
            async {
                at(2).await;
                latch.arrive();
            },
            latch.wait(),
        ))
        .await;
        assert!(latch.is_open());
    });
}

/// Cancelled before the round is complete, it must come again, or somebody else; after that, nobody must.
fn a_barrier_takes_a_cancelled_one_back<H: Home>() {
    at_each_of(1, async |victim| {
        let barrier = Barrier::<H>::new(3);
        let passed = Cell::new(0);
        let party = async || {
            barrier.wait().await.expect("nobody breaks it");
            passed.set(passed.get() + 1);
        };
        gather((
            victim.run(party()),
            party(),
            async {
                at(1).await;
                party().await;
            },
            async {
                at(2).await;
                if barrier.n_waiting() > 0 {
                    party().await;
                }
            },
        ))
        .await;
        assert!([2, 3].contains(&passed.get()));
        assert_eq!((barrier.n_waiting(), barrier.is_broken()), (0, false));
    });
}

fn a_notification_goes_to_the_next<H: Home>() {
    at_each_of(1, async |victim| {
        let notify = Notify::<H>::new();
        let (notified, ..) =
            gather((async { victim.run(notify.notified()).await.is_some() }, notify.notified(), async {
                at(1).await;
                notify.notify_one();
                at(1).await;
                notify.notify_one();
            }))
            .await;
        // Of two, one is kept if there was only one to be notified.
        let mut kept = step(notify.notified());
        assert_eq!(kept.poll().is_ready(), !notified);
        assert!(step(notify.notified()).poll().is_pending());
    });
}

fn a_notification_of_a_condition_goes_to_the_next<H: Home>() {
    // It waits to be notified, and, with somebody else in the lock then, for the lock.
    at_each_of(2, async |victim| {
        let (lock, condition) = (Lock::<u32, H>::new(0), Condition::<H>::new());
        let take = async || {
            let mut stock = condition.wait_for(lock.lock().await, |stock| *stock > 0).await;
            *stock -= 1;
        };
        let (taken, ..) = gather((async { victim.run(take()).await.is_some() }, take(), async {
            at(1).await;
            let mut stock = lock.lock().await;
            *stock += 1;
            condition.notify_one();
            at(1).await;
            drop(stock);
            at(1).await;
            *lock.lock().await += 1;
            condition.notify_one();
        }))
        .await;
        assert_eq!(*lock.try_lock().expect("it is free again"), u32::from(!taken));
    });
}

/// It does not have the lock while it waits, nor after that.
fn a_condition_that_is_waited_for_is_let_go_of<H: Home>() {
    at_each_of(1, async |victim| {
        let (lock, condition) = (Lock::<u32, H>::new(0), Condition::<H>::new());
        let work = async { *condition.wait(lock.lock().await).await += 1 };
        gather((victim.run(work), async {
            at(1).await;
            *lock.lock().await += 1;
            condition.notify_all();
        }))
        .await;
        assert!([1, 2].contains(&*lock.try_lock().expect("it is free again")));
    });
}
