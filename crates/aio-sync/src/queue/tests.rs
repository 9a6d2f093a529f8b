//! The races of the queue: an item, or room, is never lost between somebody who gives up and somebody who waits.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use crate::race::{block_on, model, poll_and_drop, start};
use crate::{LifoQueue, PriorityQueue, Queue};

/// Polls once, with a waker that does nothing, and drops the future: what it had by then.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Two put, one of them waits for room; the one that gets waits for items. Nobody is left asleep.
#[test]
fn each_item_arrives_once() {
    model(|| {
        let queue = Arc::new(Queue::bounded(1));
        let putters = [1, 2].map(|item| {
            let queue = queue.clone();
            start(move || block_on(queue.put(item)).unwrap())
        });
        let sum: usize = [(); 2].map(|()| block_on(queue.get()).unwrap()).iter().sum();
        assert_eq!(sum, 3);
        for putter in putters {
            putter.join().unwrap();
        }
        assert!(queue.is_empty());
        assert!(!queue.is_full());
    });
}

/// The getter gives up before, while or after it is handed the item: either it has got it, or the item is there.
#[test]
fn a_getter_that_gives_up_leaves_the_item() {
    model(|| {
        let queue = Arc::new(Queue::bounded(1));
        let got = Arc::new(AtomicUsize::new(0));
        let (theirs, n_got) = (queue.clone(), got.clone());
        let getter = start(move || {
            if let Some(item) = poll_once(theirs.get()) {
                // Relaxed: read after the thread was joined.
                n_got.store(item.unwrap(), Ordering::Relaxed);
            }
        });
        queue.try_put(1).unwrap();
        getter.join().unwrap();
        assert_eq!(got.load(Ordering::Relaxed) + queue.try_get().unwrap_or(0), 1);
        queue.try_put(2).unwrap();
    });
}

/// The getter gives up before, while or after it has a claim to an item; others take what it has no claim to, and what
/// it does not take.
#[test]
fn a_claim_that_is_given_up_leaves_the_item_to_others() {
    model(|| {
        let queue = Arc::new(LifoQueue::bounded(2));
        let theirs = queue.clone();
        let getter = start(move || {
            if let Some(item) = poll_once(theirs.get()) {
                theirs.try_put(item.unwrap()).unwrap();
            }
        });
        queue.try_put(1).unwrap();
        let taken = queue.try_get().unwrap_or(0);
        getter.join().unwrap();
        assert_eq!(taken + queue.try_get().unwrap_or(0), 1);
        assert!(queue.is_empty() && !queue.is_full());
    });
}

/// Two wait, two items come: the first to run has the smallest that is there then, and the other the other.
#[test]
fn those_who_have_a_claim_get_one_item_each() {
    model(|| {
        let queue = Arc::new(PriorityQueue::unbounded());
        let getters = [(); 2].map(|()| {
            let queue = queue.clone();
            start(move || {
                let item = block_on(queue.get()).unwrap();
                queue.try_put(item + 10).unwrap();
            })
        });
        queue.try_put(2).unwrap();
        queue.try_put(1).unwrap();
        for getter in getters {
            getter.join().unwrap();
        }
        // (One may have got what the other has put back.)
        let sum: usize = std::iter::from_fn(|| queue.try_get().ok()).sum();
        assert_eq!(sum, 23);
    });
}

/// One is handed the item and gives up; the other sleeps until it gets it from there.
#[test]
fn a_getter_that_gives_up_passes_the_item_on() {
    model(|| {
        let queue = Arc::new(Queue::unbounded());
        let [gives_up, waits] = [queue.clone(), queue.clone()];
        let gives_up = start(move || {
            if let Some(item) = poll_once(gives_up.get()) {
                // It came late enough to get it at once: somebody waits for one.
                gives_up.try_put(item.unwrap()).unwrap();
            }
        });
        let waits = start(move || assert_eq!(block_on(waits.get()).unwrap(), 1));
        queue.try_put(1).unwrap();
        gives_up.join().unwrap();
        waits.join().unwrap();
        assert!(queue.is_empty());
    });
}

/// One is given the room and gives up; the other sleeps until it gets it from there.
#[test]
fn a_putter_that_gives_up_passes_the_room_on() {
    model(|| {
        let queue = Arc::new(Queue::bounded(1));
        queue.try_put(0).unwrap();
        let [gives_up, waits] = [queue.clone(), queue.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.put(1)));
        let waits = start(move || block_on(waits.put(2)).unwrap());
        assert_eq!(block_on(queue.get()).unwrap(), 0);
        // The first may have been there when there was room.
        while block_on(queue.get()).unwrap() != 2 {}
        gives_up.join().unwrap();
        waits.join().unwrap();
        // Or there was room when it came, after all that.
        assert_eq!(queue.try_get().unwrap_or(1), 1);
        assert!(queue.is_empty() && !queue.is_full());
    });
}

/// Between the look at the queue and the place in the line it is closed.
#[test]
fn closing_lets_those_go_who_come() {
    model(|| {
        let queue = Arc::new(Queue::<usize>::bounded(1));
        queue.try_put(1).unwrap();
        let [gets, puts] = [queue.clone(), queue.clone()];
        let gets = start(move || {
            let n = [(); 3].map(|()| block_on(gets.get()).is_ok()).iter().filter(|is_ok| **is_ok).count();
            assert!(n == 1 || n == 2);
        });
        let puts = start(move || drop(block_on(puts.put(2))));
        queue.close();
        gets.join().unwrap();
        puts.join().unwrap();
        assert!(queue.is_empty());
    });
}

/// The last item is done while somebody comes to join; what was done before is visible to them.
#[test]
fn joining_ends_when_all_is_done() {
    model(|| {
        let shared = Arc::new((Queue::unbounded(), AtomicUsize::new(0)));
        shared.0.try_put(1).unwrap();
        let theirs = shared.clone();
        let worker = start(move || {
            let item = block_on(theirs.0.get()).unwrap();
            // Relaxed: that is what the queue is there for.
            theirs.1.store(item, Ordering::Relaxed);
            theirs.0.task_done();
        });
        block_on(shared.0.join());
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        worker.join().unwrap();
    });
}
