//! What waiting costs: a future of a few words, and no allocation.
#![cfg(not(aio_loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use aio_base::live::Live;
use aio_base::{Home, Local, Shared};
use aio_sync::generic::channel::bounded;
use aio_sync::generic::{
    Barrier, CapacityLimiter, Condition, Event, Fifo, Latch, Lifo, Lock, Notify, OnceCell, Order, Queue, RwLock,
    Semaphore, Smallest, broadcast, oneshot, watch,
};
use aio_sync::{
    AcquireFuture, BarrierFuture, ConditionFuture, EventFuture, GetFuture, LatchFuture, LimiterFuture, LockFuture,
    NotifiedFuture, OnceCellFuture, OwnedAcquireFuture, OwnedLimiterFuture, OwnedLockFuture, OwnedRwLockReadFuture,
    OwnedRwLockUpgradeFuture, PutFuture, QueueJoinFuture, RwLockReadFuture, RwLockUpgradableReadFuture,
    RwLockUpgradableReadGuard, RwLockUpgradeFuture, RwLockWriteFuture, channel,
};
use futures_core::Stream;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static N_ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it does what the system's allocator does.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        N_ALLOCATIONS.set(N_ALLOCATIONS.get() + 1);
        // SAFETY: the caller's obligations are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = N_ALLOCATIONS.get();
    f();
    N_ALLOCATIONS.get() - before
}

fn poll<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn ready<F: Future>(future: &mut Pin<&mut F>) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

/// What counts the waiters of this build, and takes up a word, is not part of the promise.
const COUNTED: usize = size_of::<Live>().next_multiple_of(size_of::<usize>());

#[test]
fn a_waiting_future_has_at_most_64_bytes_and_its_item() {
    fn check<H: Home>() {
        type Item = [u8; 40];
        let sizes = [
            size_of::<LockFuture<'_, Item, H>>(),
            size_of::<OwnedLockFuture<Item, H>>(),
            size_of::<RwLockReadFuture<'_, Item, H>>(),
            size_of::<RwLockWriteFuture<'_, Item, H>>(),
            size_of::<RwLockUpgradableReadFuture<'_, Item, H>>(),
            size_of::<RwLockUpgradeFuture<'_, Item, H>>(),
            size_of::<OwnedRwLockReadFuture<Item, H>>(),
            size_of::<OwnedRwLockUpgradeFuture<Item, H>>(),
            size_of::<OnceCellFuture<'_, Item, H>>(),
            size_of::<EventFuture<'_, H>>(),
            size_of::<GetFuture<'_, Item, H>>(),
            size_of::<PutFuture<'_, Item, H>>() - size_of::<Item>(),
            size_of::<QueueJoinFuture<'_, Item, H>>(),
            size_of::<channel::SendFuture<'_, Item, H>>() - size_of::<Item>(),
            size_of::<channel::RecvFuture<'_, Item, H>>(),
            size_of::<channel::ReserveFuture<'_, Item, H>>(),
            size_of::<channel::ReserveOwnedFuture<Item, H>>(),
            size_of::<channel::ClosedFuture<'_, Item, H>>(),
            size_of::<channel::RecvStream<'_, Item, H>>(),
            size_of::<channel::IntoRecvStream<Item, H>>(),
            size_of::<AcquireFuture<'_, H>>(),
            size_of::<OwnedAcquireFuture<H>>(),
            size_of::<LimiterFuture<'_, H>>(),
            size_of::<BarrierFuture<'_, H>>(),
            size_of::<LatchFuture<'_, H>>(),
            size_of::<NotifiedFuture<'_, H>>(),
            size_of::<OwnedLimiterFuture<H>>(),
            size_of::<ConditionFuture<'_, Item, H>>(),
        ];
        assert!(sizes.iter().all(|size| *size <= 64 + COUNTED), "{sizes:?}");
    }
    check::<Shared>();
    check::<Local>();
}

#[test]
fn a_primitive_is_a_few_words() {
    const WORD: usize = size_of::<usize>();
    fn check<H: Home>() {
        assert!(size_of::<Lock<(), H>>() <= 2 * WORD);
        assert!(size_of::<RwLock<(), H>>() <= 4 * WORD);
        assert!(size_of::<OnceCell<std::num::NonZero<usize>, H>>() <= 4 * WORD);
        assert!(size_of::<Event<H>>() <= 3 * WORD);
        assert!(size_of::<Semaphore<H>>() <= 4 * WORD);
    }
    check::<Shared>();
    check::<Local>();
}

#[test]
fn waiting_allocates_nothing() {
    fn check<H: Home>() {
        let (lock, rwlock, event) = (Lock::<_, H>::new(0), RwLock::<_, H>::new(0), Event::<H>::new());
        let (condition, semaphore) = (Condition::<H>::new(), Semaphore::<H>::new(1));
        let limiter = CapacityLimiter::<H>::new(1);
        let (barrier, notify) = (Barrier::<H>::new(2), Notify::<H>::new());
        let count = allocations(|| {
            for _ in 0..100 {
                let held = lock.try_lock().unwrap();
                let mut wait = pin!(lock.lock());
                assert!(poll(&mut wait).is_pending());
                drop(held);
                *ready(&mut wait) += 1;

                let mut wait = pin!(event.wait());
                assert!(poll(&mut wait).is_pending());
                event.set();
                event.clear();
                ready(&mut wait);

                let held = rwlock.try_upgradable_read().unwrap();
                let reader = rwlock.try_read().unwrap();
                let mut upgrade = pin!(RwLockUpgradableReadGuard::upgrade(held));
                let mut write = pin!(rwlock.write());
                let mut read = pin!(rwlock.read());
                assert!(poll(&mut upgrade).is_pending());
                assert!(poll(&mut write).is_pending());
                assert!(poll(&mut read).is_pending());
                drop(reader);
                *ready(&mut upgrade) += 1;
                *ready(&mut write) += 1;
                drop(ready(&mut read));

                let held = semaphore.try_acquire().unwrap();
                let mut wait = pin!(semaphore.acquire_many(1));
                assert!(poll(&mut wait).is_pending());
                drop(held);
                drop(ready(&mut wait));

                let held = limiter.try_acquire().unwrap();
                let mut wait = pin!(limiter.acquire());
                assert!(poll(&mut wait).is_pending());
                drop(held);
                drop(ready(&mut wait));

                let mut wait = pin!(barrier.wait());
                assert!(poll(&mut wait).is_pending());
                assert!(ready(&mut pin!(barrier.wait())).is_ok());
                assert!(ready(&mut wait).is_ok());

                let latch = Latch::<H>::new(1);
                let mut wait = pin!(latch.wait());
                assert!(poll(&mut wait).is_pending());
                latch.arrive();
                ready(&mut wait);

                let mut wait = pin!(notify.notified());
                wait.as_mut().enable();
                assert!(poll(&mut wait).is_pending());
                notify.notify_one();
                ready(&mut wait);

                let mut wait = pin!(condition.wait_for(lock.try_lock().unwrap(), |value| *value < 0));
                assert!(poll(&mut wait).is_pending());
                *lock.try_lock().unwrap() -= 1000;
                condition.notify_all();
                *ready(&mut wait) += 1000;
            }
        });
        assert_eq!(count, 0);
    }
    check::<Shared>();
    check::<Local>();
}

#[test]
fn waiting_for_a_value_allocates_nothing() {
    fn check<H: Home>() {
        let count = allocations(|| {
            let cell = OnceCell::<_, H>::new();
            let mut wait = pin!(cell.wait());
            assert!(poll(&mut wait).is_pending());
            {
                let mut making = pin!(cell.get_or_init(std::future::pending));
                assert!(poll(&mut making).is_pending());
                let mut next = pin!(cell.get_or_init(async || 1));
                assert!(poll(&mut next).is_pending());
            }
            assert_eq!(ready(&mut pin!(cell.get_or_init(async || 2))), &2);
            assert_eq!(ready(&mut wait), &2);
        });
        assert_eq!(count, 0);
    }
    check::<Shared>();
    check::<Local>();
}

/// Once a queue has grown to what it holds.
#[test]
fn items_of_a_bounded_queue_allocate_nothing() {
    fn check<H: Home, O: Order<usize>>() {
        let queue = Queue::<usize, H, O>::bounded(1);
        let round = || {
            let mut get = pin!(queue.get());
            assert!(poll(&mut get).is_pending());
            queue.try_put(1).unwrap();
            let mut put = pin!(queue.put(2));
            assert!(poll(&mut put).is_pending());
            let mut join = pin!(queue.join());
            assert!(poll(&mut join).is_pending());
            assert_eq!(ready(&mut get), Ok(1));
            ready(&mut put).unwrap();
            assert_eq!(queue.try_get(), Ok(2));
            queue.task_done();
            queue.task_done();
            ready(&mut join);
        };
        round();
        assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
    }
    check::<Shared, Fifo>();
    check::<Local, Fifo>();
    check::<Shared, Lifo>();
    check::<Local, Smallest>();
}

/// One for the channel, and one for the room in it.
#[test]
fn a_channel_is_one_allocation_and_its_items_are_none() {
    fn check<H: Home>() {
        assert_eq!(allocations(|| drop(bounded::<usize, H>(1))), 1);
        let (sender, receiver) = bounded::<usize, H>(1);
        let mut items = Vec::with_capacity(2);
        let round = |items: &mut Vec<usize>| {
            let other = sender.clone();
            let mut recv = pin!(receiver.recv());
            assert!(poll(&mut recv).is_pending());
            sender.try_send(1).unwrap();
            let mut send = pin!(other.send(2));
            assert!(poll(&mut send).is_pending());
            let mut reserve = pin!(other.clone().reserve_owned());
            assert!(poll(&mut reserve).is_pending());
            let mut closed = pin!(sender.closed());
            assert!(poll(&mut closed).is_pending());
            assert_eq!(ready(&mut recv), Ok(1));
            ready(&mut send).unwrap();
            let mut stream = pin!(receiver.clone().into_stream());
            let mut cx = Context::from_waker(Waker::noop());
            assert_eq!(stream.as_mut().poll_next(&mut cx), Poll::Ready(Some(2)));
            assert!(stream.as_mut().poll_next(&mut cx).is_pending());
            drop(ready(&mut reserve).unwrap().send(3));
            assert_eq!(stream.as_mut().poll_next(&mut cx), Poll::Ready(Some(3)));
            sender.try_reserve().unwrap().send(4).unwrap();
            assert_eq!(ready(&mut pin!(receiver.recv_many(items, 2))), Ok(1));
            items.clear();
        };
        round(&mut items);
        assert_eq!(allocations(|| (0..100).for_each(|_| round(&mut items))), 0);
    }
    check::<Shared>();
    check::<Local>();
}

/// Each end is a pointer to it.
#[test]
fn a_oneshot_channel_is_one_allocation() {
    fn check<H: Home>() {
        type Ends<H> = (oneshot::Sender<u64, H>, oneshot::Receiver<u64, H>);
        assert_eq!(size_of::<Ends<H>>(), 2 * size_of::<usize>());
        let count = allocations(|| {
            let (mut sender, receiver) = oneshot::channel::<u64, H>();
            let mut receiver = pin!(receiver);
            assert!(poll(&mut receiver).is_pending());
            assert!(poll(&mut pin!(sender.closed())).is_pending());
            sender.send(1).unwrap();
            assert_eq!(ready(&mut receiver), Ok(1));
        });
        assert_eq!(count, 1);
    }
    check::<Shared>();
    check::<Local>();
}

/// Sending allocates for the value, so that there can be snapshots of it.
#[test]
fn watching_allocates_nothing() {
    fn check<H: Home>() {
        let sizes =
            [size_of::<watch::ChangedFuture<'_, [u8; 40], H>>(), size_of::<watch::ClosedFuture<'_, [u8; 40], H>>()];
        assert!(sizes.iter().all(|size| *size <= 64 + COUNTED), "{sizes:?}");
        let (sender, mut receiver) = watch::channel::<u64, H>(0);
        let count = allocations(|| {
            for i in 0..100 {
                {
                    let mut changed = pin!(receiver.changed());
                    assert!(poll(&mut changed).is_pending());
                    sender.send(i).unwrap();
                    ready(&mut changed).unwrap();
                }
                assert_eq!(*receiver.borrow_and_update(), i);
                assert!(poll(&mut pin!(sender.closed())).is_pending());
            }
        });
        assert_eq!(count, 100);
    }
    check::<Shared>();
    check::<Local>();
}

/// Once a channel has grown to what it keeps.
#[test]
fn messages_to_all_allocate_nothing() {
    fn check<H: Home>() {
        let size = size_of::<broadcast::RecvFuture<'_, [u8; 40], H>>();
        assert!(size <= 64 + COUNTED, "{size}");
        let (sender, mut first) = broadcast::channel::<u64, H>(4);
        let mut second = sender.subscribe();
        let mut round = || {
            {
                let mut receives = pin!(first.recv());
                assert!(poll(&mut receives).is_pending());
                // Overwrites some.
                for i in 0..6 {
                    sender.send(i).unwrap();
                }
                ready(&mut receives).unwrap_err();
            }
            second.try_recv().unwrap_err();
            for i in 2..6 {
                assert_eq!((first.try_recv(), second.try_recv()), (Ok(i), Ok(i)));
            }
        };
        round();
        assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);

        // To receive allocates nothing, not even the first time.
        let (sender, mut first) = broadcast::channel::<u64, H>(40);
        let mut second = sender.subscribe();
        (0..40).for_each(|i| assert_eq!(sender.send(i), Ok(2)));
        let receive = || (0..40).for_each(|i| assert_eq!((first.try_recv(), second.try_recv()), (Ok(i), Ok(i))));
        assert_eq!(allocations(receive), 0);
    }
    check::<Shared>();
    check::<Local>();
}
