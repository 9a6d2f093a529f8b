//! Any sequence of operations on a channel and its ends, beside the model of a queue and two numbers.

use std::pin::Pin;
use std::task::Poll;

use aio_base::Home;
use aio_sync::channel::{OwnedSendPermit, Receiver, Sender};
use aio_sync::generic::channel::bounded;
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};
use crate::model::{QueueModel, Side, WAITERS, name, oldest, waiter};

in_both_homes! {
    the_channel_behaves_like_its_model,
}

#[derive(Debug, Clone)]
enum Op {
    /// Each with an end of its own, in place of the waiter there.
    Send(usize),
    Reserve(usize),
    Recv(usize),
    Poll(Side, usize),
    Drop(Side, usize),
    TrySend,
    TryReserve,
    TryRecv,
    Evict,
    /// The first of the permits, if it is there.
    UsePermit,
    DropPermit,
    CloneSender,
    DropSender,
    UpgradeSender,
    CloneReceiver,
    DropReceiver,
    UpgradeReceiver,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let side = || prop_oneof![Just(Side::Get), Just(Side::Put)];
    prop_oneof![
        10 => waiter().prop_map(Op::Send),
        5 => waiter().prop_map(Op::Reserve),
        10 => waiter().prop_map(Op::Recv),
        50 => (side(), waiter()).prop_map(|(side, i)| Op::Poll(side, i)),
        10 => (side(), waiter()).prop_map(|(side, i)| Op::Drop(side, i)),
        6 => Just(Op::TrySend),
        3 => Just(Op::TryReserve),
        8 => Just(Op::TryRecv),
        3 => Just(Op::Evict),
        4 => Just(Op::UsePermit),
        3 => Just(Op::DropPermit),
        2 => Just(Op::CloneSender),
        2 => Just(Op::DropSender),
        1 => Just(Op::UpgradeSender),
        2 => Just(Op::CloneReceiver),
        2 => Just(Op::DropReceiver),
        1 => Just(Op::UpgradeReceiver),
        1 => Just(Op::Close),
    ]
}

/// The outcome of a future, which has owned its end.
enum Outcome<H: Home> {
    /// The item, if it was refused.
    Sent(Option<u32>),
    Reserved(Option<OwnedSendPermit<u32, H>>),
    Received(Option<u32>),
}

type Waiting<H> = Pin<Box<dyn Future<Output = Outcome<H>>>>;

async fn send<H: Home>(sender: Sender<u32, H>, item: u32) -> Outcome<H> {
    Outcome::Sent(sender.send(item).await.err().map(|error| error.into_item()))
}

async fn reserve<H: Home>(sender: Sender<u32, H>) -> Outcome<H> {
    Outcome::Reserved(sender.reserve_owned().await.ok())
}

async fn recv<H: Home>(receiver: Receiver<u32, H>) -> Outcome<H> {
    Outcome::Received(receiver.recv().await.ok())
}

/// The queue between the ends, and how many these are.
struct Model {
    queue: QueueModel,
    n_senders: usize,
    n_receivers: usize,
    /// Of those that wait for room, what they want to put in; `None` if they reserve.
    items: [Option<u32>; WAITERS],
}

impl Model {
    fn drop_sender(&mut self) {
        self.n_senders -= 1;
        if self.n_senders == 0 {
            self.queue.close();
        }
    }

    fn drop_receiver(&mut self) {
        self.n_receivers -= 1;
        if self.n_receivers == 0 {
            self.queue.close_now();
        }
    }

    fn drop_end(&mut self, side: Side) {
        if side == Side::Get { self.drop_receiver() } else { self.drop_sender() }
    }

    fn drop(&mut self, side: Side, i: usize) {
        self.queue.drop(side, i);
        self.drop_end(side);
    }

    fn poll_put(&mut self, i: usize) -> Option<bool> {
        match self.items[i] {
            Some(item) => self.queue.poll_put(i, item),
            None => self.queue.poll_reserve(i),
        }
    }

    fn evict(&mut self, item: u32) -> Option<Option<u32>> {
        if self.queue.try_put(item) {
            return Some(None);
        }
        if self.queue.is_closed {
            return None;
        }
        let evicted = self.queue.items.remove(self.queue.get.n_given())?;
        self.queue.items.push_back(item);
        Some(Some(evicted))
    }
}

fn the_channel_behaves_like_its_model<H: Home>() {
    proptest!(|(capacity in 1..4_usize, ops in prop::collection::vec(op(), 0..150))| {
        let log = WakeLog::default();
        let mut model = Model {
            queue: QueueModel::new(capacity, oldest),
            n_senders: 1,
            n_receivers: 1,
            items: [None; WAITERS],
        };
        let (sender, receiver) = bounded::<u32, H>(capacity);
        let (weak_sender, weak_receiver) = (sender.downgrade(), receiver.downgrade());
        let (mut senders, mut receivers) = (vec![sender], vec![receiver]);
        let mut permits = std::collections::VecDeque::new();
        let mut waiters: [[Option<Waiting<H>>; WAITERS]; 2] = Default::default();
        for (item, op) in (0..).zip(ops) {
            match op {
                Op::Send(i) | Op::Reserve(i) => {
                    let Some(sender) = senders.last() else { continue };
                    if waiters[Side::Put as usize][i].take().is_some() {
                        model.drop(Side::Put, i);
                    }
                    let is_send = matches!(op, Op::Send(_));
                    model.n_senders += 1;
                    model.queue.put.start(i);
                    model.items[i] = is_send.then_some(item);
                    let sender = sender.clone();
                    let future: Waiting<H> =
                        if is_send { Box::pin(send(sender, item)) } else { Box::pin(reserve(sender)) };
                    waiters[Side::Put as usize][i] = Some(future);
                }
                Op::Recv(i) => {
                    let Some(receiver) = receivers.last() else { continue };
                    if waiters[Side::Get as usize][i].take().is_some() {
                        model.drop(Side::Get, i);
                    }
                    model.n_receivers += 1;
                    model.queue.get.start(i);
                    waiters[Side::Get as usize][i] = Some(Box::pin(recv(receiver.clone())));
                }
                Op::Poll(side, i) => {
                    let Some(waiter) = &mut waiters[side as usize][i] else { continue };
                    let polled = poll(waiter, &log.waker(name(side, i)));
                    let is_ready = polled.is_ready();
                    match polled {
                        Poll::Ready(Outcome::Received(got)) => {
                            prop_assert_eq!(Some(got), model.queue.poll_get(i));
                        }
                        Poll::Ready(Outcome::Sent(refused)) => {
                            prop_assert_eq!(Some(refused.is_none()), model.poll_put(i));
                            prop_assert!(refused.is_none() || refused == model.items[i]);
                        }
                        Poll::Ready(Outcome::Reserved(permit)) => {
                            prop_assert_eq!(Some(permit.is_some()), model.poll_put(i));
                            // The permit has the sender now.
                            model.n_senders += usize::from(permit.is_some());
                            permits.extend(permit);
                        }
                        Poll::Pending if side == Side::Get => prop_assert_eq!(None, model.queue.poll_get(i)),
                        Poll::Pending => prop_assert_eq!(None, model.poll_put(i)),
                    }
                    if is_ready {
                        waiters[side as usize][i] = None;
                        model.drop_end(side);
                    }
                }
                Op::Drop(side, i) => {
                    if waiters[side as usize][i].take().is_some() {
                        model.drop(side, i);
                    }
                }
                Op::TrySend => {
                    let Some(sender) = senders.last() else { continue };
                    let sent = sender.try_send(item);
                    prop_assert_eq!(sent.is_ok(), model.queue.try_put(item));
                    prop_assert!(sent.is_ok() || sent.unwrap_err().is_closed() == model.queue.is_closed);
                }
                Op::TryReserve => {
                    let Some(sender) = senders.last() else { continue };
                    let reserved = sender.try_reserve();
                    prop_assert_eq!(reserved.is_ok(), !model.queue.is_closed && !model.queue.is_full());
                    drop(reserved);
                }
                Op::TryRecv => {
                    let Some(receiver) = receivers.last() else { continue };
                    let got = receiver.try_recv();
                    prop_assert_eq!(got.ok(), model.queue.try_get());
                    prop_assert!(got.is_ok() || got.unwrap_err().is_closed() == model.queue.is_closed);
                }
                Op::Evict => {
                    let Some(sender) = senders.last() else { continue };
                    prop_assert_eq!(sender.send_evicting(item).ok(), model.evict(item));
                }
                Op::UsePermit => {
                    let Some(permit) = permits.pop_front() else { continue };
                    let sent: Option<Sender<u32, H>> = permit.send(item).ok();
                    prop_assert_eq!(sent.is_some(), !model.queue.is_closed);
                    drop(sent);
                    model.queue.use_reserved(item);
                    model.drop_sender();
                }
                Op::DropPermit => {
                    if permits.pop_front().is_some() {
                        model.queue.unreserve();
                        model.drop_sender();
                    }
                }
                Op::CloneSender => {
                    let Some(sender) = senders.last() else { continue };
                    senders.push(sender.clone());
                    model.n_senders += 1;
                }
                Op::DropSender => {
                    if senders.pop().is_some() {
                        model.drop_sender();
                    }
                }
                Op::UpgradeSender => {
                    let upgraded = weak_sender.upgrade();
                    prop_assert_eq!(upgraded.is_some(), model.n_senders > 0);
                    model.n_senders += usize::from(upgraded.is_some());
                    senders.extend(upgraded);
                }
                Op::CloneReceiver => {
                    let Some(receiver) = receivers.last() else { continue };
                    receivers.push(receiver.clone());
                    model.n_receivers += 1;
                }
                Op::DropReceiver => {
                    if receivers.pop().is_some() {
                        model.drop_receiver();
                    }
                }
                Op::UpgradeReceiver => {
                    let upgraded = weak_receiver.upgrade();
                    prop_assert_eq!(upgraded.is_some(), model.n_receivers > 0);
                    model.n_receivers += usize::from(upgraded.is_some());
                    receivers.extend(upgraded);
                }
                Op::Close => {
                    match (senders.last(), receivers.last()) {
                        (Some(sender), _) => sender.close(),
                        (None, Some(receiver)) => receiver.close(),
                        (None, None) => continue,
                    }
                    model.queue.close();
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.queue.woken));
            let counts = (model.n_senders, model.n_receivers);
            if let Some(sender) = senders.last() {
                prop_assert_eq!((sender.sender_count(), sender.receiver_count()), counts);
                prop_assert_eq!(sender.is_full(), model.queue.is_full());
            }
            if let Some(receiver) = receivers.last() {
                prop_assert_eq!((receiver.sender_count(), receiver.receiver_count()), counts);
                prop_assert_eq!(receiver.len(), model.queue.items.len());
                prop_assert_eq!(receiver.is_closed(), model.queue.is_closed);
            }
        }
        drop((waiters, permits));
        if let Some(receiver) = receivers.pop() {
            prop_assert!(receiver.try_iter().eq(model.queue.items));
            prop_assert!(!receiver.is_full());
        }
    });
}
