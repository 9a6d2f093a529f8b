//! The races of the condition: a notification meets somebody who is about to wait, or about to give up.

use std::pin::pin;
use std::task::{Context, Waker};

use aio_base::sync::Arc;

use crate::race::{block_on, model, start};
use crate::{Condition, Lock};

#[derive(Default)]
struct Shared {
    value: Lock<usize>,
    changed: Condition,
}

async fn take_one(shared: &Shared) {
    let mut value = shared.changed.wait_for(shared.value.lock().await, |value| *value > 0).await;
    *value -= 1;
}

fn add_one(shared: &Shared) {
    block_on(async { *shared.value.lock().await += 1 });
    shared.changed.notify_one();
}

/// The change is made, and notified, between the look at the value and the sleep.
#[test]
fn a_change_is_not_missed() {
    model(|| {
        let shared = Arc::new(Shared::default());
        let waiters = [(); 2].map(|()| {
            let shared = shared.clone();
            start(move || block_on(take_one(&shared)))
        });
        block_on(async { *shared.value.lock().await += 2 });
        shared.changed.notify_all();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(*shared.value.try_lock().unwrap(), 0);
    });
}

/// One is notified and gives up, in the line of the condition or in that of the lock; the other gets its notification.
#[test]
fn a_waiter_that_gives_up_passes_the_notification_on() {
    model(|| {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let mut gives_up = Box::pin(async move {
            let guard = theirs.value.lock().await;
            let _guard = theirs.changed.wait(guard).await;
            // It does not use what it was told: it was dropped before.
            unreachable!("it is polled once more at most, and the lock is taken then");
        });
        let mut poll = move || gives_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        assert!(poll());
        let theirs = shared.clone();
        let gives_up = start(move || {
            // Holding the lock, so that it waits for that if it has been notified.
            let held = block_on(theirs.value.lock());
            assert!(poll());
            drop(poll);
            drop(held);
        });
        let theirs = shared.clone();
        let waits = start(move || block_on(take_one(&theirs)));
        add_one(&shared);
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

/// It gives up while it is notified, and touches nothing freed.
#[test]
fn a_notification_while_somebody_gives_up_touches_nothing_freed() {
    model(|| {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let gives_up = start(move || {
            let guard = block_on(theirs.value.lock());
            let _ = pin!(theirs.changed.wait(guard)).poll(&mut Context::from_waker(Waker::noop()));
        });
        shared.changed.notify_one();
        shared.changed.notify_all();
        gives_up.join().unwrap();
        assert!(!shared.value.is_locked());
    });
}
