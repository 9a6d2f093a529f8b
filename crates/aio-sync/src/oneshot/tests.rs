//! The races of a oneshot channel: whatever the two ends do at a time, the message is in one place, whoever waits is
//! woken, and the block is freed once. (What the message counts, the checker finds if it is lost.)

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicBool, Ordering};

use super::channel;
use crate::race::{block_on, model, poll_and_drop, start};

fn poll_idle<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What is written before is read afterwards, too.
#[test]
fn a_message_wakes_who_waits_for_it() {
    model(|| {
        let (sender, receiver) = channel();
        let done = Arc::new(AtomicBool::new(false));
        let theirs = done.clone();
        let other = start(move || {
            // Relaxed: that is what the channel is there for.
            theirs.store(true, Ordering::Relaxed);
            assert!(sender.send(Arc::new(1)).is_ok());
        });
        assert_eq!(*block_on(receiver).unwrap(), 1);
        assert!(done.load(Ordering::Relaxed));
        other.join().unwrap();
    });
}

#[test]
fn a_sender_that_is_dropped_wakes_who_waits() {
    model(|| {
        let (sender, receiver) = channel::<Arc<()>>();
        let other = start(move || drop(sender));
        assert!(block_on(receiver).is_err());
        other.join().unwrap();
    });
}

/// Between two polls, with different wakers: the sender takes one of them, and the receiver puts the other there.
#[test]
fn a_receiver_that_changes_its_waker_is_woken() {
    model(|| {
        let (sender, mut receiver) = channel();
        if poll_idle(&mut receiver).is_pending() {
            let other = start(move || assert!(sender.send(Arc::new(1)).is_ok()));
            assert_eq!(*block_on(receiver).unwrap(), 1);
            other.join().unwrap();
        }
    });
}

/// With the same waker: the receiver compares what the sender takes out. It is woken, or finds the message.
#[test]
fn a_receiver_may_look_again_while_it_is_woken() {
    model(|| {
        let (sender, mut receiver) = channel();
        assert!(poll_idle(&mut receiver).is_pending());
        let other = start(move || assert!(sender.send(Arc::new(1)).is_ok()));
        let early = poll_idle(&mut receiver);
        other.join().unwrap();
        assert!(early.is_ready() || poll_idle(&mut receiver).is_ready());
    });
}

/// The receiver is dropped, having waited or not, while the message is sent: it is given back, or dropped with it.
#[test]
fn a_receiver_may_be_dropped_while_the_message_is_sent() {
    for waits in [false, true] {
        model(move || {
            let (sender, mut receiver) = channel();
            if waits {
                assert!(poll_idle(&mut receiver).is_pending());
            }
            let message = Arc::new(1);
            let theirs = message.clone();
            let other = start(move || drop(sender.send(theirs)));
            drop(receiver);
            other.join().unwrap();
            assert_eq!(Arc::strong_count(&message), 1);
        });
    }
}

/// Both are dropped, having waited for each other.
#[test]
fn both_ends_may_be_dropped_at_a_time() {
    for (receiver_waits, sender_waits) in [(false, false), (true, false), (false, true), (true, true)] {
        model(move || {
            let (mut sender, mut receiver) = channel::<Arc<usize>>();
            if receiver_waits {
                assert!(poll_idle(&mut receiver).is_pending());
            }
            if sender_waits {
                let mut closed = sender.closed();
                assert!(poll_idle(&mut closed).is_pending());
                // So its waker stays there.
                std::mem::forget(closed);
            }
            let other = start(move || drop(sender));
            drop(receiver);
            other.join().unwrap();
        });
    }
}

/// Closed while it is sent: either the sender has the message back, or the receiver finds it.
#[test]
fn closing_while_the_message_is_sent_loses_nothing() {
    for waits in [false, true] {
        model(move || {
            let (sender, mut receiver) = channel();
            if waits {
                assert!(poll_idle(&mut receiver).is_pending());
            }
            let was_sent = Arc::new(AtomicBool::new(false));
            let theirs = was_sent.clone();
            let other = start(move || {
                let sent = sender.send(Arc::new(1)).is_ok();
                // Relaxed: read after the thread was joined.
                theirs.store(sent, Ordering::Relaxed);
            });
            receiver.close();
            let received = poll_idle(&mut receiver);
            other.join().unwrap();
            match received {
                Poll::Ready(received) => assert_eq!(received.is_ok(), was_sent.load(Ordering::Relaxed)),
                Poll::Pending => panic!("a closed channel has nothing to wait for"),
            }
        });
    }
}

/// By closing, and by dropping.
#[test]
fn who_waits_for_the_receiver_to_go_is_woken() {
    for closes in [false, true] {
        model(move || {
            let (mut sender, mut receiver) = channel::<Arc<usize>>();
            let other = start(move || {
                block_on(sender.closed());
                assert!(sender.send(Arc::new(1)).is_err());
            });
            if closes {
                receiver.close();
            }
            drop(receiver);
            other.join().unwrap();
        });
    }
}

/// It takes its waker back, or the receiver has it.
#[test]
fn who_waits_for_the_receiver_to_go_may_give_up() {
    model(|| {
        let (mut sender, receiver) = channel::<Arc<usize>>();
        let other = start(move || {
            poll_and_drop(sender.closed());
            // And again, with another waker.
            let mut closed = pin!(sender.closed());
            if closed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                block_on(closed);
            }
        });
        drop(receiver);
        other.join().unwrap();
    });
}

/// The receiver waits and goes on looking; the sender waits for it to go and gives up, then sends.
#[test]
fn a_message_after_waiting_in_vain_arrives() {
    model(|| {
        let (mut sender, receiver) = channel();
        let other = start(move || {
            poll_and_drop(sender.closed());
            assert!(sender.send(Arc::new(1)).is_ok());
        });
        assert_eq!(*block_on(receiver).unwrap(), 1);
        other.join().unwrap();
    });
}

/// A wait for the receiver that was leaked left its waker: it is the sender's to take back, or the receiver's.
#[test]
fn a_message_after_a_leaked_wait_is_in_one_place() {
    for closes in [false, true] {
        model(move || {
            let (mut sender, mut receiver) = channel();
            let mut closed = sender.closed();
            assert!(poll_idle(&mut closed).is_pending());
            std::mem::forget(closed);
            let message = Arc::new(1);
            let theirs = message.clone();
            let other = start(move || drop(sender.send(theirs)));
            if closes {
                receiver.close();
            }
            drop(receiver);
            other.join().unwrap();
            assert_eq!(Arc::strong_count(&message), 1);
        });
    }
}
