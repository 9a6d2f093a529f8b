//! What goes from some to others, whatever it is called.

use std::pin::Pin;
use std::task::Poll;

use aio_base::{Local, Shared};
use aio_sync::generic::{self, Fifo, Lifo, Order, Queue, Smallest};

use crate::common::{WakeLog, now, poll, poll_idle};

/// Something that items are put into and got from.
trait QueueLike {
    fn bounded(capacity: usize) -> Self;
    /// The item, if it was refused.
    fn put(&self, item: u32) -> impl Future<Output = Result<(), u32>>;
    fn get(&self) -> impl Future<Output = Option<u32>>;
    fn try_put(&self, item: u32) -> Result<(), u32>;
    fn try_get(&self) -> Option<u32>;
    fn close(&self);
}

macro_rules! queue_like {
    (
        [$($generics:tt)*] $type:ty: $new:expr, $this:ident,
        $item:ident => $put:expr, $get:expr, $try_put:expr, $try_get:expr, $close:expr
    ) => {
        impl<$($generics)*> QueueLike for $type {
            fn bounded(capacity: usize) -> Self {
                $new(capacity)
            }
            async fn put(&self, $item: u32) -> Result<(), u32> {
                let $this = self;
                $put.await.map_err(|error| error.into_item())
            }
            async fn get(&self) -> Option<u32> {
                let $this = self;
                $get.await.ok()
            }
            fn try_put(&self, $item: u32) -> Result<(), u32> {
                let $this = self;
                $try_put.map_err(|error| error.into_item())
            }
            fn try_get(&self) -> Option<u32> {
                let $this = self;
                $try_get.ok()
            }
            fn close(&self) {
                let $this = self;
                $close;
            }
        }
    };
}

macro_rules! suite {
    ($($name:ident: $type:ty;)+) => {$(
        mod $name {
            use super::*;

            type It = $type;

            suite! { @
                what_need_not_wait_does_not_yield,
                items_go_to_those_who_wait_in_their_order,
                room_goes_to_those_who_wait_in_their_order,
                nobody_takes_what_was_given_to_another,
                trying_never_waits_and_takes_no_place,
                a_getter_that_gives_up_in_the_line_is_not_missed,
                a_putter_that_gives_up_in_the_line_is_not_missed,
                a_getter_that_gives_up_when_it_is_woken_passes_the_item_on,
                an_item_that_nobody_takes_in_the_end_is_still_there,
                a_putter_that_gives_up_when_it_is_woken_passes_the_room_on,
                the_waker_of_the_last_poll_is_called,
                closing_wakes_all_who_wait_for_an_item_in_order,
                closing_wakes_all_who_wait_for_room_in_order,
                closing_lets_out_what_is_there_and_nothing_in,
                what_was_given_before_the_close_is_had_after_it,
                what_comes_back_after_the_close_goes_to_one_who_waited,
            }
        }
    )+};
    (@ $($test:ident,)+) => {
        $(
            #[test]
            fn $test() {
                aio_base::live::leak_check(super::$test::<It>);
            }
        )+
    };
}

type Get<'a> = Pin<Box<dyn Future<Output = Option<u32>> + 'a>>;
/// Each gets its item back if that is refused.
type Put<'a> = Pin<Box<dyn Future<Output = Result<(), u32>> + 'a>>;

/// In the line for items, in this order, with wakers of these names.
fn getters<'a, Q: QueueLike>(queue: &'a Q, log: &WakeLog, names: std::ops::Range<usize>) -> Vec<Get<'a>> {
    let get = |name| {
        let mut get: Get<'a> = Box::pin(queue.get());
        assert!(poll(&mut get, &log.waker(name)).is_pending());
        get
    };
    names.map(get).collect()
}

/// In the line for room, in this order, with wakers of these names, which are their items, too.
fn putters<'a, Q: QueueLike>(queue: &'a Q, log: &WakeLog, names: std::ops::Range<usize>) -> Vec<Put<'a>> {
    let put = |name: usize| {
        let mut put: Put<'a> = Box::pin(queue.put(name.try_into().unwrap()));
        assert!(poll(&mut put, &log.waker(name)).is_pending());
        put
    };
    names.map(put).collect()
}

fn what_need_not_wait_does_not_yield<Q: QueueLike>() {
    let queue = Q::bounded(2);
    for _ in 0..3 {
        assert_eq!(now(queue.put(1)), Ok(()));
        assert_eq!(queue.try_put(1), Ok(()));
        assert_eq!(now(queue.get()), Some(1));
        assert_eq!(queue.try_get(), Some(1));
    }
}

fn items_go_to_those_who_wait_in_their_order<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(3), WakeLog::default());
    let mut getters = getters(&queue, &log, 0..3);
    for name in 0..3 {
        queue.try_put(10).unwrap();
        assert_eq!(log.take(), [name]);
    }
    getters.iter_mut().for_each(|getter| assert_eq!(poll_idle(getter), Poll::Ready(Some(10))));
}

fn room_goes_to_those_who_wait_in_their_order<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    queue.try_put(100).unwrap();
    let mut putters = putters(&queue, &log, 0..3);
    let mut last = 100;
    for name in 0..3 {
        assert_eq!(queue.try_get(), Some(last));
        assert_eq!(log.take(), [name as usize]);
        // Whoever is polled for another reason waits on.
        for (later, name) in putters.iter_mut().zip(name as usize..).skip(1) {
            assert!(poll(later, &log.waker(name)).is_pending());
        }
        assert_eq!(poll_idle(&mut putters.remove(0)), Poll::Ready(Ok(())));
        last = name;
    }
    assert_eq!(queue.try_get(), Some(2));
    assert_eq!(log.take(), [0; 0]);
}

fn nobody_takes_what_was_given_to_another<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    let mut first = getters(&queue, &log, 0..1);
    queue.try_put(10).unwrap();
    // It has not run yet.
    assert_eq!(queue.try_get(), None);
    assert_eq!(queue.try_put(11), Err(11), "the item takes room until its getter has it");
    let mut second = getters(&queue, &log, 1..2);
    assert_eq!(poll_idle(&mut first[0]), Poll::Ready(Some(10)));
    queue.try_put(12).unwrap();
    assert_eq!(poll_idle(&mut second[0]), Poll::Ready(Some(12)));

    queue.try_put(20).unwrap();
    let mut first = putters(&queue, &log, 21..22);
    assert_eq!(queue.try_get(), Some(20));
    assert_eq!(queue.try_put(23), Err(23));
    let mut second = putters(&queue, &log, 22..23);
    assert_eq!(poll_idle(&mut first[0]), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Some(21));
    assert_eq!(poll_idle(&mut second[0]), Poll::Ready(Ok(())));
    assert_eq!(log.take(), [0, 1, 21, 22]);
}

fn trying_never_waits_and_takes_no_place<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    assert_eq!(queue.try_get(), None);
    let mut getter = getters(&queue, &log, 0..1);
    assert_eq!(queue.try_get(), None);
    queue.try_put(1).unwrap();
    assert_eq!(poll_idle(&mut getter[0]), Poll::Ready(Some(1)));

    queue.try_put(2).unwrap();
    assert_eq!(queue.try_put(3), Err(3));
    let mut putter = putters(&queue, &log, 4..5);
    assert_eq!(queue.try_put(5), Err(5));
    assert_eq!(queue.try_get(), Some(2));
    assert_eq!(poll_idle(&mut putter[0]), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Some(4));
    assert_eq!(log.take(), [0, 4]);
}

const GONE: [&[usize]; 7] = [&[0], &[1], &[2], &[0, 1], &[1, 2], &[2, 0], &[1, 0, 2]];

fn a_getter_that_gives_up_in_the_line_is_not_missed<Q: QueueLike>() {
    for gone in GONE {
        let (queue, log) = (Q::bounded(3), WakeLog::default());
        let mut getters: Vec<_> = getters(&queue, &log, 0..3).into_iter().map(Some).collect();
        gone.iter().for_each(|i| getters[*i] = None);
        for (name, getter) in getters.iter_mut().enumerate() {
            let Some(getter) = getter else { continue };
            queue.try_put(5).unwrap();
            assert_eq!(log.take(), [name], "without {gone:?}");
            assert_eq!(poll_idle(getter), Poll::Ready(Some(5)));
        }
        queue.try_put(6).unwrap();
        assert_eq!((log.take(), queue.try_get()), (vec![], Some(6)));
    }
}

fn a_putter_that_gives_up_in_the_line_is_not_missed<Q: QueueLike>() {
    for gone in GONE {
        let (queue, log) = (Q::bounded(1), WakeLog::default());
        queue.try_put(7).unwrap();
        let mut putters: Vec<_> = putters(&queue, &log, 0..3).into_iter().map(Some).collect();
        gone.iter().for_each(|i| putters[*i] = None);
        for (name, putter) in putters.iter_mut().enumerate() {
            let Some(putter) = putter else { continue };
            assert!(queue.try_get().is_some());
            assert_eq!(log.take(), [name], "without {gone:?}");
            assert_eq!(poll_idle(putter), Poll::Ready(Ok(())));
        }
        assert!(queue.try_get().is_some());
        assert_eq!((log.take(), queue.try_put(6)), (vec![], Ok(())));
    }
}

fn a_getter_that_gives_up_when_it_is_woken_passes_the_item_on<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    let mut getters = getters(&queue, &log, 0..3);
    queue.try_put(1).unwrap();
    for name in 0..2 {
        assert_eq!(log.take(), [name]);
        drop(getters.remove(0));
    }
    assert_eq!(log.take(), [2]);
    assert_eq!(poll_idle(&mut getters[0]), Poll::Ready(Some(1)));
}

fn an_item_that_nobody_takes_in_the_end_is_still_there<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(2), WakeLog::default());
    let getters = getters(&queue, &log, 0..2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    drop(getters);
    let mut items = [queue.try_get().unwrap(), queue.try_get().unwrap()];
    items.sort_unstable();
    assert_eq!(items, [1, 2]);
    assert_eq!(queue.try_get(), None);
    assert_eq!((queue.try_put(3), queue.try_put(4), queue.try_put(5)), (Ok(()), Ok(()), Err(5)));
}

fn a_putter_that_gives_up_when_it_is_woken_passes_the_room_on<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    queue.try_put(9).unwrap();
    let mut putters = putters(&queue, &log, 0..3);
    assert_eq!(queue.try_get(), Some(9));
    for name in 0..2 {
        assert_eq!(log.take(), [name]);
        drop(putters.remove(0));
    }
    assert_eq!(log.take(), [2]);
    assert_eq!(queue.try_put(8), Err(8));
    drop(putters);
    assert_eq!((queue.try_put(8), queue.try_get()), (Ok(()), Some(8)));
}

fn the_waker_of_the_last_poll_is_called<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    let mut getter = getters(&queue, &log, 0..1);
    assert!(poll(&mut getter[0], &log.waker(7)).is_pending());
    queue.try_put(1).unwrap();
    assert_eq!(poll_idle(&mut getter[0]), Poll::Ready(Some(1)));
    queue.try_put(2).unwrap();
    let mut putter = putters(&queue, &log, 1..2);
    assert!(poll(&mut putter[0], &log.waker(8)).is_pending());
    queue.try_get().unwrap();
    assert_eq!(log.take(), [7, 8]);
}

fn closing_wakes_all_who_wait_for_an_item_in_order<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    let mut getters = getters(&queue, &log, 0..40);
    queue.close();
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    getters.iter_mut().for_each(|getter| assert_eq!(poll_idle(getter), Poll::Ready(None)));
}

fn closing_wakes_all_who_wait_for_room_in_order<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    queue.try_put(100).unwrap();
    let mut putters = putters(&queue, &log, 0..40);
    queue.close();
    assert_eq!(log.take(), (0..40).collect::<Vec<_>>());
    for (putter, item) in putters.iter_mut().zip(0..) {
        assert_eq!(poll_idle(putter), Poll::Ready(Err(item)));
    }
    assert_eq!((queue.try_get(), queue.try_get()), (Some(100), None));
}

fn closing_lets_out_what_is_there_and_nothing_in<Q: QueueLike>() {
    let queue = Q::bounded(3);
    queue.try_put(1).unwrap();
    queue.try_put(1).unwrap();
    queue.close();
    queue.close();
    assert_eq!((queue.try_put(2), now(queue.put(3))), (Err(2), Err(3)));
    assert_eq!((now(queue.get()), queue.try_get()), (Some(1), Some(1)));
    assert_eq!((now(queue.get()), queue.try_get()), (None, None));
}

fn what_was_given_before_the_close_is_had_after_it<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    let mut getters = getters(&queue, &log, 0..2);
    queue.try_put(1).unwrap();
    queue.close();
    assert_eq!(log.take(), [0, 1]);
    assert_eq!(poll_idle(&mut getters[1]), Poll::Ready(None));
    assert_eq!(poll_idle(&mut getters[0]), Poll::Ready(Some(1)));
}

fn what_comes_back_after_the_close_goes_to_one_who_waited<Q: QueueLike>() {
    let (queue, log) = (Q::bounded(1), WakeLog::default());
    let mut getters = getters(&queue, &log, 0..3);
    queue.try_put(1).unwrap();
    queue.close();
    assert_eq!(log.take(), [0, 1, 2]);
    drop(getters.remove(0));
    assert_eq!(poll_idle(&mut getters[0]), Poll::Ready(Some(1)));
    assert_eq!(poll_idle(&mut getters[1]), Poll::Ready(None));
}

queue_like!([O: Order<u32> + 'static] Queue<u32, Shared, O>: Queue::bounded, it,
    item => it.put(item), it.get(), it.try_put(item), it.try_get(), it.close());
queue_like!([O: Order<u32> + 'static] Queue<u32, Local, O>: Queue::bounded, it,
    item => it.put(item), it.get(), it.try_put(item), it.try_get(), it.close());

/// Both ends, so that neither is missed.
type Channel<H> = (aio_sync::channel::Sender<u32, H>, aio_sync::channel::Receiver<u32, H>);

queue_like!([] Channel<Shared>: generic::channel::bounded, it,
    item => it.0.send(item), it.1.recv(), it.0.try_send(item), it.1.try_recv(), it.0.close());
queue_like!([] Channel<Local>: generic::channel::bounded, it,
    item => it.0.send(item), it.1.recv(), it.0.try_send(item), it.1.try_recv(), it.0.close());

suite! {
    queue: Queue<u32, Shared, Fifo>;
    local_queue: Queue<u32, Local, Fifo>;
    lifo_queue: Queue<u32, Shared, Lifo>;
    local_lifo_queue: Queue<u32, Local, Lifo>;
    priority_queue: Queue<u32, Shared, Smallest>;
    local_priority_queue: Queue<u32, Local, Smallest>;
    channel: Channel<Shared>;
    local_channel: Channel<Local>;
}
