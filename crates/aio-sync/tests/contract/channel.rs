//! The contract of channels, in both homes. What they have in common with queues, the queue's suite and the model show.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_base::{Home, Shared};
use aio_sync::channel::{Receiver, RecvError, SendError, Sender};
use aio_sync::generic::channel::{bounded, unbounded};
use futures_core::Stream;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

type Ends<H> = (Sender<u32, H>, Receiver<u32, H>);

in_both_homes! {
    what_is_sent_arrives_in_order,
    a_bounded_channel_has_room_for_so_many,
    each_item_goes_to_one_receiver,
    the_ends_are_counted,
    the_last_sender_closes_the_channel_behind_what_it_sent,
    the_last_receiver_takes_what_is_left_along,
    a_waiting_receiver_hears_of_the_last_sender,
    a_waiting_sender_gets_its_item_back_from_the_last_receiver,
    closing_is_for_both_ends,
    weak_ends_do_not_keep_the_channel_open,
    a_weak_end_of_a_closed_channel_may_be_upgraded,
    the_end_is_told_to_those_who_wait_for_it,
    more_than_a_batch_is_told_of_the_end,
    a_permit_keeps_its_room,
    a_dropped_permit_gives_the_room_to_the_next,
    reserving_waits_in_the_line_of_those_who_send,
    a_dropped_reservation_passes_the_room_on,
    a_permit_of_a_closed_channel_gives_the_item_back,
    a_reservation_that_was_given_room_is_refused_when_it_closes,
    an_owned_permit_keeps_the_sender,
    an_owned_reservation_that_is_dropped_drops_the_sender,
    an_item_evicts_the_oldest,
    nothing_is_evicted_that_somebody_has_a_claim_to,
    many_are_received_at_once,
    receiving_many_wakes_all_for_whom_there_is_room,
    receiving_many_may_be_dropped,
    a_stream_gives_all_items_and_ends,
    a_stream_that_is_dropped_passes_the_item_on,
    an_owned_stream_is_a_receiver,
    a_stream_goes_on_after_a_panicking_waker,
    what_is_there_may_be_iterated_over,
    debug_shows_the_channel_and_no_item,
    items_may_use_the_channel_when_they_are_dropped,
    an_item_may_own_the_ends_of_its_channel,
    wakers_may_use_the_channel_again,
    a_panicking_waker_does_not_keep_the_others_asleep,
    a_panicking_waker_does_not_keep_what_is_left,
}

fn full<H: Home>(items: impl IntoIterator<Item = u32, IntoIter: ExactSizeIterator>) -> Ends<H> {
    let items = items.into_iter();
    let (sender, receiver) = bounded(items.len());
    items.for_each(|item| sender.try_send(item).unwrap());
    (sender, receiver)
}

fn rest<H: Home>(receiver: &Receiver<u32, H>) -> Vec<u32> {
    receiver.try_iter().collect()
}

/// Polled once; it waits.
fn waiting<F: Future>(future: F, log: &WakeLog, name: usize) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn ready<F: Future>(mut future: Pin<Box<F>>) -> F::Output {
    match poll_idle(&mut future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn next<S: Stream>(stream: &mut Pin<Box<S>>) -> Poll<Option<S::Item>> {
    stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn both_homes_are_inferred() {
    let (sender, receiver) = aio_sync::channel::bounded(1);
    let (local_sender, local_receiver) = aio_sync::local::channel::unbounded();
    now(sender.send(1)).unwrap();
    now(local_sender.send(Rc::new(1))).unwrap();
    assert_eq!(now(receiver.recv()).unwrap() + *now(local_receiver.recv()).unwrap(), 2);
}

#[test]
fn a_channel_without_room_is_refused_with_the_line_that_asked_for_it() {
    thread_local!(static LINE: Cell<u32> = const { Cell::new(0) });
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| LINE.set(info.location().unwrap().line())));
    let refused = catch_unwind(|| drop(aio_sync::channel::bounded::<u32>(0)));
    std::panic::set_hook(before);
    assert!(refused.is_err());
    assert_eq!(LINE.get(), line!() - 3);
    assert!(catch_unwind(|| drop(aio_sync::local::channel::bounded::<u32>(0))).is_err());
}

#[test]
fn the_errors_say_what_was_attempted() {
    let (sender, receiver) = full::<Shared>([1]);
    let full = sender.try_send(2).unwrap_err();
    assert!(full.is_full() && !full.is_closed());
    assert_eq!(format!("{full:?}: {full}"), "SendError(Full): failed to send into the channel: it is full");
    assert_eq!(full.into_item(), 2);
    receiver.close();
    let closed: Box<dyn Error> = sender.try_send(3).unwrap_err().into();
    assert_eq!(format!("{closed:?}: {closed}"), "SendError(Closed): failed to send into the channel: it is closed");
    assert!(closed.downcast::<SendError<u32>>().unwrap().is_closed());
    assert_eq!(rest(&receiver), [1]);
    let closed: RecvError = receiver.try_recv().unwrap_err();
    assert!(closed.is_closed() && !closed.is_empty());
    assert_eq!(
        format!("{closed:?}: {closed}"),
        "RecvError(Closed): failed to receive from the channel: it is empty and closed"
    );
    let (_sender, receiver) = unbounded::<u32, Shared>();
    let empty = receiver.try_recv().unwrap_err();
    assert_eq!(format!("{empty:?}: {empty}"), "RecvError(Empty): failed to receive from the channel: it is empty");
}

#[test]
fn threads_send_and_receive() {
    aio_base::live::leak_check(|| {
        let (sender, receiver) = aio_sync::channel::bounded(2);
        std::thread::scope(|scope| {
            let senders = [1, 2].map(|_| {
                let sender = sender.clone();
                scope.spawn(move || (0..100).for_each(|i| sender.send_blocking(i).unwrap()))
            });
            drop(sender);
            let others = receiver.clone();
            let other = scope.spawn(move || others.into_iter().sum::<u32>());
            let here: u32 = receiver.iter_blocking().sum();
            assert_eq!(here + other.join().unwrap(), 2 * (0..100).sum::<u32>());
            assert!(receiver.recv_blocking().is_err());
            senders.into_iter().for_each(|sender| sender.join().unwrap());
        });
    });
}

#[test]
fn threads_put_and_get() {
    aio_base::live::leak_check(|| {
        let queue = aio_sync::PriorityQueue::bounded(2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| (0..100).for_each(|i| queue.put_blocking(i).unwrap()));
            let sum: u32 = (0..100).map(|_| queue.get_blocking().unwrap()).sum();
            assert_eq!(sum, (0..100).sum());
            other.join().unwrap();
            queue.close();
            assert!(queue.get_blocking().is_err() && queue.put_blocking(1).is_err());
        });
    });
}

fn what_is_sent_arrives_in_order<H: Home>() {
    let (sender, receiver) = unbounded::<u32, H>();
    assert_eq!((sender.capacity(), receiver.capacity()), (None, None));
    (0..5).for_each(|item| now(sender.send(item)).unwrap());
    sender.try_send(5).unwrap();
    assert_eq!((sender.len(), receiver.len(), sender.is_full()), (6, 6, false));
    (0..6).for_each(|item| assert_eq!(now(receiver.recv()), Ok(item)));
    assert!(sender.is_empty() && receiver.is_empty());
}

fn a_bounded_channel_has_room_for_so_many<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1, 2]));
    assert!(sender.is_full() && receiver.is_full());
    assert_eq!((sender.capacity(), receiver.capacity()), (Some(2), Some(2)));
    assert_eq!(sender.try_send(3).unwrap_err().into_item(), 3);
    let send = waiting(sender.send(3), &log, 3);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(log.take(), [3]);
    assert!(sender.try_send(4).unwrap_err().is_full());
    ready(send).unwrap();
    assert_eq!(rest(&receiver), [2, 3]);
}

fn each_item_goes_to_one_receiver<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let other = receiver.clone();
    assert!(receiver.same_channel(&other));
    assert!(!receiver.same_channel(&unbounded().1));
    let (first, second) = (waiting(other.recv(), &log, 1), waiting(receiver.recv(), &log, 2));
    sender.clone().try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(log.take(), [1, 2]);
    assert_eq!((ready(first), ready(second)), (Ok(1), Ok(2)));
}

fn the_ends_are_counted<H: Home>() {
    let (sender, receiver) = unbounded::<u32, H>();
    let counts = || (sender.sender_count(), sender.receiver_count());
    let (senders, receivers) = ([1, 2].map(|_| sender.clone()), receiver.clone());
    assert_eq!(counts(), (3, 2));
    assert!(senders[0].same_channel(&sender) && !sender.same_channel(&unbounded().0));
    drop((senders, receivers));
    assert_eq!(counts(), (1, 1));
    let (weak, weak_receiver) = (sender.downgrade(), receiver.downgrade());
    assert_eq!(counts(), (1, 1));
    let upgraded = (weak.clone().upgrade(), weak_receiver.clone().upgrade());
    assert_eq!(counts(), (2, 2));
    assert_eq!((receiver.sender_count(), receiver.receiver_count()), (2, 2));
    drop(upgraded);
    assert!(!sender.is_closed());
}

fn the_last_sender_closes_the_channel_behind_what_it_sent<H: Home>() {
    let (sender, receiver) = unbounded::<u32, H>();
    let other = sender.clone();
    sender.try_send(1).unwrap();
    drop(sender);
    assert!(!receiver.is_closed());
    other.try_send(2).unwrap();
    drop(other);
    assert!(receiver.is_closed());
    assert_eq!((now(receiver.recv()), receiver.try_recv()), (Ok(1), Ok(2)));
    assert!(now(receiver.recv()).unwrap_err().is_closed());
}

fn the_last_receiver_takes_what_is_left_along<H: Home>() {
    let item = Rc::new(());
    let (sender, receiver) = unbounded::<_, H>();
    let other = receiver.clone();
    sender.try_send(item.clone()).unwrap();
    drop(receiver);
    assert_eq!(Rc::strong_count(&item), 2);
    drop(other);
    assert_eq!(Rc::strong_count(&item), 1);
    assert!(sender.is_closed() && sender.is_empty());
    let refused = sender.try_send(item.clone()).unwrap_err();
    assert!(refused.is_closed());
    assert!(Rc::ptr_eq(&refused.into_item(), &item));
}

fn a_waiting_receiver_hears_of_the_last_sender<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let recv = waiting(receiver.recv(), &log, 1);
    drop(sender.clone());
    assert_eq!(log.take(), []);
    drop(sender);
    assert_eq!(log.take(), [1]);
    assert!(ready(recv).unwrap_err().is_closed());
}

fn a_waiting_sender_gets_its_item_back_from_the_last_receiver<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let [first, second] = [2, 3].map(|item| waiting(sender.send(item), &log, item as usize));
    // The first has been given room already.
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(receiver);
    assert_eq!(log.take(), [2, 3]);
    assert_eq!([first, second].map(|send| ready(send).unwrap_err().into_item()), [2, 3]);
}

fn closing_is_for_both_ends<H: Home>() {
    for by_sender in [true, false] {
        let (sender, receiver) = full::<H>([1]);
        if by_sender {
            sender.close()
        } else {
            receiver.close()
        }
        assert!(sender.is_closed() && receiver.is_closed());
        assert!(sender.try_send(2).unwrap_err().is_closed());
        assert_eq!(rest(&receiver), [1]);
        sender.close();
        assert!(now(receiver.recv()).is_err());
    }
}

fn weak_ends_do_not_keep_the_channel_open<H: Home>() {
    let (sender, receiver) = unbounded::<u32, H>();
    let (weak_sender, weak_receiver) = (sender.downgrade(), receiver.downgrade());
    weak_sender.upgrade().unwrap().try_send(1).unwrap();
    assert_eq!(weak_receiver.upgrade().unwrap().try_recv(), Ok(1));
    drop(sender);
    assert!(receiver.is_closed() && weak_sender.upgrade().is_none());
    assert!(weak_receiver.upgrade().is_some());
    drop(receiver);
    assert!(weak_receiver.upgrade().is_none());
}

fn a_weak_end_of_a_closed_channel_may_be_upgraded<H: Home>() {
    let (sender, receiver) = full::<H>([1]);
    let (weak_sender, weak_receiver) = (sender.downgrade(), receiver.downgrade());
    sender.close();
    assert!(weak_sender.upgrade().unwrap().try_send(2).unwrap_err().is_closed());
    assert_eq!(weak_receiver.upgrade().unwrap().try_recv(), Ok(1));
}

fn the_end_is_told_to_those_who_wait_for_it<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let dropped = waiting(sender.closed(), &log, 1);
    let watch = waiting(sender.closed(), &log, 2);
    drop(dropped);
    drop(receiver.clone());
    assert_eq!(log.take(), []);
    drop(receiver);
    assert_eq!(log.take(), [2]);
    ready(watch);
    now(sender.closed());
    let (sender, receiver) = unbounded::<u32, H>();
    let watch = waiting(sender.closed(), &log, 3);
    receiver.close();
    assert_eq!(log.take(), [3]);
    drop(watch);
}

fn more_than_a_batch_is_told_of_the_end<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let watches: Vec<_> = (0..100).map(|name| waiting(sender.closed(), &log, name)).collect();
    drop(receiver);
    assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
    watches.into_iter().for_each(ready);
}

fn a_permit_keeps_its_room<H: Home>() {
    let (sender, receiver) = bounded::<u32, H>(2);
    let permit = now(sender.reserve()).unwrap();
    let other = sender.try_reserve().unwrap();
    assert!(sender.is_full() && sender.is_empty());
    assert!(sender.try_send(3).unwrap_err().is_full());
    assert!(sender.try_reserve().unwrap_err().is_full());
    other.send(1).unwrap();
    permit.send(2).unwrap();
    assert_eq!(rest(&receiver), [1, 2]);
    assert!(!sender.is_full());
}

fn a_dropped_permit_gives_the_room_to_the_next<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), bounded::<u32, H>(1));
    let permit = sender.try_reserve().unwrap();
    let send = waiting(sender.send(1), &log, 1);
    drop(permit);
    assert_eq!(log.take(), [1]);
    ready(send).unwrap();
    assert_eq!(rest(&receiver), [1]);
    drop(sender.try_reserve().unwrap());
    assert!(!sender.is_full());
}

fn reserving_waits_in_the_line_of_those_who_send<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let first = waiting(sender.send(2), &log, 2);
    let second = waiting(sender.reserve(), &log, 3);
    let third = waiting(sender.send(4), &log, 4);
    assert_eq!(receiver.try_recv(), Ok(1));
    ready(first).unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(log.take(), [2, 3]);
    let permit = ready(second).unwrap();
    assert!(sender.try_send(5).is_err());
    permit.send(3).unwrap();
    assert_eq!(receiver.try_recv(), Ok(3));
    ready(third).unwrap();
    assert_eq!(rest(&receiver), [4]);
}

fn a_dropped_reservation_passes_the_room_on<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let [first, second, third] = [1, 2, 3].map(|name| waiting(sender.reserve(), &log, name));
    drop(first);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(log.take(), [2]);
    drop(second);
    assert_eq!(log.take(), [3]);
    drop(third);
    assert!(!sender.is_full());
}

fn a_permit_of_a_closed_channel_gives_the_item_back<H: Home>() {
    let (sender, receiver) = bounded::<u32, H>(2);
    let (permit, other) = (sender.try_reserve().unwrap(), sender.try_reserve().unwrap());
    receiver.close();
    let refused = permit.send(1).unwrap_err();
    assert!(refused.is_closed());
    assert_eq!(refused.into_item(), 1);
    drop(other);
    assert!(!sender.is_full());
    assert!(sender.try_reserve().unwrap_err().is_closed());
    assert!(now(sender.reserve()).unwrap_err().is_closed());
}

fn a_reservation_that_was_given_room_is_refused_when_it_closes<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let [first, second] = [1, 2].map(|name| waiting(sender.reserve(), &log, name));
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.close();
    assert_eq!(log.take(), [1, 2]);
    assert!(ready(first).unwrap_err().is_closed() && ready(second).unwrap_err().is_closed());
    assert!(!sender.is_full());
}

fn an_owned_permit_keeps_the_sender<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let reserve = waiting(sender.reserve_owned(), &log, 1);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(log.take(), [1]);
    let permit = ready(reserve).unwrap();
    assert!(!receiver.is_closed() && receiver.is_full());
    let sender = permit.send(2).unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
    let sender = now(sender.reserve_owned()).unwrap().release();
    assert!(!sender.is_full());
    let permit = now(sender.reserve_owned()).unwrap();
    drop(permit);
    assert!(receiver.is_closed() && !receiver.is_full());

    let (sender, receiver) = bounded::<u32, H>(1);
    let permit = now(sender.clone().reserve_owned()).unwrap();
    receiver.close();
    assert_eq!(permit.send(1).unwrap_err().into_item(), 1);
    assert!(now(sender.clone().reserve_owned()).unwrap_err().is_closed());
    assert_eq!(sender.sender_count(), 1);
}

fn an_owned_reservation_that_is_dropped_drops_the_sender<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let other = waiting(sender.clone().reserve_owned(), &log, 1);
    let last = waiting(sender.reserve_owned(), &log, 2);
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(other);
    assert_eq!(log.take(), [1, 2]);
    assert!(!receiver.is_closed());
    drop(last);
    assert!(receiver.is_closed() && !receiver.is_full());
}

fn an_item_evicts_the_oldest<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), bounded::<u32, H>(2));
    assert_eq!([1, 2, 3, 4].map(|item| sender.send_evicting(item).unwrap()), [None, None, Some(1), Some(2)]);
    assert_eq!(rest(&receiver), [3, 4]);
    let recv = waiting(receiver.recv(), &log, 1);
    assert_eq!(sender.send_evicting(5).unwrap(), None);
    assert_eq!(log.take(), [1]);
    assert_eq!(ready(recv), Ok(5));
    receiver.close();
    assert_eq!(sender.send_evicting(6).unwrap_err().into_item(), 6);
}

fn nothing_is_evicted_that_somebody_has_a_claim_to<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), bounded::<u32, H>(2));
    let recv = waiting(receiver.recv(), &log, 1);
    sender.try_send(1).unwrap();
    let permit = sender.try_reserve().unwrap();
    assert!(sender.send_evicting(2).unwrap_err().is_full());
    permit.send(2).unwrap();
    assert_eq!(sender.send_evicting(3).unwrap(), Some(2));
    assert_eq!(ready(recv), Ok(1));
    assert_eq!(rest(&receiver), [3]);
}

fn many_are_received_at_once<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let mut items = vec![0];
    (1..=5).for_each(|item| sender.try_send(item).unwrap());
    assert_eq!(now(receiver.recv_many(&mut items, 0)), Ok(0));
    assert_eq!(now(receiver.recv_many(&mut items, 3)), Ok(3));
    assert_eq!(now(receiver.recv_many(&mut items, 3)), Ok(2));
    assert_eq!(items, [0, 1, 2, 3, 4, 5]);
    let recv = waiting(receiver.recv_many(&mut items, usize::MAX), &log, 1);
    (6..=8).for_each(|item| sender.try_send(item).unwrap());
    assert_eq!(log.take(), [1]);
    drop(sender);
    assert_eq!(ready(recv), Ok(3));
    assert_eq!(items, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(now(receiver.recv_many(&mut items, 3)).unwrap_err().is_closed());
}

fn receiving_many_wakes_all_for_whom_there_is_room<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>(0..50));
    let sends: Vec<_> = (50..100).map(|item| waiting(sender.send(item), &log, item as usize)).collect();
    let mut items = Vec::new();
    assert_eq!(now(receiver.recv_many(&mut items, 40)), Ok(40));
    assert_eq!(log.take(), (50..90).collect::<Vec<_>>());
    // Each passes its room on to one of the others.
    drop(sends);
    assert_eq!(log.take(), (90..100).collect::<Vec<_>>());
    assert_eq!(now(receiver.recv_many(&mut items, 40)), Ok(10));
    assert_eq!(items, (0..50).collect::<Vec<_>>());
    assert!(!sender.is_full());
}

fn receiving_many_may_be_dropped<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let mut items = Vec::new();
    let recv = waiting(receiver.recv_many(&mut items, 2), &log, 1);
    sender.try_send(1).unwrap();
    drop(recv);
    assert_eq!(items, []);
    assert_eq!(rest(&receiver), [1]);
}

fn a_stream_gives_all_items_and_ends<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let mut stream = Box::pin(receiver.stream());
    for round in 0..3 {
        sender.try_send(round).unwrap();
        assert_eq!(next(&mut stream), Poll::Ready(Some(round)));
        let waker = log.waker(round as usize);
        assert!(stream.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
        sender.try_send(10 + round).unwrap();
        assert_eq!(log.take(), [round as usize]);
        assert_eq!(next(&mut stream), Poll::Ready(Some(10 + round)));
    }
    assert_eq!(next(&mut stream), Poll::Pending);
    drop(sender);
    assert_eq!(next(&mut stream), Poll::Ready(None));
    assert_eq!(next(&mut stream), Poll::Ready(None));
}

fn a_stream_that_is_dropped_passes_the_item_on<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), unbounded::<u32, H>());
    let mut stream = Box::pin(receiver.stream());
    assert_eq!(next(&mut stream), Poll::Pending);
    let mut owned = Box::pin(receiver.clone().into_stream());
    assert_eq!(next(&mut owned), Poll::Pending);
    let recv = waiting(receiver.recv(), &log, 1);
    sender.try_send(1).unwrap();
    drop(stream);
    drop(owned);
    assert_eq!(log.take(), [1]);
    assert_eq!(ready(recv), Ok(1));
}

fn an_owned_stream_is_a_receiver<H: Home>() {
    let (sender, receiver) = full::<H>([1]);
    let mut stream = Box::pin(receiver.into_stream());
    assert_eq!(stream.receiver().len(), 1);
    assert_eq!(next(&mut stream), Poll::Ready(Some(1)));
    for round in 0..3 {
        assert_eq!(next(&mut stream), Poll::Pending);
        sender.try_send(round).unwrap();
        assert_eq!(next(&mut stream), Poll::Ready(Some(round)));
    }
    assert_eq!((sender.receiver_count(), sender.is_closed()), (1, false));
    sender.try_send(2).unwrap();
    drop(stream);
    assert!(sender.is_closed() && sender.is_empty());
}

/// The item that was just taken is dropped by that panic.
fn a_stream_goes_on_after_a_panicking_waker<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let mut send = Box::pin(sender.send(2));
    assert!(poll(&mut send, &log.panicking_waker(2)).is_pending());
    let mut stream = Box::pin(receiver.stream());
    assert_eq!(panic_of(|| _ = next(&mut stream)), 2);
    ready(send).unwrap();
    assert_eq!(next(&mut stream), Poll::Ready(Some(2)));
    assert_eq!(next(&mut stream), Poll::Pending);
    sender.try_send(3).unwrap();
    assert_eq!(next(&mut stream), Poll::Ready(Some(3)));
}

fn what_is_there_may_be_iterated_over<H: Home>() {
    let (sender, receiver) = full::<H>([1, 2]);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
    sender.try_send(3).unwrap();
    drop(sender);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [3]);
}

fn debug_shows_the_channel_and_no_item<H: Home>() {
    let (sender, receiver) = bounded::<u32, H>(2);
    let channel = "Queue { len: 0, capacity: Some(2), is_closed: false }";
    assert_eq!(format!("{sender:?} {receiver:?}"), format!("Sender({channel}) Receiver({channel})"));
    assert_eq!(
        format!("{:?} {:?}", sender.downgrade(), receiver.downgrade()),
        format!("WeakSender({channel}) WeakReceiver({channel})")
    );
    assert_eq!(
        format!("{:?} {:?} {:?} {:?}", sender.send(1), receiver.recv(), sender.reserve(), sender.closed()),
        "SendFuture(New) RecvFuture(New) ReserveFuture(New) ClosedFuture(New)"
    );
    assert_eq!(
        format!(
            "{:?} {:?} {:?} {:?}",
            receiver.recv_many(&mut Vec::new(), 1),
            receiver.stream(),
            receiver.clone().into_stream(),
            sender.clone().reserve_owned()
        ),
        "RecvManyFuture(New) RecvStream(New) IntoRecvStream(New) ReserveOwnedFuture(New)"
    );
    assert_eq!(format!("{:?}", sender.try_reserve().unwrap()), format!("SendPermit({channel})"));
}

/// An item whose destructor uses the channel that it is in.
struct Back<H: Home>(aio_sync::channel::WeakSender<Back<H>, H>);

impl<H: Home> Drop for Back<H> {
    fn drop(&mut self) {
        if let Some(sender) = self.0.upgrade() {
            let _ = (sender.len(), sender.is_full(), sender.is_closed(), sender.receiver_count());
        }
    }
}

fn items_may_use_the_channel_when_they_are_dropped<H: Home>() {
    let (sender, receiver) = bounded::<Back<H>, H>(1);
    let item = || Back(sender.downgrade());
    sender.try_send(item()).ok().unwrap();
    drop(sender.send_evicting(item()));
    let mut send = Box::pin(sender.send(item()));
    assert!(poll_idle(&mut send).is_pending());
    drop(send);
    drop(receiver.try_recv());
    sender.try_send(item()).ok().unwrap();
    drop(receiver);
    drop(sender.try_send(item()));
}

/// A channel in a channel: to drop the last receiver is to drop the other.
fn an_item_may_own_the_ends_of_its_channel<H: Home>() {
    struct Own<H: Home> {
        _sender: Option<Sender<Own<H>, H>>,
        _receiver: Option<Receiver<Own<H>, H>>,
    }
    let (sender, receiver) = unbounded::<Own<H>, H>();
    let (other, others) = unbounded::<Own<H>, H>();
    other.try_send(Own { _sender: None, _receiver: None }).ok().unwrap();
    let weak = other.downgrade();
    sender.try_send(Own { _sender: Some(other), _receiver: Some(others) }).ok().unwrap();
    drop(receiver);
    assert!(weak.upgrade().is_none());
}

fn wakers_may_use_the_channel_again<H: Home>() {
    let (sender, receiver) = bounded::<u32, H>(1);
    let (sender, receiver) = (Rc::new(sender), Rc::new(RefCell::new(Some(receiver))));
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (sender, calls) = (sender.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = (sender.len(), sender.is_closed(), format!("{sender:?}"));
            let _ = poll_idle(&mut Box::pin(sender.closed()));
            drop(sender.try_reserve());
            drop((*sender).clone());
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let waker = hooked_waker(1);
        let (other, first) = ((*sender).clone(), receiver.borrow().clone().unwrap());
        let mut recv = Box::pin(first.recv());
        assert!(poll(&mut recv, &waker).is_pending());
        assert!(called(), "clone");
        sender.try_send(1).unwrap();
        assert!(called(), "wake");
        drop(recv);
        let mut reserve = Box::pin(other.reserve());
        let mut watch = Box::pin(other.closed());
        assert!(poll(&mut reserve, &waker).is_pending() && poll(&mut watch, &waker).is_pending());
        assert!(called(), "clone");
        drop(first);
        let last = receiver.borrow_mut().take();
        drop(last);
        assert!(called(), "wake, closed");
        assert!(poll_idle(&mut reserve).is_ready() && poll_idle(&mut watch).is_ready());
    });
}

fn a_panicking_waker_does_not_keep_the_others_asleep<H: Home>() {
    let (log, (sender, receiver)) = (WakeLog::default(), full::<H>([1]));
    let mut first = Box::pin(sender.send(2));
    assert!(poll(&mut first, &log.panicking_waker(1)).is_pending());
    let second = waiting(sender.reserve(), &log, 2);
    let mut watch = Box::pin(sender.closed());
    assert!(poll(&mut watch, &log.panicking_waker(3)).is_pending());
    let other = waiting(sender.closed(), &log, 4);
    assert_eq!(panic_of(|| drop(receiver)), 1);
    assert_eq!(log.take(), [1, 2, 3, 4]);
    assert!(ready(first).is_err() && ready(second).is_err());
    ready(other);
}

/// The last receiver goes, and one of those who wait panics: what is in the channel is dropped all the same.
fn a_panicking_waker_does_not_keep_what_is_left<H: Home>() {
    let (log, item) = (WakeLog::default(), Rc::new(()));
    let (sender, receiver) = bounded::<_, H>(1);
    sender.try_send(item.clone()).unwrap();
    let mut send = Box::pin(sender.send(item.clone()));
    assert!(poll(&mut send, &log.panicking_waker(1)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
    drop(send);
    assert_eq!(Rc::strong_count(&item), 1);
    let mut send = pin!(sender.send(item));
    assert!(send.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}
