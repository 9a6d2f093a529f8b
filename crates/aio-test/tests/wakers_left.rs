//! No operation of the project's keeps a waker of a future that was cancelled, or that has ended.
#![cfg(not(aio_loom))]

use std::time::Duration;

use aio_base::Home;
use aio_io::{ReadExt, StreamReader, duplex};
use aio_sync::generic::{
    Barrier, CapacityLimiter, Condition, Event, Fifo, Latch, Lock, Notify, OnceCell, Queue, RwLock, Semaphore,
    broadcast, channel, oneshot, watch,
};
use aio_test::{Fate, assert_pending, spy, step};
use aio_timer::{sleep, timeout};

/// What it waits for does not come: its waker is registered, and is gone when it is cancelled.
#[track_caller]
fn leaves_no_waker<F: Future>(what: &str, future: F) {
    let mut waiting = step(future);
    assert!(waiting.poll().is_pending(), "{what} waits");
    let registered = waiting.wakers_left();
    assert!(registered > 0, "{what} waits for nothing");
    assert!(waiting.poll().is_pending(), "{what} still waits");
    assert_eq!((waiting.wakers_left(), waiting.n_wakes()), (registered, 0), "{what} is registered anew at each poll");
    waiting.cancel();
    assert_eq!(waiting.wakers_left(), 0, "{what}, cancelled, leaves a waker");
}

fn primitives_leave_no_waker<H: Home>() {
    let lock = Lock::<(), H>::new(());
    let guard = lock.try_lock();
    leaves_no_waker("a lock", lock.lock());
    drop(guard);

    let lock = RwLock::<(), H>::new(());
    let guard = lock.try_write();
    leaves_no_waker("a read lock", lock.read());
    leaves_no_waker("a write lock", lock.write());
    leaves_no_waker("an upgradable read lock", lock.upgradable_read());
    drop(guard);

    leaves_no_waker("a semaphore", Semaphore::<H>::new(0).acquire());
    leaves_no_waker("a semaphore, for many,", Semaphore::<H>::new(1).acquire_many(2));
    leaves_no_waker("a limiter", CapacityLimiter::<H>::new(1).acquire_many(2));
    leaves_no_waker("an event", Event::<H>::new().wait());
    leaves_no_waker("a latch", Latch::<H>::new(1).wait());
    leaves_no_waker("a barrier", Barrier::<H>::new(2).wait());
    leaves_no_waker("a notification", Notify::<H>::new().notified());
    leaves_no_waker("a value made once", OnceCell::<(), H>::new().wait());

    let (lock, condition) = (Lock::<(), H>::new(()), Condition::<H>::new());
    leaves_no_waker("a condition", condition.wait(lock.try_lock().expect("it is free")));
    leaves_no_waker("a condition with a test", async {
        drop(condition.wait_for(lock.lock().await, |()| false).await);
    });

    let queue = Queue::<(), H, Fifo>::bounded(1);
    leaves_no_waker("taking out of a queue", queue.get());
    queue.try_put(()).expect("there is room");
    leaves_no_waker("putting into a queue", queue.put(()));
    leaves_no_waker("the end of a queue", queue.join());
}

fn channels_leave_no_waker<H: Home>() {
    let (sender, receiver) = channel::bounded::<(), H>(1);
    leaves_no_waker("receiving", receiver.recv());
    leaves_no_waker("receiving many", receiver.recv_many(&mut Vec::new(), 2));
    leaves_no_waker("the end of a channel", sender.closed());
    sender.try_send(()).expect("there is room");
    leaves_no_waker("sending", sender.send(()));
    leaves_no_waker("a reserved place", sender.reserve());
    leaves_no_waker("a reserved place of its own", sender.clone().reserve_owned());

    let (mut sender, receiver) = oneshot::channel::<(), H>();
    leaves_no_waker("the end of a oneshot", sender.closed());
    leaves_no_waker("a oneshot", receiver);

    let (sender, mut receiver) = watch::channel::<(), H>(());
    leaves_no_waker("a change", receiver.changed());
    leaves_no_waker("a change to something", receiver.wait_for(|()| false));
    leaves_no_waker("the end of a watch", sender.closed());

    let (_sender, mut receiver) = broadcast::channel::<(), H>(1);
    leaves_no_waker("a broadcast", receiver.recv());
}

mod shared {
    #[test]
    fn primitives_leave_no_waker() {
        super::primitives_leave_no_waker::<aio_base::Shared>();
        super::channels_leave_no_waker::<aio_base::Shared>();
    }
}

mod local {
    #[test]
    fn primitives_leave_no_waker() {
        super::primitives_leave_no_waker::<aio_base::Local>();
        super::channels_leave_no_waker::<aio_base::Local>();
    }
}

#[test]
fn timers_leave_no_waker() {
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let timers = aio_timer::Timers::new(aio_core::VirtualTime::new(aio_core::ThreadPark::new()));
    aio_core::EventLoop::new(timers).run(async {
        leaves_no_waker("a sleep", sleep(century));
        leaves_no_waker("a timeout", timeout(century, sleep(century / 2)));
    });
}

/// A pipe keeps the last waker, as a socket does, until the next poll or its own end.
#[test]
fn a_pipe_keeps_one_waker_and_no_more() {
    let (mut here, there) = duplex(1);
    let mut buf = [0; 1];
    let (read, watched) = spy(here.read(&mut buf));
    assert_pending!(step(read).poll().map(|_| ()));
    assert_eq!(watched.fate(), Fate::Dropped);
    assert!(watched.wakers_left() <= 1);

    let mut reader = StreamReader::new(here);
    let mut again = step(reader.read_exactly(1));
    assert_pending!(again.poll().map(|_| ()));
    assert_eq!((watched.wakers_left(), again.wakers_left()), (0, 1));
    drop((again, there));
}
