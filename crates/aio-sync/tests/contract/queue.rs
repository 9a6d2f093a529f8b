//! The contract of the queue, in both homes.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use aio_base::Home;
use aio_base::live::{self, Kind};
use aio_sync::{GetError, GetFuture, PutError, PutFuture};

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

type Queue<H> = aio_sync::generic::Queue<u32, H>;
type Putting<'a, H> = Pin<Box<PutFuture<'a, u32, H>>>;
type Getting<'a, H> = Pin<Box<GetFuture<'a, u32, H>>>;

in_both_homes! {
    what_is_put_in_comes_out_in_order,
    a_bounded_queue_has_room_for_so_many,
    an_unbounded_queue_is_never_full,
    try_put_and_try_get_never_wait,
    debug_shows_every_state_and_no_item,
    an_item_is_handed_to_the_first_who_waits,
    nobody_overtakes_those_who_wait_for_an_item,
    an_item_counts_until_its_getter_has_it,
    items_handed_over_arrive_in_order_even_if_their_getters_do_not,
    a_getter_that_was_never_polled_has_no_place,
    a_dropped_getter_loses_its_place,
    a_woken_getter_that_is_dropped_passes_the_item_on,
    a_woken_getter_that_is_the_last_leaves_the_item_at_the_front,
    items_given_back_keep_their_order,
    room_is_given_to_the_first_who_waits,
    nobody_overtakes_those_who_wait_for_room,
    items_of_waiting_putters_come_in_the_order_of_their_waiting,
    a_dropped_putter_takes_its_item_along,
    a_woken_putter_that_is_dropped_passes_the_room_on,
    a_woken_putter_that_is_the_last_leaves_the_room,
    getters_and_putters_may_wait_at_the_same_time,
    closing_refuses_what_comes,
    closing_lets_out_what_is_there,
    closing_wakes_all_who_wait_getters_first,
    closing_refuses_a_putter_that_was_given_room,
    closing_leaves_a_getter_its_item,
    closing_at_once_returns_what_nobody_has_got,
    joining_waits_for_everything_that_was_put_in,
    joining_is_over_even_if_new_items_come,
    closing_leaves_joining_to_those_who_work,
    closing_at_once_counts_what_it_removes_as_done,
    task_done_too_often_panics,
    more_than_one_batch_is_woken_in_order,
    who_joins_while_others_are_woken_is_not_let_go_with_them,
    the_waker_of_the_last_poll_is_the_one_called,
    a_panicking_waker_leaves_the_item_handed_over,
    a_panicking_waker_leaves_the_room_handed_over,
    a_panicking_waker_does_not_keep_the_others_asleep,
    wakers_may_use_the_queue_again,
    items_may_use_the_queue_when_they_are_dropped,
    items_left_in_a_queue_are_dropped_with_it,
    a_million_polls_and_drops_leave_nothing,
    a_leaked_waiter_may_outlive_the_queue,
    polling_again_after_it_was_ready_panics,
}

fn getting<'a, H: Home>(queue: &'a Queue<H>, log: &WakeLog, name: usize) -> Getting<'a, H> {
    let mut future = Box::pin(queue.get());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn putting<'a, H: Home>(queue: &'a Queue<H>, log: &WakeLog, item: u32) -> Putting<'a, H> {
    let mut future = Box::pin(queue.put(item));
    assert!(poll(&mut future, &log.waker(item as usize)).is_pending());
    future
}

/// What a getter has been handed.
fn got<H: Home>(mut future: Getting<'_, H>) -> u32 {
    match poll_idle(&mut future) {
        Poll::Ready(item) => item.expect("an item"),
        Poll::Pending => panic!("it was not handed an item"),
    }
}

/// Goes on with a putter that was given room.
fn put<H: Home>(mut future: Putting<'_, H>) {
    match poll_idle(&mut future) {
        Poll::Ready(outcome) => outcome.expect("it is open"),
        Poll::Pending => panic!("it was not given room"),
    }
}

fn full<H: Home>(items: impl IntoIterator<Item = u32, IntoIter: ExactSizeIterator>) -> Queue<H> {
    let items = items.into_iter();
    let queue = Queue::bounded(items.len());
    items.for_each(|item| queue.try_put(item).unwrap());
    queue
}

fn rest<H: Home>(queue: &Queue<H>) -> Vec<u32> {
    std::iter::from_fn(|| queue.try_get().ok()).collect()
}

#[test]
fn both_homes_are_inferred() {
    let (shared, local) = (aio_sync::Queue::bounded(1), aio_sync::local::Queue::unbounded());
    now(shared.put(1)).unwrap();
    now(local.put(Rc::new(1))).unwrap();
    assert_eq!(now(shared.get()).unwrap() + *now(local.get()).unwrap(), 2);
}

#[test]
fn a_queue_without_room_is_refused() {
    assert!(catch_unwind(|| aio_sync::Queue::<u32>::bounded(0)).is_err());
}

#[test]
fn the_errors_say_what_was_attempted() {
    let queue = full::<aio_base::Local>([1]);
    let full = queue.try_put(2).unwrap_err();
    assert!(full.is_full() && !full.is_closed());
    assert_eq!(format!("{full:?}: {full}"), "PutError(Full): failed to put an item into the queue: it is full");
    assert_eq!(full.into_item(), 2);
    queue.close();
    let closed: Box<dyn Error> = queue.try_put(3).unwrap_err().into();
    assert_eq!(format!("{closed:?}: {closed}"), "PutError(Closed): failed to put an item into the queue: it is closed");
    assert!(closed.downcast::<PutError<u32>>().unwrap().is_closed());
    assert_eq!(rest(&queue), [1]);
    let closed = queue.try_get().unwrap_err();
    assert!(closed.is_closed() && !closed.is_empty());
    assert_eq!(
        format!("{closed:?}: {closed}"),
        "GetError(Closed): failed to get an item from the queue: it is empty and closed"
    );
    let empty: GetError = Queue::<aio_base::Local>::unbounded().try_get().unwrap_err();
    assert!(empty.is_empty() && !empty.is_closed());
    assert_eq!(format!("{empty:?}: {empty}"), "GetError(Empty): failed to get an item from the queue: it is empty");
}

fn what_is_put_in_comes_out_in_order<H: Home>() {
    let queue = Queue::<H>::unbounded();
    for item in 0..5 {
        now(queue.put(item)).unwrap();
    }
    queue.try_put(5).unwrap();
    assert_eq!(queue.len(), 6);
    for item in 0..6 {
        assert_eq!(now(queue.get()), Ok(item));
    }
    assert!(queue.is_empty());
}

fn a_bounded_queue_has_room_for_so_many<H: Home>() {
    let queue = Queue::<H>::bounded(2);
    assert_eq!(queue.capacity(), Some(2));
    assert!(!queue.is_full());
    queue.try_put(1).unwrap();
    assert!(!queue.is_full());
    queue.try_put(2).unwrap();
    assert!(queue.is_full());
    assert!(queue.try_put(3).unwrap_err().is_full());
    assert_eq!(queue.try_get(), Ok(1));
    queue.try_put(4).unwrap();
    assert_eq!(rest(&queue), [2, 4]);
}

fn an_unbounded_queue_is_never_full<H: Home>() {
    let queue = Queue::<H>::unbounded();
    assert_eq!(queue.capacity(), None);
    for item in 0..10_000 {
        queue.try_put(item).unwrap();
    }
    assert!(!queue.is_full());
    assert_eq!(queue.len(), 10_000);
}

fn try_put_and_try_get_never_wait<H: Home>() {
    let queue = Queue::<H>::bounded(1);
    assert!(queue.try_get().unwrap_err().is_empty());
    queue.try_put(1).unwrap();
    let refused = queue.try_put(2).unwrap_err();
    assert_eq!((refused.is_full(), refused.into_item()), (true, 2));
    assert_eq!(queue.try_get(), Ok(1));
}

fn debug_shows_every_state_and_no_item<H: Home>() {
    let queue = Queue::<H>::bounded(1);
    let mut get = Box::pin(queue.get());
    assert_eq!(format!("{queue:?}"), "Queue { len: 0, capacity: Some(1), is_closed: false }");
    assert_eq!(
        format!("{get:?} {:?} {:?}", queue.put(1), queue.join()),
        "GetFuture(New) PutFuture(New) QueueJoinFuture(New)"
    );
    assert!(poll_idle(&mut get).is_pending());
    assert_eq!(format!("{get:?}"), "GetFuture(Queued)");
    queue.try_put(1).unwrap();
    assert_eq!(format!("{queue:?} {get:?}"), "Queue { len: 1, capacity: Some(1), is_closed: false } GetFuture(Woken)");
    assert!(poll_idle(&mut get).is_ready());
    queue.close();
    assert_eq!(format!("{queue:?} {get:?}"), "Queue { len: 0, capacity: Some(1), is_closed: true } GetFuture(Done)");
}

fn an_item_is_handed_to_the_first_who_waits<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let getters = [1, 2, 3].map(|name| getting(&queue, &log, name));
    queue.try_put(10).unwrap();
    assert_eq!(log.take(), [1]);
    now(queue.put(20)).unwrap();
    assert_eq!(log.take(), [2]);
    let [first, second, mut third] = getters;
    assert!(poll_idle(&mut third).is_pending());
    assert_eq!((got(first), got(second)), (10, 20));
    assert_eq!(log.take(), []);
}

fn nobody_overtakes_those_who_wait_for_an_item<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let first = getting(&queue, &log, 1);
    queue.try_put(10).unwrap();
    assert!(queue.try_get().unwrap_err().is_empty());
    let second = getting(&queue, &log, 2);
    queue.try_put(20).unwrap();
    // What is nobody's may be taken at once, and is not what the others have.
    queue.try_put(30).unwrap();
    assert_eq!(queue.try_get(), Ok(30));
    assert_eq!((got(first), got(second)), (10, 20));
}

fn an_item_counts_until_its_getter_has_it<H: Home>() {
    let (queue, log) = (Queue::<H>::bounded(1), WakeLog::default());
    let getter = getting(&queue, &log, 1);
    queue.try_put(10).unwrap();
    assert!(queue.is_full() && queue.len() == 1);
    let putter = putting(&queue, &log, 20);
    assert_eq!(log.take(), [1]);
    assert_eq!(got(getter), 10);
    assert_eq!(log.take(), [20]);
    assert!(queue.is_full() && queue.is_empty());
    put(putter);
    assert_eq!(rest(&queue), [20]);
}

fn items_handed_over_arrive_in_order_even_if_their_getters_do_not<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let [first, second] = [1, 2].map(|name| getting(&queue, &log, name));
    queue.try_put(10).unwrap();
    queue.try_put(20).unwrap();
    assert_eq!(got(second), 10);
    assert_eq!(got(first), 20);
}

fn a_getter_that_was_never_polled_has_no_place<H: Home>() {
    let queue = Queue::<H>::unbounded();
    let early = Box::pin(queue.get());
    drop(queue.get());
    queue.try_put(1).unwrap();
    assert_eq!(queue.try_get(), Ok(1));
    queue.try_put(2).unwrap();
    assert_eq!(got(early), 2);
}

fn a_dropped_getter_loses_its_place<H: Home>() {
    for dropped in 0..3 {
        let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
        let mut getters: Vec<_> = (0..3).map(|name| (name, getting(&queue, &log, name))).collect();
        drop(getters.remove(dropped));
        for item in 0..3 {
            queue.try_put(item).unwrap();
        }
        let others: Vec<_> = getters.iter().map(|(name, _)| *name).collect();
        assert_eq!(log.take(), others);
        for (item, (_, getter)) in getters.into_iter().enumerate() {
            assert_eq!(got(getter), item as u32);
        }
        assert_eq!(rest(&queue), [2]);
    }
}

fn a_woken_getter_that_is_dropped_passes_the_item_on<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let [first, second, third] = [1, 2, 3].map(|name| getting(&queue, &log, name));
    queue.try_put(10).unwrap();
    drop(first);
    assert_eq!(log.take(), [1, 2]);
    drop(second);
    assert_eq!(log.take(), [3]);
    assert_eq!(got(third), 10);
    assert!(queue.is_empty());
}

fn a_woken_getter_that_is_the_last_leaves_the_item_at_the_front<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let getter = getting(&queue, &log, 1);
    queue.try_put(10).unwrap();
    queue.try_put(20).unwrap();
    drop(getter);
    assert_eq!(rest(&queue), [10, 20]);
}

/// In whatever order those are dropped who were handed them.
fn items_given_back_keep_their_order<H: Home>() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
        let mut getters = [1, 2, 3].map(|name| Some(getting(&queue, &log, name)));
        for item in [10, 20, 30, 40] {
            queue.try_put(item).unwrap();
        }
        for dropped in order {
            getters[dropped] = None;
        }
        assert_eq!(rest(&queue), [10, 20, 30, 40]);
    }
}

fn room_is_given_to_the_first_who_waits<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let [first, mut second] = [2, 3].map(|item| putting(&queue, &log, item));
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(log.take(), [2]);
    assert!(poll(&mut second, &log.waker(3)).is_pending());
    put(first);
    assert_eq!(queue.try_get(), Ok(2));
    assert_eq!(log.take(), [3]);
    put(second);
    assert_eq!(rest(&queue), [3]);
}

fn nobody_overtakes_those_who_wait_for_room<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let first = putting(&queue, &log, 2);
    assert_eq!(queue.try_get(), Ok(1));
    assert!(queue.is_full() && queue.is_empty());
    assert!(queue.try_put(9).unwrap_err().is_full());
    let second = putting(&queue, &log, 3);
    put(first);
    assert_eq!(rest(&queue), [2]);
    put(second);
    assert_eq!(rest(&queue), [3]);
}

fn items_of_waiting_putters_come_in_the_order_of_their_waiting<H: Home>() {
    let (queue, log) = (full::<H>([1, 2]), WakeLog::default());
    let putters = [3, 4, 5].map(|item| putting(&queue, &log, item));
    let mut items = rest(&queue);
    for putter in putters {
        put(putter);
        items.extend(rest(&queue));
    }
    assert_eq!(items, [1, 2, 3, 4, 5]);
    assert_eq!(log.take(), [3, 4, 5]);
}

fn a_dropped_putter_takes_its_item_along<H: Home>() {
    let item = Arc::new(());
    let queue = aio_sync::generic::Queue::<_, H>::bounded(1);
    queue.try_put(item.clone()).unwrap();
    let mut putter = Box::pin(queue.put(item.clone()));
    assert!(poll_idle(&mut putter).is_pending());
    drop(putter);
    // Given room, too.
    let mut putter = Box::pin(queue.put(item.clone()));
    assert!(poll_idle(&mut putter).is_pending());
    drop(queue.try_get().unwrap());
    drop(putter);
    // Or never polled.
    drop(queue.put(item.clone()));
    assert_eq!(Arc::strong_count(&item), 1);
    assert!(queue.is_empty() && !queue.is_full());
}

fn a_woken_putter_that_is_dropped_passes_the_room_on<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let [first, second, third] = [2, 3, 4].map(|item| putting(&queue, &log, item));
    assert_eq!(queue.try_get(), Ok(1));
    drop(first);
    assert_eq!(log.take(), [2, 3]);
    drop(second);
    assert_eq!(log.take(), [4]);
    put(third);
    assert_eq!(rest(&queue), [4]);
}

fn a_woken_putter_that_is_the_last_leaves_the_room<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let putter = putting(&queue, &log, 2);
    assert_eq!(queue.try_get(), Ok(1));
    drop(putter);
    assert!(!queue.is_full());
    queue.try_put(3).unwrap();
    assert_eq!(rest(&queue), [3]);
}

/// The room has been given to one who has not come: others wait for room behind it, and for its item.
fn getters_and_putters_may_wait_at_the_same_time<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let [slow, putter] = [2, 3].map(|item| putting(&queue, &log, item));
    assert_eq!(queue.try_get(), Ok(1));
    let [first, second] = [11, 12].map(|name| getting(&queue, &log, name));
    assert_eq!(log.take(), [2]);
    put(slow);
    assert_eq!(log.take(), [11]);
    assert_eq!(got(first), 2);
    assert_eq!(log.take(), [3]);
    put(putter);
    assert_eq!(log.take(), [12]);
    assert_eq!(got(second), 3);
}

fn closing_refuses_what_comes<H: Home>() {
    let queue = Queue::<H>::bounded(1);
    assert!(!queue.is_closed());
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    assert!(queue.try_put(1).unwrap_err().is_closed());
    assert_eq!(now(queue.put(2)).unwrap_err().into_item(), 2);
    assert!(now(queue.get()).unwrap_err().is_closed());
    assert!(queue.try_get().unwrap_err().is_closed());
}

fn closing_lets_out_what_is_there<H: Home>() {
    let queue = full::<H>([1, 2]);
    queue.close();
    assert_eq!((now(queue.get()), queue.try_get()), (Ok(1), Ok(2)));
    assert!(now(queue.get()).is_err());
}

fn closing_wakes_all_who_wait_getters_first<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let [slow, mut putter] = [2, 3].map(|item| putting(&queue, &log, item));
    assert_eq!(queue.try_get(), Ok(1));
    let getters = [11, 12].map(|name| getting(&queue, &log, name));
    assert_eq!(log.take(), [2]);
    queue.close();
    assert_eq!(log.take(), [11, 12, 3]);
    for mut getter in getters {
        let Poll::Ready(Err(error)) = poll_idle(&mut getter) else { panic!("it is closed") };
        assert!(error.is_closed());
    }
    let Poll::Ready(Err(error)) = poll_idle(&mut putter) else { panic!("it is closed") };
    assert_eq!((error.is_closed(), error.into_item()), (true, 3));
    drop(slow);
    assert_eq!(log.take(), []);
}

fn closing_refuses_a_putter_that_was_given_room<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let mut putter = putting(&queue, &log, 2);
    assert_eq!(queue.try_get(), Ok(1));
    queue.close();
    let Poll::Ready(Err(error)) = poll_idle(&mut putter) else { panic!("it is closed") };
    assert_eq!(error.into_item(), 2);
    assert!(queue.is_empty() && !queue.is_full());
}

fn closing_leaves_a_getter_its_item<H: Home>() {
    let (queue, log) = (Queue::<H>::bounded(1), WakeLog::default());
    let [first, mut second, third] = [1, 2, 3].map(|name| getting(&queue, &log, name));
    queue.try_put(10).unwrap();
    queue.close();
    assert_eq!(log.take(), [1, 2, 3]);
    let polled = poll_idle(&mut second);
    assert!(matches!(polled, Poll::Ready(Err(_))), "the item is not its own: {polled:?}");
    drop(third);
    assert_eq!(got(first), 10);
    assert!(now(queue.get()).is_err());
}

fn closing_at_once_returns_what_nobody_has_got<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let getter = getting(&queue, &log, 1);
    for item in [10, 20, 30] {
        queue.try_put(item).unwrap();
    }
    assert_eq!(queue.close_now(), [20, 30]);
    assert!(queue.is_closed());
    assert_eq!(queue.len(), 1);
    assert_eq!(got(getter), 10);
    assert!(queue.try_get().unwrap_err().is_closed());
    assert_eq!(queue.close_now(), []);
}

fn joining_waits_for_everything_that_was_put_in<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    now(queue.join());
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    let mut joins = [1, 2].map(|name| {
        let mut join = Box::pin(queue.join());
        assert!(poll(&mut join, &log.waker(name)).is_pending());
        join
    });
    assert_eq!(rest(&queue), [1, 2]);
    queue.task_done();
    assert_eq!(log.take(), []);
    queue.task_done();
    assert_eq!(log.take(), [1, 2]);
    assert!(poll_idle(&mut joins[0]).is_ready());
    now(queue.join());
}

fn joining_is_over_even_if_new_items_come<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    queue.try_put(1).unwrap();
    let mut join = Box::pin(queue.join());
    assert!(poll(&mut join, &log.waker(1)).is_pending());
    queue.task_done();
    queue.try_put(2).unwrap();
    assert!(poll_idle(&mut Box::pin(queue.join())).is_pending());
    assert!(poll_idle(&mut join).is_ready());
}

fn closing_leaves_joining_to_those_who_work<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    queue.try_put(1).unwrap();
    let mut join = Box::pin(queue.join());
    assert!(poll(&mut join, &log.waker(1)).is_pending());
    queue.close();
    assert_eq!(log.take(), []);
    assert_eq!(rest(&queue), [1]);
    queue.task_done();
    assert_eq!(log.take(), [1]);
    assert!(poll_idle(&mut join).is_ready());
}

fn closing_at_once_counts_what_it_removes_as_done<H: Home>() {
    let (queue, log) = (full::<H>([1, 2, 3]), WakeLog::default());
    let mut join = Box::pin(queue.join());
    assert!(poll(&mut join, &log.waker(1)).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(queue.close_now(), [2, 3]);
    assert_eq!(log.take(), []);
    queue.task_done();
    assert_eq!(log.take(), [1]);
    assert!(poll_idle(&mut join).is_ready());
    // The same when nothing is being worked on.
    let queue = full::<H>([1, 2]);
    let mut join = Box::pin(queue.join());
    assert!(poll(&mut join, &log.waker(2)).is_pending());
    drop(queue.close_now());
    assert_eq!(log.take(), [2]);
    assert!(poll_idle(&mut join).is_ready());
}

fn task_done_too_often_panics<H: Home>() {
    let queue = full::<H>([1]);
    queue.task_done();
    assert!(catch_unwind(AssertUnwindSafe(|| queue.task_done())).is_err());
    // Nothing has changed by it.
    now(queue.join());
    assert_eq!(rest(&queue), [1]);
    queue.try_put(2).unwrap();
    assert!(poll_idle(&mut Box::pin(queue.join())).is_pending());
}

fn more_than_one_batch_is_woken_in_order<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let getters: Vec<_> = (0..100).map(|name| getting(&queue, &log, name)).collect();
    queue.close();
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
    drop(getters);

    let queue = full::<H>([1]);
    let joins: Vec<_> = (0..100)
        .map(|name| {
            let mut join = Box::pin(queue.join());
            assert!(poll(&mut join, &log.waker(name)).is_pending());
            join
        })
        .collect();
    queue.task_done();
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
    drop(joins);
}

fn who_joins_while_others_are_woken_is_not_let_go_with_them<H: Home>() {
    // More than one batch, so that the line is looked at again after the first have come back.
    const N: usize = 40;
    let queue: &'static _ = Box::leak(Box::new(full::<H>([1])));
    let again = Rc::new(RefCell::new(Vec::new()));
    let is_waking = Rc::new(Cell::new(false));
    let hook = {
        let (again, is_waking) = (again.clone(), is_waking.clone());
        move || {
            if is_waking.get() {
                let _ = queue.try_get();
                queue.try_put(2).unwrap();
                let mut join = Box::pin(queue.join());
                assert!(poll_idle(&mut join).is_pending());
                again.borrow_mut().push(join);
            }
        }
    };
    with_hook(hook, || {
        let mut joins: Vec<_> = (0..N).map(|_| Box::pin(queue.join())).collect();
        for join in &mut joins {
            assert!(poll(join, &hooked_waker(1)).is_pending());
        }
        is_waking.set(true);
        queue.task_done();
        is_waking.set(false);
        assert!(joins.iter_mut().all(|join| poll_idle(join).is_ready()));
        let mut again = again.take();
        assert_eq!(again.len(), N);
        assert!(again.iter_mut().all(|join| poll_idle(join).is_pending()));
        (0..N).for_each(|_| queue.task_done());
        assert!(again.iter_mut().all(|join| poll_idle(join).is_ready()));
    });
}

fn the_waker_of_the_last_poll_is_the_one_called<H: Home>() {
    let (queue, log) = (Queue::<H>::bounded(1), WakeLog::default());
    let mut getter = getting(&queue, &log, 1);
    assert!(poll(&mut getter, &log.waker(2)).is_pending());
    queue.try_put(1).unwrap();
    assert_eq!(log.take(), [2]);
    let mut putter = putting(&queue, &log, 3);
    assert!(poll(&mut putter, &log.waker(4)).is_pending());
    assert_eq!(got(getter), 1);
    assert_eq!(log.take(), [4]);
    put(putter);
}

fn a_panicking_waker_leaves_the_item_handed_over<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let mut getter = Box::pin(queue.get());
    assert!(poll(&mut getter, &log.panicking_waker(1)).is_pending());
    assert_eq!(panic_of(|| queue.try_put(10).unwrap()), 1);
    assert!(queue.try_get().is_err());
    assert_eq!(got(getter), 10);
}

fn a_panicking_waker_leaves_the_room_handed_over<H: Home>() {
    let (queue, log) = (full::<H>([1]), WakeLog::default());
    let mut putter = Box::pin(queue.put(2));
    assert!(poll(&mut putter, &log.panicking_waker(1)).is_pending());
    assert_eq!(panic_of(|| _ = queue.try_get()), 1);
    assert!(queue.is_empty() && queue.is_full());
    put(putter);
    assert_eq!(rest(&queue), [2]);
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    let mut first = Box::pin(queue.get());
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = getting(&queue, &log, 2);
    assert_eq!(panic_of(|| queue.close()), 1);
    assert_eq!(log.take(), [1, 2]);
    drop((first, second));

    let queue = full::<H>([1]);
    let mut joins = [queue.join(), queue.join()].map(Box::pin);
    assert!(poll(&mut joins[0], &log.panicking_waker(1)).is_pending());
    assert!(poll(&mut joins[1], &log.waker(2)).is_pending());
    assert_eq!(panic_of(|| drop(queue.close_now())), 1);
    assert_eq!(log.take(), [1, 2]);
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the queue is not in the middle of something.
fn wakers_may_use_the_queue_again<H: Home>() {
    let queue = Rc::new(Queue::<H>::bounded(1));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (queue, calls) = (queue.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = (queue.len(), queue.is_full(), format!("{queue:?}"));
            let _ = poll_idle(&mut Box::pin(queue.join()));
            if queue.try_put(7).is_ok() {
                assert_eq!(queue.try_get(), Ok(7));
                queue.task_done();
            }
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let [one, two] = [1, 2].map(hooked_waker);
        queue.try_put(1).unwrap();
        let mut first = Box::pin(queue.put(2));
        let mut second = Box::pin(queue.put(3));
        assert!(poll(&mut first, &one).is_pending());
        assert!(called(), "clone");
        assert!(poll(&mut second, &one).is_pending());
        assert!(poll(&mut first, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(second);
        assert!(called(), "drop, out of the line");
        assert_eq!(queue.try_get(), Ok(1));
        assert!(called(), "wake");
        put(first);
        let mut join = Box::pin(queue.join());
        assert!(poll(&mut join, &one).is_pending());
        assert!(called(), "clone");
        queue.task_done();
        queue.task_done();
        assert!(called(), "wake, all done");
        assert_eq!(queue.try_get(), Ok(2));
        let mut getter = Box::pin(queue.get());
        assert!(poll(&mut getter, &one).is_pending());
        assert!(called(), "clone");
        queue.close();
        assert!(called(), "wake, closed");
        drop((getter, join));
        drop((one, two));
    });
}

/// An item whose destructor uses the queue it came from.
struct Back<H: Home>(Rc<aio_sync::generic::Queue<Option<Back<H>>, H>>);

impl<H: Home> Drop for Back<H> {
    fn drop(&mut self) {
        drop(self.0.try_put(None));
        drop(self.0.try_get());
    }
}

fn items_may_use_the_queue_when_they_are_dropped<H: Home>() {
    let queue = Rc::new(aio_sync::generic::Queue::<_, H>::bounded(1));
    queue.try_put(Some(Back(queue.clone()))).ok().unwrap();
    let mut putter = Box::pin(queue.put(Some(Back(queue.clone()))));
    assert!(poll_idle(&mut putter).is_pending());
    drop(putter);
    drop(queue.try_get());
    drop(queue.put(Some(Back(queue.clone()))));
    queue.try_put(Some(Back(queue.clone()))).ok().unwrap();
    drop(queue.close_now());
    assert_eq!(Rc::strong_count(&queue), 1);
}

fn items_left_in_a_queue_are_dropped_with_it<H: Home>() {
    let item = Arc::new(());
    let queue = aio_sync::generic::Queue::<_, H>::unbounded();
    let mut getter = Box::pin(queue.get());
    assert!(poll_idle(&mut getter).is_pending());
    for _ in 0..3 {
        queue.try_put(item.clone()).unwrap();
    }
    drop(getter);
    assert_eq!(Arc::strong_count(&item), 4);
    drop(queue);
    assert_eq!(Arc::strong_count(&item), 1);
}

fn a_million_polls_and_drops_leave_nothing<H: Home>() {
    let (queue, log) = (Queue::<H>::bounded(1), WakeLog::default());
    let first = getting(&queue, &log, 1);
    let waker = log.waker(2);
    for _ in 0..500_000 {
        assert!(poll(&mut Box::pin(queue.get()), &waker).is_pending());
    }
    queue.try_put(1).unwrap();
    for _ in 0..500_000 {
        assert!(poll(&mut Box::pin(queue.put(2)), &waker).is_pending());
    }
    assert_eq!(live::count(Kind::Waiter), 0);
    assert_eq!(got(first), 1);
    assert_eq!(log.take(), [1]);
    assert!(queue.is_empty() && !queue.is_full());
}

/// What a leaked future occupies is never reused, so it may stay in the line of a queue that moves and goes.
fn a_leaked_waiter_may_outlive_the_queue<H: Home>() {
    let (queue, log) = (Queue::<H>::unbounded(), WakeLog::default());
    std::mem::forget(getting(&queue, &log, 1));
    let second = getting(&queue, &log, 2);
    queue.try_put(10).unwrap();
    // The leaked one has the item now, and keeps it.
    assert_eq!(log.take(), [1]);
    drop(second);
    let moved = queue;
    assert_eq!(moved.len(), 1);
    assert!(moved.try_get().is_err());
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    fn panics<F: Future>(mut future: Pin<Box<F>>) {
        assert!(poll_idle(&mut future).is_ready());
        assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
    }
    let queue = Queue::<H>::bounded(2);
    panics(Box::pin(queue.put(1)));
    assert_eq!(queue.len(), 1);
    panics(Box::pin(queue.get()));
    assert!(queue.is_empty());
    queue.task_done();
    panics(Box::pin(queue.join()));
}
