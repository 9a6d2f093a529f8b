//! The races of a broadcast channel: each receiver gets each message, or hears that it has missed it; what one clones
//! is not overwritten meanwhile, and is dropped once.

use std::pin::pin;
use std::task::{Context, Waker};

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use futures_core::Stream;

use super::{RecvError, TryRecvError, channel};
use crate::race::{block_on, model, poll_and_drop, start};

#[test]
fn each_receiver_gets_each_message_until_the_end() {
    model(|| {
        let (sender, mut receiver) = channel(2);
        let mut theirs = sender.subscribe();
        let other = start(move || {
            assert_eq!(block_on(theirs.recv()), Ok(1));
            assert_eq!(block_on(theirs.recv()), Err(RecvError::Closed));
        });
        let sends = start(move || assert_eq!(sender.send(1), Ok(2)));
        assert_eq!(block_on(receiver.recv()), Ok(1));
        assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
        other.join().unwrap();
        sends.join().unwrap();
    });
}

/// A message in whose clone the model may change threads.
struct Slow(Arc<AtomicUsize>);

impl Clone for Slow {
    fn clone(&self) -> Self {
        // Relaxed: counts.
        self.0.load(Ordering::Relaxed);
        Self(self.0.clone())
    }
}

/// Two get it at a time, while another one takes its place: it goes where nobody reads.
#[test]
fn a_message_that_is_cloned_is_not_overwritten() {
    model(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let (sender, mut receiver) = channel(1);
        let mut theirs = sender.subscribe();
        assert!(sender.send(Slow(count.clone())).is_ok());
        let other = start(move || {
            let _ = theirs.try_recv();
        });
        let message = Slow(count.clone());
        let sends = start(move || assert!(sender.send(message).is_ok()));
        match receiver.try_recv() {
            Ok(_) => {}
            Err(error) => assert_eq!(error, TryRecvError::Lagged(1)),
        }
        other.join().unwrap();
        sends.join().unwrap();
        drop(receiver);
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// One gets it, and the other one goes: the message is dropped by the later one.
#[test]
fn a_receiver_may_go_while_another_one_gets_the_message() {
    model(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let (sender, mut receiver) = channel(1);
        let theirs = sender.subscribe();
        assert!(sender.send(Slow(count.clone())).is_ok());
        let other = start(move || drop(theirs));
        assert!(receiver.try_recv().is_ok());
        other.join().unwrap();
        assert!(sender.is_empty());
        assert_eq!(Arc::strong_count(&count), 1);
    });
}

/// One gives up, the other one sleeps until the message.
#[test]
fn who_gives_up_leaves_the_others_in_the_line() {
    model(|| {
        let (sender, mut waits) = channel(1);
        let mut gives_up = sender.subscribe();
        let gives_up = start(move || poll_and_drop(gives_up.recv()));
        let waits = start(move || assert_eq!(block_on(waits.recv()), Ok(1)));
        sender.send(1).unwrap();
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

/// What only it had yet to get is dropped by it, or by who overwrites it, or kept for nobody: once in any case.
#[test]
fn a_receiver_may_go_while_its_message_is_overwritten() {
    model(|| {
        let count = Arc::new(AtomicUsize::new(0));
        let (sender, goes) = channel(1);
        let mut stays = sender.subscribe();
        assert!(sender.send(Slow(count.clone())).is_ok());
        let other = start(move || drop(goes));
        let n_receivers = sender.send(Slow(count.clone())).ok().unwrap();
        assert!((1..=2).contains(&n_receivers));
        other.join().unwrap();
        assert_eq!((sender.len(), stays.try_recv().err()), (1, Some(TryRecvError::Lagged(1))));
        assert!(stays.try_recv().is_ok());
        assert_eq!((sender.len(), Arc::strong_count(&count)), (0, 1));
    });
}

/// What waits in there refers to the channel by itself, and may be the last that does.
#[test]
fn a_stream_may_be_dropped_while_the_last_message_is_sent() {
    model(|| {
        let (sender, receiver) = channel(1);
        let other = start(move || {
            let _ = pin!(receiver.stream()).poll_next(&mut Context::from_waker(Waker::noop()));
        });
        let _ = sender.send(Arc::new(1));
        drop(sender);
        other.join().unwrap();
    });
}
