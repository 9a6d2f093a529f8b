//! The races of a watch channel: who waits is woken by a change, or by the end, whenever it comes; no modification is
//! lost.

use std::pin::pin;
use std::task::{Context, Waker};

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use futures_core::Stream;

use super::channel;
use crate::race::{block_on, model, poll_and_drop, start};

/// Two changes and the end, while somebody watches: it sees the last one.
#[test]
fn the_last_value_is_seen() {
    model(|| {
        let (sender, mut receiver) = channel(0);
        let other = start(move || {
            sender.send(1).unwrap();
            sender.send(2).unwrap();
        });
        let mut last = 0;
        while block_on(receiver.changed()).is_ok() {
            let value = *receiver.borrow();
            assert!(value >= last);
            last = value;
        }
        assert_eq!(last, 2);
        other.join().unwrap();
    });
}

/// What was done before a value was sent is seen by whoever sees that it has changed.
#[test]
fn what_was_done_before_a_change_is_visible() {
    model(|| {
        let (sender, mut receiver) = channel(0);
        let before = Arc::new(AtomicUsize::new(0));
        let theirs = before.clone();
        let other = start(move || {
            // Relaxed: that is what the channel is there for.
            theirs.store(1, Ordering::Relaxed);
            sender.send(1).unwrap();
        });
        block_on(receiver.changed()).unwrap();
        assert_eq!(before.load(Ordering::Relaxed), 1);
        other.join().unwrap();
    });
}

/// Both modify a clone; the one that comes later does it again.
#[test]
fn no_modification_is_lost() {
    model(|| {
        let (sender, receiver) = channel(0);
        let theirs = sender.clone();
        let other = start(move || theirs.send_modify(|value| *value += 1));
        sender.send_modify(|value| *value += 1);
        other.join().unwrap();
        assert_eq!(*receiver.borrow(), 2);
    });
}

/// One gives up, the other one sleeps until the change.
#[test]
fn who_gives_up_leaves_the_others_in_the_line() {
    model(|| {
        let (sender, receiver) = channel(0);
        let [mut gives_up, mut waits] = [receiver.clone(), receiver];
        let gives_up = start(move || poll_and_drop(gives_up.changed()));
        let waits = start(move || block_on(waits.changed()).unwrap());
        sender.send(1).unwrap();
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

/// Two receivers go while somebody waits for the last one.
#[test]
fn who_waits_for_the_last_receiver_is_woken() {
    model(|| {
        let (sender, receiver) = channel(0);
        let other = receiver.clone();
        let other = start(move || drop(other));
        let drops = start(move || drop(receiver));
        block_on(sender.closed());
        assert!(sender.send(1).is_err());
        other.join().unwrap();
        drops.join().unwrap();
    });
}

/// Somebody waits for the last receiver to go while one goes and another one comes: it hears of it all the same.
#[test]
fn who_waits_for_the_last_receiver_is_woken_though_another_comes() {
    model(|| {
        let (sender, receiver) = channel(0);
        let theirs = sender.clone();
        let other = start(move || {
            drop(receiver);
            drop(theirs.subscribe());
        });
        block_on(sender.closed());
        other.join().unwrap();
        assert!(sender.is_closed());
    });
}

/// What waits in there refers to the channel by itself, and may be the last that does.
#[test]
fn a_stream_may_be_dropped_while_the_last_value_is_sent() {
    model(|| {
        let (sender, receiver) = channel(Arc::new(0));
        let other = start(move || {
            let _ = pin!(receiver.stream()).poll_next(&mut Context::from_waker(Waker::noop()));
        });
        let _ = sender.send(Arc::new(1));
        drop(sender);
        other.join().unwrap();
    });
}
