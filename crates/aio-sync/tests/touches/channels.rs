//! Channels: what their ends have in common.

use aio_base::Home;
use aio_sync::channel::{Receiver, Sender};
use aio_sync::generic::{broadcast, channel, oneshot, watch};

use crate::locks::table;
use crate::{Row, footprint_of, now, touches_one_of, waiting};

/// A channel with a message in it and room for another, and what its ends have in common.
fn one_of_two<H: Home>() -> (Sender<u8, H>, Receiver<u8, H>, Vec<usize>) {
    let (sender, receiver) = channel::bounded(2);
    let (common, ()) = footprint_of(|| {
        sender.try_send(1).unwrap();
        sender.try_send(2).unwrap();
        receiver.try_recv().unwrap();
        let _ = (sender.sender_count(), sender.receiver_count());
    });
    (sender, receiver, common)
}

fn watched<H: Home>() -> (watch::Sender<u8, H>, watch::Receiver<u8, H>, Vec<usize>) {
    let (sender, receiver) = watch::channel(1);
    let (common, _) = footprint_of(|| sender.send_replace(2));
    (sender, receiver, common)
}

fn cast<H: Home>() -> (broadcast::Sender<u8, H>, broadcast::Receiver<u8, H>, Vec<usize>) {
    let (sender, receiver) = broadcast::channel(2);
    let (common, _) = footprint_of(|| sender.send(2));
    (sender, receiver, common)
}

fn once<H: Home>() -> (oneshot::Sender<u8, H>, oneshot::Receiver<u8, H>, Vec<usize>) {
    let (sender, receiver) = oneshot::channel();
    let (common, _) = footprint_of(|| sender.is_closed());
    (sender, receiver, common)
}

pub(crate) fn rows<H: Home>() -> Vec<Row> {
    let mut rows = table! {
        "channel/sender::send" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || now(tx.send(1))) };
        "channel/sender::try_send" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || tx.try_send(1)) };
        "channel/sender::send_evicting" => {
            let (tx, _rx, it) = one_of_two::<H>();
            touches_one_of(&it, || tx.send_evicting(1))
        };
        "channel/sender::reserve" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let permit = touches_one_of(&it, || now(tx.reserve()));
            let wait = touches_one_of(&it, || waiting(tx.reserve()));
            touches_one_of(&it, || drop(wait));
            touches_one_of(&it, || drop(permit));
        };
        "channel/sender::try_reserve" => {
            let (tx, _rx, it) = one_of_two::<H>();
            drop(touches_one_of(&it, || tx.try_reserve()));
        };
        "channel/sender::reserve_owned" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let permit = touches_one_of(&it, || now(tx.reserve_owned()));
            touches_one_of(&it, || drop(permit));
        };
        "channel/permit::send" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let permit = tx.try_reserve().unwrap();
            touches_one_of(&it, || permit.send(1)).unwrap();
        };
        "channel/permit::release" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let permit = now(tx.reserve_owned()).unwrap();
            touches_one_of(&it, || permit.release());
        };
        "channel/sender::len" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || tx.len()) };
        "channel/sender::is_empty" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || tx.is_empty()) };
        "channel/sender::is_full" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || tx.is_full()) };
        "channel/sender::close" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || tx.close()) };
        "channel/sender::is_closed" => {
            let (tx, _rx, it) = one_of_two::<H>();
            touches_one_of(&it, || tx.is_closed())
        };
        "channel/sender::closed" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let wait = touches_one_of(&it, || waiting(tx.closed()));
            let (line, ()) = footprint_of(|| drop(wait));
            touches_one_of(&line, || tx.close());
        };
        "channel/sender::sender_count" => {
            let (tx, _rx, it) = one_of_two::<H>();
            touches_one_of(&it, || tx.sender_count())
        };
        "channel/sender::receiver_count" => {
            let (tx, _rx, it) = one_of_two::<H>();
            touches_one_of(&it, || tx.receiver_count())
        };
        "channel/sender::downgrade" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let weak = tx.downgrade();
            drop(touches_one_of(&it, || weak.upgrade()));
        };
        "channel/sender::upgrade" => {
            let (tx, _rx, it) = one_of_two::<H>();
            let weak = tx.downgrade();
            touches_one_of(&it, || drop(tx));
            touches_one_of(&it, || assert!(weak.upgrade().is_none()));
        };
        "clone of a sender" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || tx.clone()) };
        "debug of a sender" => { let (tx, _rx, it) = one_of_two::<H>(); touches_one_of(&it, || format!("{tx:?}")) };

        "channel/receiver::recv" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || now(rx.recv())).unwrap();
            let wait = touches_one_of(&it, || waiting(rx.recv()));
            touches_one_of(&it, || drop(wait));
        };
        "channel/receiver::try_recv" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || rx.try_recv()).unwrap();
            touches_one_of(&it, || rx.try_recv()).unwrap_err();
        };
        "channel/receiver::recv_many" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || now(rx.recv_many(&mut Vec::new(), 3))).unwrap();
        };
        "channel/receiver::try_iter" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || rx.try_iter().count())
        };
        "channel/receiver::len" => { let (_tx, rx, it) = one_of_two::<H>(); touches_one_of(&it, || rx.len()) };
        "channel/receiver::is_empty" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || rx.is_empty())
        };
        "channel/receiver::is_full" => { let (_tx, rx, it) = one_of_two::<H>(); touches_one_of(&it, || rx.is_full()) };
        "channel/receiver::close" => { let (_tx, rx, it) = one_of_two::<H>(); touches_one_of(&it, || rx.close()) };
        "channel/receiver::is_closed" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || rx.is_closed())
        };
        "channel/receiver::sender_count" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || rx.sender_count())
        };
        "channel/receiver::receiver_count" => {
            let (_tx, rx, it) = one_of_two::<H>();
            touches_one_of(&it, || rx.receiver_count())
        };
        "channel/receiver::downgrade" => {
            let (_tx, rx, it) = one_of_two::<H>();
            let weak = rx.downgrade();
            drop(touches_one_of(&it, || weak.upgrade()));
        };
        "channel/receiver::upgrade" => {
            let (_tx, rx, it) = one_of_two::<H>();
            let weak = rx.downgrade();
            touches_one_of(&it, || drop(rx));
            touches_one_of(&it, || assert!(weak.upgrade().is_none()));
        };
        "clone of a receiver" => { let (_tx, rx, it) = one_of_two::<H>(); touches_one_of(&it, || rx.clone()) };
        "debug of a receiver" => { let (_tx, rx, it) = one_of_two::<H>(); touches_one_of(&it, || format!("{rx:?}")) };

        "oneshot::send" => { let (tx, _rx, it) = once::<H>(); touches_one_of(&it, || tx.send(1)) };
        "oneshot::is_closed" => { let (tx, _rx, it) = once::<H>(); touches_one_of(&it, || tx.is_closed()) };
        "oneshot::closed" => {
            let (mut tx, _rx, it) = once::<H>();
            let wait = touches_one_of(&it, || waiting(tx.closed()));
            touches_one_of(&it, || drop(wait));
        };
        "oneshot::try_recv" => { let (_tx, mut rx, it) = once::<H>(); touches_one_of(&it, || rx.try_recv()) };
        "oneshot::close" => { let (_tx, mut rx, it) = once::<H>(); touches_one_of(&it, || rx.close()) };
        "await of a oneshot" => {
            let (tx, rx, it) = once::<H>();
            let wait = touches_one_of(&it, || waiting(rx));
            touches_one_of(&it, || drop(tx));
            touches_one_of(&it, || drop(wait));
        };
        "debug of a oneshot" => {
            let (tx, rx, it) = once::<H>();
            touches_one_of(&it, || format!("{tx:?}"));
            touches_one_of(&it, || format!("{rx:?}"));
        };
    };
    rows.extend(watch_rows::<H>());
    rows.extend(broadcast_rows::<H>());
    rows
}

fn watch_rows<H: Home>() -> Vec<Row> {
    table! {
        "watch/sender::send" => { let (tx, _rx, it) = watched::<H>(); touches_one_of(&it, || tx.send(1)) };
        "watch/sender::send_replace" => {
            let (tx, _rx, it) = watched::<H>();
            touches_one_of(&it, || *tx.send_replace(1))
        };
        "watch/sender::send_modify" => {
            let (tx, _rx, it) = watched::<H>();
            touches_one_of(&it, || tx.send_modify(|value| *value += 1))
        };
        "watch/sender::send_if_modified" => {
            let (tx, _rx, it) = watched::<H>();
            touches_one_of(&it, || tx.send_if_modified(|_| false))
        };
        "watch/sender::borrow" => { let (tx, _rx, it) = watched::<H>(); touches_one_of(&it, || *tx.borrow()) };
        "watch/sender::subscribe" => {
            let (tx, _rx, it) = watched::<H>();
            drop(touches_one_of(&it, || tx.subscribe()));
        };
        "watch/sender::is_closed" => { let (tx, _rx, it) = watched::<H>(); touches_one_of(&it, || tx.is_closed()) };
        "watch/sender::closed" => {
            let (tx, _rx, it) = watched::<H>();
            let wait = touches_one_of(&it, || waiting(tx.closed()));
            touches_one_of(&it, || drop(wait));
        };
        "watch/sender::receiver_count" => {
            let (tx, _rx, it) = watched::<H>();
            touches_one_of(&it, || tx.receiver_count())
        };
        "watch/sender::sender_count" => {
            let (tx, _rx, it) = watched::<H>();
            touches_one_of(&it, || tx.sender_count())
        };
        "ends of a watch" => {
            let (tx, rx, it) = watched::<H>();
            touches_one_of(&it, || format!("{tx:?}"));
            touches_one_of(&it, || format!("{rx:?}"));
            let (other, more) = (touches_one_of(&it, || tx.clone()), touches_one_of(&it, || rx.clone()));
            touches_one_of(&it, || drop((other, more)));
            touches_one_of(&it, || drop(rx));
            touches_one_of(&it, || drop(tx));
        };
        "watch/receiver::borrow" => { let (_tx, rx, it) = watched::<H>(); touches_one_of(&it, || *rx.borrow()) };
        "watch/receiver::borrow_and_update" => {
            let (_tx, mut rx, it) = watched::<H>();
            touches_one_of(&it, || *rx.borrow_and_update())
        };
        "watch/receiver::has_changed" => {
            let (_tx, rx, it) = watched::<H>();
            touches_one_of(&it, || rx.has_changed())
        };
        "watch/receiver::is_closed" => { let (_tx, rx, it) = watched::<H>(); touches_one_of(&it, || rx.is_closed()) };
        "watch/receiver::mark_changed" => {
            let (_tx, mut rx, it) = watched::<H>();
            touches_one_of(&it, || rx.mark_changed())
        };
        "watch/receiver::changed" => {
            let (_tx, mut rx, it) = watched::<H>();
            touches_one_of(&it, || now(rx.changed())).unwrap();
            let wait = touches_one_of(&it, || waiting(rx.changed()));
            touches_one_of(&it, || drop(wait));
        };
        "watch/receiver::wait_for" => {
            let (_tx, mut rx, it) = watched::<H>();
            touches_one_of(&it, || now(rx.wait_for(|_| true)).map(|value| *value)).unwrap();
        };
        "watch/stream::borrow" => {
            let (_tx, rx, it) = watched::<H>();
            let stream = rx.stream();
            touches_one_of(&it, || *stream.borrow())
        };
    }
}

fn broadcast_rows<H: Home>() -> Vec<Row> {
    table! {
        "broadcast/sender::send" => { let (tx, _rx, it) = cast::<H>(); touches_one_of(&it, || tx.send(1)) };
        "broadcast/sender::subscribe" => {
            let (tx, _rx, it) = cast::<H>();
            drop(touches_one_of(&it, || tx.subscribe()));
        };
        "broadcast/sender::close" => { let (tx, _rx, it) = cast::<H>(); touches_one_of(&it, || tx.close()) };
        "broadcast/sender::is_closed" => { let (tx, _rx, it) = cast::<H>(); touches_one_of(&it, || tx.is_closed()) };
        "broadcast/sender::len" => { let (tx, _rx, it) = cast::<H>(); touches_one_of(&it, || tx.len()) };
        "broadcast/sender::is_empty" => { let (tx, _rx, it) = cast::<H>(); touches_one_of(&it, || tx.is_empty()) };
        "broadcast/sender::receiver_count" => {
            let (tx, _rx, it) = cast::<H>();
            touches_one_of(&it, || tx.receiver_count())
        };
        "broadcast/sender::sender_count" => {
            let (tx, _rx, it) = cast::<H>();
            touches_one_of(&it, || tx.sender_count())
        };
        "ends of a broadcast" => {
            let (tx, rx, it) = cast::<H>();
            touches_one_of(&it, || format!("{tx:?}"));
            touches_one_of(&it, || format!("{rx:?}"));
            let other = touches_one_of(&it, || tx.clone());
            touches_one_of(&it, || drop(other));
            touches_one_of(&it, || drop(rx));
            touches_one_of(&it, || drop(tx));
        };
        "broadcast/receiver::recv" => {
            let (_tx, mut rx, it) = cast::<H>();
            touches_one_of(&it, || now(rx.recv())).unwrap();
            let wait = touches_one_of(&it, || waiting(rx.recv()));
            touches_one_of(&it, || drop(wait));
        };
        "broadcast/receiver::try_recv" => {
            let (_tx, mut rx, it) = cast::<H>();
            touches_one_of(&it, || rx.try_recv())
        };
        "broadcast/receiver::resubscribe" => {
            let (_tx, rx, it) = cast::<H>();
            drop(touches_one_of(&it, || rx.resubscribe()));
        };
        "broadcast/receiver::len" => { let (_tx, rx, it) = cast::<H>(); touches_one_of(&it, || rx.len()) };
        "broadcast/receiver::is_empty" => { let (_tx, rx, it) = cast::<H>(); touches_one_of(&it, || rx.is_empty()) };
        "broadcast/receiver::is_closed" => { let (_tx, rx, it) = cast::<H>(); touches_one_of(&it, || rx.is_closed()) };
    }
}
