//! Queues: each item that went in comes out, once.

use std::cell::RefCell;

use aio_base::Home;
use aio_group::gather;
use aio_sync::generic::{Fifo, Lifo, Order, Queue, Smallest};
use aio_test::{Ledger, Tracked};

use crate::{at, at_each_of, in_both_homes};

in_both_homes! {
    no_item_is_lost_by_who_takes_it_first_in_first_out,
    no_item_is_lost_by_who_takes_it_last_in_first_out,
    no_item_is_lost_by_who_takes_it_smallest_first,
    an_item_that_was_not_put_is_not_there,
    room_goes_to_the_next,
    who_waits_for_the_end_of_a_queue_changes_nothing,
    a_worker_that_is_cancelled_between_two_items_loses_none,
}

fn no_item_is_lost_by_who_takes_it_first_in_first_out<H: Home>() {
    no_item_is_lost_by_who_takes_it::<H, Fifo>();
}

fn no_item_is_lost_by_who_takes_it_last_in_first_out<H: Home>() {
    no_item_is_lost_by_who_takes_it::<H, Lifo>();
}

fn no_item_is_lost_by_who_takes_it_smallest_first<H: Home>() {
    no_item_is_lost_by_who_takes_it::<H, Smallest>();
}

/// The items are handed to those who wait: the victim, and one behind it.
fn no_item_is_lost_by_who_takes_it<H: Home, O: Order<Tracked<u32>>>() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let queue = Queue::<Tracked<u32>, H, O>::bounded(2);
        gather((
            async {
                let work = async {
                    while let Ok(item) = queue.get().await {
                        ledger.take(item);
                    }
                };
                victim.run(work).await;
            },
            async {
                while let Ok(item) = queue.get().await {
                    ledger.take(item);
                }
            },
            async {
                for n in 0..4 {
                    at(1).await;
                    queue.put(ledger.track(n)).await.expect("it is open");
                }
                at(1).await;
                queue.close();
            },
        ))
        .await;
        assert_eq!(ledger.n_made(), 4);
        ledger.assert_all_taken();
    });
}

/// Nor is anything else that was: those behind it get their places.
fn an_item_that_was_not_put_is_not_there<H: Home>() {
    at_each_of(1, async |victim| {
        let ledger = Ledger::new();
        let queue = Queue::<Tracked<u32>, H>::bounded(1);
        queue.try_put(ledger.track(0)).expect("there is room");
        let got = RefCell::new(Vec::new());
        let (was_put, ..) = gather((
            async { victim.run(queue.put(ledger.track(1))).await.is_some() },
            async { queue.put(ledger.track(2)).await.expect("it is open") },
            async {
                at(1).await;
                for _ in 0..2 {
                    let item = queue.get().await.expect("it is open");
                    got.borrow_mut().push(ledger.take(item));
                }
                at(1).await;
                while let Ok(item) = queue.try_get() {
                    got.borrow_mut().push(ledger.take(item));
                }
            },
        ))
        .await;
        assert_eq!(*got.borrow(), if was_put { vec![0, 1, 2] } else { vec![0, 2] });
        // What was not put was dropped with the future.
        assert_eq!((ledger.n_live(), ledger.n_dropped()), (0, usize::from(!was_put)));
    });
}

/// One place, two who wait for it, and nobody who takes anything after that.
fn room_goes_to_the_next<H: Home>() {
    at_each_of(1, async |victim| {
        let queue = Queue::<u32, H>::bounded(1);
        queue.try_put(0).expect("there is room");
        gather((
            victim.run(queue.put(1)),
            async {
                queue.put(2).await.expect("it is open");
            },
            async {
                at(1).await;
                assert_eq!(queue.get().await, Ok(0));
                at(1).await;
                if queue.get().await == Ok(1) {
                    assert_eq!(queue.get().await, Ok(2));
                }
            },
        ))
        .await;
        assert!(queue.is_empty());
    });
}

fn who_waits_for_the_end_of_a_queue_changes_nothing<H: Home>() {
    at_each_of(1, async |victim| {
        let queue = Queue::<u32, H>::unbounded();
        queue.try_put(1).expect("there is room");
        gather((victim.run(queue.join()), queue.join(), async {
            at(1).await;
            assert_eq!(queue.get().await, Ok(1));
            queue.task_done();
        }))
        .await;
    });
}

/// What it has taken it works on to the end, in a shield.
fn a_worker_that_is_cancelled_between_two_items_loses_none<H: Home>() {
    at_each_of(5, async |victim| {
        let queue = std::rc::Rc::new(Queue::<u32, H>::bounded(1));
        let done = std::rc::Rc::new(RefCell::new(Vec::new()));
        let worker = async || {
            while let Ok(item) = queue.get().await {
                let (queue, done) = (queue.clone(), done.clone());
                aio_core::local::shield(async move {
                    at(1).await;
                    done.borrow_mut().push(item);
                    queue.task_done();
                })
                .await;
            }
        };
        gather((
            async {
                victim.run(worker()).await;
                worker().await;
            },
            async {
                for n in 0..3 {
                    queue.put(n).await.expect("it is open");
                }
                queue.join().await;
                queue.close();
            },
        ))
        .await;
        assert_eq!(*done.borrow(), [0, 1, 2]);
    });
}
