//! What is done to the ends of channels, of which each actor has its own.

use std::cell::Cell;

use aio_base::Home;
use aio_io::{ReadExt, SimplexReader, SimplexWriter, WriteExt, simplex};
use aio_sync::channel::{Receiver, Sender};
use aio_sync::generic::{broadcast, channel, oneshot, watch};

use crate::actor::{Kind, kinds, with};

/// The ends that an actor has.
pub(crate) struct Ends<H: Home> {
    sender: Cell<Option<Sender<usize, H>>>,
    receiver: Cell<Option<Receiver<usize, H>>>,
    once_sender: Cell<Option<oneshot::Sender<usize, H>>>,
    once_receiver: Cell<Option<oneshot::Receiver<usize, H>>>,
    watch_sender: Cell<Option<watch::Sender<usize, H>>>,
    watch_receiver: Cell<Option<watch::Receiver<usize, H>>>,
    broadcast_sender: Cell<Option<broadcast::Sender<usize, H>>>,
    broadcast_receiver: Cell<Option<broadcast::Receiver<usize, H>>>,
    writer: Cell<Option<SimplexWriter>>,
    reader: Cell<Option<SimplexReader>>,
}

impl<H: Home> Ends<H> {
    /// For three: each has an end of each kind, of the oneshots and pipes one of the next one's.
    pub(crate) fn of_three() -> [Self; 3] {
        let (sender, receiver) = channel::bounded(1);
        let (watch_sender, watch_receiver) = watch::channel(7);
        let (broadcast_sender, _) = broadcast::channel(2);
        let (once_senders, mut once_receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
        let (mut readers, writers): (Vec<_>, Vec<_>) = (0..3).map(|_| simplex(2)).unzip();
        once_receivers.rotate_left(1);
        readers.rotate_left(1);
        let mut rest = once_senders.into_iter().zip(once_receivers).zip(writers.into_iter().zip(readers));
        [(); 3].map(|()| {
            let ((once_sender, once_receiver), (writer, reader)) = rest.next().unwrap();
            Self {
                sender: Cell::new(Some(sender.clone())),
                receiver: Cell::new(Some(receiver.clone())),
                once_sender: Cell::new(Some(once_sender)),
                once_receiver: Cell::new(Some(once_receiver)),
                watch_sender: Cell::new(Some(watch_sender.clone())),
                watch_receiver: Cell::new(Some(watch_receiver.clone())),
                broadcast_sender: Cell::new(Some(broadcast_sender.clone())),
                broadcast_receiver: Cell::new(Some(broadcast_sender.subscribe())),
                writer: Cell::new(Some(writer)),
                reader: Cell::new(Some(reader)),
            }
        })
    }
}

pub(crate) fn sender<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "send": |_, a| with(&a.ends.sender, async |it| format!("{:?}", it.send(a.name).await)).await;
        "try_send": |_, a| with(&a.ends.sender, async |it| format!("{:?}", it.try_send(a.name))).await;
        "send_evicting": |_, a| with(&a.ends.sender, async |it| format!("{:?}", it.send_evicting(a.name))).await;
        "reserve": |_, a| with(&a.ends.sender, async |it| match it.reserve().await {
            Ok(permit) => {
                a.holds("a place").await;
                format!("{:?}", permit.send(a.name))
            }
            Err(error) => error.to_string(),
        }).await;
        "try_reserve": |_, a| with(&a.ends.sender, async |it| match it.try_reserve() {
            Ok(permit) => {
                a.holds("a place").await;
                format!("{:?}", permit.send(a.name))
            }
            Err(error) => format!("{error:?}"),
        }).await;
        "reserve_owned": |_, a| match a.ends.sender.take() {
            Some(it) => match it.reserve_owned().await {
                Ok(permit) => {
                    a.holds("a place").await;
                    a.ends.sender.set(Some(permit.release()));
                    "released".to_owned()
                }
                Err(error) => error.to_string(),
            },
            None => "has none".to_owned(),
        };
        "len": |_, a| with(&a.ends.sender, async |it| it.len().to_string()).await;
        "is_full": |_, a| with(&a.ends.sender, async |it| format!("{} {}", it.is_full(), it.is_empty())).await;
        "close": |_, a| with(&a.ends.sender, async |it| { it.close(); "closed".to_owned() }).await;
        "is_closed": |_, a| with(&a.ends.sender, async |it| it.is_closed().to_string()).await;
        "closed": |_, a| with(&a.ends.sender, async |it| { it.closed().await; "closed".to_owned() }).await;
        "counts": |_, a| with(&a.ends.sender, async |it| {
            format!("{} {}", it.sender_count(), it.receiver_count())
        }).await;
        "drop": |_, a| { drop(a.ends.sender.take()); "dropped".to_owned() };
        "clone": |_, a| with(&a.ends.sender, async |it| {
            let _clone = it.clone();
            a.holds("a clone").await;
            "over".to_owned()
        }).await;
        "weak": |_, a| match a.ends.sender.take() {
            Some(it) => {
                let weak = it.downgrade();
                drop(it);
                a.holds("a weak one").await;
                let strong = weak.upgrade();
                let text = strong.is_some().to_string();
                a.ends.sender.set(strong);
                text
            }
            None => "has none".to_owned(),
        };
        "debug": |_, a| with(&a.ends.sender, async |it| format!("{it:?}")).await;
    }
}

pub(crate) fn receiver<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "recv": |_, a| with(&a.ends.receiver, async |it| format!("{:?}", it.recv().await)).await;
        "try_recv": |_, a| with(&a.ends.receiver, async |it| format!("{:?}", it.try_recv())).await;
        "recv_many": |_, a| with(&a.ends.receiver, async |it| {
            let mut items = Vec::new();
            format!("{:?} {items:?}", it.recv_many(&mut items, 2).await)
        }).await;
        "try_iter": |_, a| with(&a.ends.receiver, async |it| format!("{:?}", it.try_iter().collect::<Vec<_>>())).await;
        "len": |_, a| with(&a.ends.receiver, async |it| it.len().to_string()).await;
        "is_full": |_, a| with(&a.ends.receiver, async |it| format!("{} {}", it.is_full(), it.is_empty())).await;
        "close": |_, a| with(&a.ends.receiver, async |it| { it.close(); "closed".to_owned() }).await;
        "is_closed": |_, a| with(&a.ends.receiver, async |it| it.is_closed().to_string()).await;
        "counts": |_, a| with(&a.ends.receiver, async |it| {
            format!("{} {}", it.sender_count(), it.receiver_count())
        }).await;
        "drop": |_, a| { drop(a.ends.receiver.take()); "dropped".to_owned() };
        "clone": |_, a| with(&a.ends.receiver, async |it| {
            let _clone = it.clone();
            a.holds("a clone").await;
            "over".to_owned()
        }).await;
        "weak": |_, a| match a.ends.receiver.take() {
            Some(it) => {
                let weak = it.downgrade();
                drop(it);
                a.holds("a weak one").await;
                let strong = weak.upgrade();
                let text = strong.is_some().to_string();
                a.ends.receiver.set(strong);
                text
            }
            None => "has none".to_owned(),
        };
        "debug": |_, a| with(&a.ends.receiver, async |it| format!("{it:?}")).await;
    }
}

pub(crate) fn oneshot_kinds<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "send": |_, a| match a.ends.once_sender.take() {
            Some(it) => format!("{:?}", it.send(a.name)),
            None => "has none".to_owned(),
        };
        "is_closed": |_, a| with(&a.ends.once_sender, async |it| it.is_closed().to_string()).await;
        "closed": |_, a| with(&a.ends.once_sender, async |it| { it.closed().await; "closed".to_owned() }).await;
        "drop sender": |_, a| { drop(a.ends.once_sender.take()); "dropped".to_owned() };
        "debug sender": |_, a| with(&a.ends.once_sender, async |it| format!("{it:?}")).await;
        "recv": |_, a| match a.ends.once_receiver.take() {
            Some(it) => format!("{:?}", it.await),
            None => "has none".to_owned(),
        };
        "try_recv": |_, a| match a.ends.once_receiver.take().map(|mut it| (it.try_recv(), it)) {
            Some((Err(error), it)) => {
                a.ends.once_receiver.set(Some(it));
                error.to_string()
            }
            other => format!("{:?}", other.map(|(got, _)| got)),
        };
        "close": |_, a| with(&a.ends.once_receiver, async |it| { it.close(); "closed".to_owned() }).await;
        "drop receiver": |_, a| { drop(a.ends.once_receiver.take()); "dropped".to_owned() };
        "debug receiver": |_, a| with(&a.ends.once_receiver, async |it| format!("{it:?}")).await;
    }
}

pub(crate) fn watch_kinds<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "send": |_, a| with(&a.ends.watch_sender, async |it| format!("{:?}", it.send(a.name))).await;
        "send_replace": |_, a| with(&a.ends.watch_sender, async |it| it.send_replace(a.name).to_string()).await;
        "send_modify": |_, a| with(&a.ends.watch_sender, async |it| {
            it.send_modify(|value| *value = 10 * *value + a.name);
            "modified".to_owned()
        }).await;
        "send_if_modified": |_, a| with(&a.ends.watch_sender, async |it| {
            it.send_if_modified(|value| std::mem::replace(value, 5) != 5).to_string()
        }).await;
        "borrow sent": |_, a| with(&a.ends.watch_sender, async |it| it.borrow().to_string()).await;
        "subscribe": |_, a| with(&a.ends.watch_sender, async |it| {
            let new = it.subscribe();
            a.holds("a new one").await;
            a.ends.watch_receiver.set(Some(new));
            "over".to_owned()
        }).await;
        "is_closed": |_, a| with(&a.ends.watch_sender, async |it| it.is_closed().to_string()).await;
        "closed": |_, a| with(&a.ends.watch_sender, async |it| { it.closed().await; "closed".to_owned() }).await;
        "counts": |_, a| with(&a.ends.watch_sender, async |it| {
            format!("{} {}", it.sender_count(), it.receiver_count())
        }).await;
        "drop sender": |_, a| { drop(a.ends.watch_sender.take()); "dropped".to_owned() };
        "clone sender": |_, a| with(&a.ends.watch_sender, async |it| {
            let _clone = it.clone();
            a.holds("a clone").await;
            "over".to_owned()
        }).await;
        "debug sender": |_, a| with(&a.ends.watch_sender, async |it| format!("{it:?}")).await;
        "borrow": |_, a| with(&a.ends.watch_receiver, async |it| it.borrow().to_string()).await;
        "borrow_and_update": |_, a| with(&a.ends.watch_receiver, async |it| it.borrow_and_update().to_string()).await;
        "has_changed": |_, a| with(&a.ends.watch_receiver, async |it| format!("{:?}", it.has_changed())).await;
        "is_closed receiver": |_, a| with(&a.ends.watch_receiver, async |it| it.is_closed().to_string()).await;
        "mark_changed": |_, a| with(&a.ends.watch_receiver, async |it| {
            it.mark_changed();
            "marked".to_owned()
        }).await;
        "mark_unchanged": |_, a| with(&a.ends.watch_receiver, async |it| {
            it.mark_unchanged();
            "marked".to_owned()
        }).await;
        "changed": |_, a| with(&a.ends.watch_receiver, async |it| format!("{:?}", it.changed().await)).await;
        "wait_for": |_, a| with(&a.ends.watch_receiver, async |it| match it.wait_for(|value| *value < 2).await {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        }).await;
        "drop receiver": |_, a| { drop(a.ends.watch_receiver.take()); "dropped".to_owned() };
        "clone receiver": |_, a| with(&a.ends.watch_receiver, async |it| {
            let _clone = it.clone();
            a.holds("a clone").await;
            "over".to_owned()
        }).await;
        "debug receiver": |_, a| with(&a.ends.watch_receiver, async |it| format!("{it:?}")).await;
    }
}

pub(crate) fn broadcast_kinds<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "send": |_, a| with(&a.ends.broadcast_sender, async |it| format!("{:?}", it.send(a.name))).await;
        "subscribe": |_, a| with(&a.ends.broadcast_sender, async |it| {
            let new = it.subscribe();
            a.holds("a new one").await;
            a.ends.broadcast_receiver.set(Some(new));
            "over".to_owned()
        }).await;
        "close": |_, a| with(&a.ends.broadcast_sender, async |it| { it.close(); "closed".to_owned() }).await;
        "is_closed": |_, a| with(&a.ends.broadcast_sender, async |it| it.is_closed().to_string()).await;
        "len": |_, a| with(&a.ends.broadcast_sender, async |it| format!("{} {}", it.len(), it.is_empty())).await;
        "counts": |_, a| with(&a.ends.broadcast_sender, async |it| {
            format!("{} {}", it.sender_count(), it.receiver_count())
        }).await;
        "drop sender": |_, a| { drop(a.ends.broadcast_sender.take()); "dropped".to_owned() };
        "clone sender": |_, a| with(&a.ends.broadcast_sender, async |it| {
            let _clone = it.clone();
            a.holds("a clone").await;
            "over".to_owned()
        }).await;
        "debug sender": |_, a| with(&a.ends.broadcast_sender, async |it| format!("{it:?}")).await;
        "recv": |_, a| with(&a.ends.broadcast_receiver, async |it| format!("{:?}", it.recv().await)).await;
        "try_recv": |_, a| with(&a.ends.broadcast_receiver, async |it| format!("{:?}", it.try_recv())).await;
        "resubscribe": |_, a| with(&a.ends.broadcast_receiver, async |it| {
            *it = it.resubscribe();
            "new".to_owned()
        }).await;
        "receiver len": |_, a| with(&a.ends.broadcast_receiver, async |it| {
            format!("{} {} {}", it.len(), it.is_empty(), it.is_closed())
        }).await;
        "drop receiver": |_, a| { drop(a.ends.broadcast_receiver.take()); "dropped".to_owned() };
        "second receiver": |_, a| with(&a.ends.broadcast_receiver, async |it| {
            let _second = it.resubscribe();
            a.holds("a second one").await;
            "over".to_owned()
        }).await;
        "debug receiver": |_, a| with(&a.ends.broadcast_receiver, async |it| format!("{it:?}")).await;
    }
}

pub(crate) fn pipe<H: Home>() -> Vec<Kind<H>> {
    kinds! {
        "write": |_, a| with(&a.ends.writer, async |it| format!("{:?}", it.write(&[1, 2, 3]).await.ok())).await;
        "flush": |_, a| with(&a.ends.writer, async |it| format!("{:?}", it.flush().await.ok())).await;
        "close": |_, a| with(&a.ends.writer, async |it| format!("{:?}", it.close().await.ok())).await;
        "drop writer": |_, a| { drop(a.ends.writer.take()); "dropped".to_owned() };
        "debug writer": |_, a| with(&a.ends.writer, async |it| format!("{it:?}")).await;
        "read": |_, a| with(&a.ends.reader, async |it| {
            let mut buffer = [0; 2];
            format!("{:?} {buffer:?}", it.read(&mut buffer).await.ok())
        }).await;
        "drop reader": |_, a| { drop(a.ends.reader.take()); "dropped".to_owned() };
        "debug reader": |_, a| with(&a.ends.reader, async |it| format!("{it:?}")).await;
    }
}
