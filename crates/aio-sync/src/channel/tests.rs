//! The races of a channel's ends: those of the items between them are the queue's.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_base::sync::Arc;

use super::{bounded, unbounded};
use crate::race::{block_on, model, start};

/// Polls once, with a waker that does nothing, and drops the future: what it had by then.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Two senders go at once; one of them is the last, and closes the channel behind both their items.
#[test]
fn the_last_sender_lets_a_waiting_receiver_go() {
    model(|| {
        let (sender, receiver) = unbounded();
        let senders = [(sender.clone(), 1), (sender, 2)].map(|(sender, item)| {
            start(move || {
                sender.try_send(item).unwrap();
                drop(sender);
            })
        });
        let mut sum = 0;
        while let Ok(item) = block_on(receiver.recv()) {
            sum += item;
        }
        assert_eq!(sum, 3);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// A sender is made of a weak one while the last is dropped: either the channel is open for it, or there is none.
#[test]
fn a_sender_that_was_upgraded_finds_the_channel_open() {
    model(|| {
        let (sender, receiver) = unbounded();
        let weak = sender.downgrade();
        let upgrades = start(move || {
            if let Some(sender) = weak.upgrade() {
                sender.try_send(1).unwrap();
            }
        });
        drop(sender);
        while block_on(receiver.recv()).is_ok() {}
        assert!(receiver.is_closed());
        upgrades.join().unwrap();
        assert!(receiver.try_recv().is_err());
    });
}

/// The same for receivers: one that was made of a weak one gets what is sent.
#[test]
fn a_receiver_that_was_upgraded_finds_the_channel_open() {
    model(|| {
        let (sender, receiver) = unbounded();
        sender.try_send(1).unwrap();
        let weak = receiver.downgrade();
        let upgrades = start(move || {
            if let Some(receiver) = weak.upgrade() {
                assert_eq!(receiver.try_recv(), Ok(1));
            }
        });
        drop(receiver);
        upgrades.join().unwrap();
        assert!(sender.is_closed() && sender.is_empty());
    });
}

/// Room is given to somebody who waits to reserve it, and the channel is closed: it gets it or an error, and does not
/// sleep for ever; a permit that it got is good until the channel is closed.
#[test]
fn closing_lets_those_go_who_reserve() {
    model(|| {
        let (sender, receiver) = bounded(1);
        sender.try_send(0).unwrap();
        let reserves = start(move || {
            if let Ok(permit) = block_on(sender.reserve()) {
                drop(permit.send(1));
            }
        });
        assert_eq!(receiver.try_recv(), Ok(0));
        receiver.close();
        reserves.join().unwrap();
        // What was sent before it was closed is there.
        let _ = receiver.try_recv();
        assert!(receiver.is_empty() && !receiver.is_full());
    });
}

/// A permit is dropped while somebody waits for its room.
#[test]
fn a_permit_that_is_dropped_passes_the_room_on() {
    model(|| {
        let (sender, receiver) = bounded(1);
        let other = sender.clone();
        let permit = sender.try_reserve().unwrap();
        let waits = start(move || block_on(other.send(1)).unwrap());
        drop(permit);
        assert_eq!(block_on(receiver.recv()), Ok(1));
        waits.join().unwrap();
        assert!(!sender.is_full());
    });
}

/// The receiver gives up before, while or after it is handed the item, and takes the channel along: the item is had by
/// somebody, or dropped.
#[test]
fn an_item_is_not_lost_to_a_receiver_that_gives_up() {
    model(|| {
        let item = Arc::new(());
        let (sender, receiver) = unbounded();
        let theirs = receiver.clone();
        let gives_up = start(move || drop(poll_once(theirs.recv())));
        let sent = sender.try_send(item.clone());
        drop((sent, receiver));
        gives_up.join().unwrap();
        assert!(sender.is_closed());
        assert_eq!(Arc::strong_count(&item), 1);
    });
}

/// Between the look at the channel and the place in the line its last receiver goes.
#[test]
fn the_last_receiver_lets_those_go_who_wait_for_the_end() {
    model(|| {
        let (sender, receiver) = unbounded::<()>();
        let waits = start(move || block_on(sender.closed()));
        drop(receiver);
        waits.join().unwrap();
    });
}
