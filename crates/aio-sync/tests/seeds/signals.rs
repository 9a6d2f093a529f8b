//! Nobody waits for what has happened: no wake-up is lost, whoever gives up.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use aio_base::Home;
use aio_core::{local, yield_now};
use aio_sync::generic::{Condition, Event, Lock, Notify};

use crate::dice::Dice;
use crate::under_seeds;

under_seeds! {
    who_waits_before_a_set_is_let_go: event;
    a_notification_reaches_one_that_stays: condition;
    a_wake_up_reaches_one_that_stays: notify;
}

/// Polls once; whether it waits now.
async fn begins_to_wait<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

async fn event<H: Home>(dice: Dice) {
    let (event, n_sets) = (Rc::new(Event::<H>::new()), Rc::new(Cell::new(0)));
    let n_waits = Rc::new(Cell::new(0));
    let n = 1 + dice.below(4);
    let waiter = || {
        let (dice, event, n_sets, n_waits) = (dice.fork(), event.clone(), n_sets.clone(), n_waits.clone());
        local::spawn(async move {
            dice.pause().await;
            let _ = dice.attempt(dice.attempt(event.wait())).await;
            let mut wait = pin!(event.wait());
            let sets_before = n_sets.get();
            let waits = begins_to_wait(wait.as_mut()).await;
            n_waits.set(n_waits.get() + 1);
            if waits {
                wait.await;
                assert!(n_sets.get() > sets_before, "it was not set");
            }
        })
    };
    let waiters: Vec<_> = (0..n).map(|_| waiter()).collect();
    // The last set comes when all wait that will, and is taken down at once.
    while n_waits.get() < n {
        dice.pause().await;
        yield_now().await;
        n_sets.set(n_sets.get() + 1);
        event.set();
        event.clear();
    }
    n_sets.set(n_sets.get() + 1);
    event.set();
    event.clear();
    for waiter in waiters {
        waiter.await;
    }
}

async fn condition<H: Home>(dice: Dice) {
    let stock = Rc::new((Lock::<u32, H>::new(0), Condition::<H>::new()));
    let wants: Vec<u32> = (0..1 + dice.below(3)).map(|_| 1 + dice.below(3)).collect();
    let total: u32 = wants.iter().sum();
    let consumer = |wants| {
        let (dice, stock) = (dice.fork(), stock.clone());
        local::spawn(async move {
            let (lock, condition) = &*stock;
            for _ in 0..wants {
                let mut stock = condition.wait_for(lock.lock().await, |stock| *stock > 0).await;
                *stock -= 1;
                drop(stock);
                dice.pause().await;
            }
        })
    };
    // They give up at some time, or say it to the next: they want nothing.
    let passer_by = || {
        let (dice, stock) = (dice.fork(), stock.clone());
        local::spawn(async move {
            let (lock, condition) = &*stock;
            for _ in 0..3 {
                if dice.attempt(async { drop(condition.wait(lock.lock().await).await) }).await.is_some() {
                    condition.notify_one();
                }
                dice.pause().await;
            }
        })
    };
    let consumers: Vec<_> = wants.into_iter().map(consumer).collect();
    let passers_by: Vec<_> = (0..dice.below(3)).map(|_| passer_by()).collect();
    for _ in 0..total {
        dice.pause().await;
        let mut stock_guard = stock.0.lock().await;
        *stock_guard += 1;
        if dice.one_in(2) {
            drop(stock_guard);
        }
        stock.1.notify_one();
    }
    for consumer in consumers {
        consumer.await;
    }
    for passer_by in passers_by {
        passer_by.cancel();
        let _ = passer_by.join().await;
    }
    assert_eq!(*stock.0.try_lock().expect("nobody has it"), 0);
}

async fn notify<H: Home>(dice: Dice) {
    let stock = Rc::new((Cell::new(0), Notify::<H>::new()));
    let wants: Vec<u32> = (0..1 + dice.below(3)).map(|_| 1 + dice.below(3)).collect();
    let total: u32 = wants.iter().sum();
    let consumer = |wants| {
        let (dice, stock) = (dice.fork(), stock.clone());
        local::spawn(async move {
            let (n, notify) = &*stock;
            for _ in 0..wants {
                loop {
                    let mut notified = pin!(notify.notified());
                    notified.as_mut().enable();
                    if n.get() > 0 {
                        break n.set(n.get() - 1);
                    }
                    notified.await;
                }
                dice.pause().await;
            }
        })
    };
    let passer_by = || {
        let (dice, stock) = (dice.fork(), stock.clone());
        local::spawn(async move {
            for _ in 0..3 {
                if dice.attempt(stock.1.notified()).await.is_some() {
                    stock.1.notify_one();
                    dice.pause().await;
                    yield_now().await;
                }
            }
        })
    };
    let consumers: Vec<_> = wants.into_iter().map(consumer).collect();
    let passers_by: Vec<_> = (0..dice.below(3)).map(|_| passer_by()).collect();
    for _ in 0..total {
        dice.pause().await;
        stock.0.set(stock.0.get() + 1);
        stock.1.notify_one();
    }
    for consumer in consumers {
        consumer.await;
    }
    for passer_by in passers_by {
        passer_by.cancel();
        let _ = passer_by.join().await;
    }
    assert_eq!(stock.0.get(), 0);
}
