//! What is said to all is heard by each.

use std::cell::Cell;
use std::rc::Rc;

use aio_base::Home;
use aio_core::local;
use aio_sync::broadcast::RecvError;
use aio_sync::generic;

use crate::dice::Dice;
use crate::under_seeds;

under_seeds! {
    each_receiver_has_all_messages_or_knows_how_many_it_has_missed: broadcast;
    each_watcher_sees_the_last_value: watch;
}

async fn broadcast<H: Home>(dice: Dice) {
    let capacity = 1 + dice.below(4) as usize;
    let (sender, receiver) = generic::broadcast::channel::<u64, H>(capacity);
    let next = Rc::new(Cell::new(0));
    let mut receivers = vec![(0, receiver)];
    for _ in 0..dice.below(3) {
        receivers.push((0, sender.subscribe()));
    }
    let receives = |(mut expected, mut receiver): (u64, generic::broadcast::Receiver<u64, H>)| {
        let (dice, next) = (dice.fork(), next.clone());
        local::spawn(async move {
            loop {
                match dice.attempt(receiver.recv()).await {
                    Some(Ok(message)) => {
                        assert_eq!(message, expected);
                        expected += 1;
                    }
                    Some(Err(RecvError::Lagged(missed))) => {
                        assert!(missed > 0);
                        expected += missed;
                    }
                    Some(Err(RecvError::Closed)) => break assert_eq!(expected, next.get()),
                    None => {}
                }
                if dice.one_in(8) {
                    (expected, receiver) = (next.get(), receiver.resubscribe());
                }
                dice.pause().await;
            }
        })
    };
    let sends = || {
        let (dice, next, sender) = (dice.fork(), next.clone(), sender.clone());
        local::spawn(async move {
            for _ in 0..1 + dice.below(5) {
                // Nobody hears it when all have gone.
                if sender.send(next.get()).is_ok() {
                    next.set(next.get() + 1);
                }
                dice.pause().await;
            }
        })
    };
    let receivers: Vec<_> = receivers.into_iter().map(receives).collect();
    let senders = (0..1 + dice.below(2)).map(|_| sends()).collect();
    drop(sender);
    dice.join(senders).await;
    dice.join(receivers).await;
}

async fn watch<H: Home>(dice: Dice) {
    let (sender, receiver) = generic::watch::channel::<u64, H>(0);
    let newest = Rc::new(Cell::new(0));
    let watches = || {
        let (dice, newest, mut receiver) = (dice.fork(), newest.clone(), receiver.clone());
        local::spawn(async move {
            let mut last = 0;
            loop {
                match dice.attempt(receiver.changed()).await {
                    Some(Ok(())) => {
                        let value = *receiver.borrow_and_update();
                        assert!(value >= last && value <= newest.get(), "{value} after {last}");
                        last = value;
                    }
                    Some(Err(_)) => break assert_eq!((last, *receiver.borrow()), (newest.get(), newest.get())),
                    None => {}
                }
                if dice.one_in(4) {
                    last = *dice
                        .attempt(receiver.wait_for(|value| *value >= last))
                        .await
                        .map_or_else(|| receiver.borrow(), |value| value.expect("it is"));
                }
                dice.pause().await;
            }
        })
    };
    let watchers = (0..1 + dice.below(3)).map(|_| watches()).collect();
    drop(receiver);
    let sends = || {
        let (dice, newest, sender) = (dice.fork(), newest.clone(), sender.clone());
        local::spawn(async move {
            for _ in 0..1 + dice.below(5) {
                newest.set(newest.get() + 1);
                if dice.one_in(2) {
                    sender.send_modify(|value| *value += 1);
                } else if sender.send(newest.get()).is_err() {
                    newest.set(newest.get() - 1);
                }
                dice.pause().await;
            }
        })
    };
    let senders = (0..1 + dice.below(2)).map(|_| sends()).collect();
    drop(sender);
    dice.join(senders).await;
    dice.join(watchers).await;
}
