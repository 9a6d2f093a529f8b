//! What is put in comes out, once; and where one takes out, in the order of each who put it in. (Of several, one may
//! come for what was set aside for another, and may have had a later item before.)

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use aio_base::Home;
use aio_core::local;
use aio_sync::generic::{self, Queue};
use aio_test::note;
use aio_timer::timeout;

use crate::dice::{Dice, MS};
use crate::under_seeds;

under_seeds! {
    items_are_conserved_by_queues: queue;
    items_are_conserved_by_channels: channel;
    a_message_arrives_or_comes_back: oneshot;
}

/// By whom, and which of its items.
type Item = (u32, u32);

/// What went in, and what came out.
#[derive(Default)]
struct Books {
    put: RefCell<Vec<Item>>,
    got: RefCell<Vec<Item>>,
}

impl Books {
    /// Who looks at the order has a book of its own for it.
    fn got(&self, last: &mut Option<BTreeMap<u32, u32>>, item: Item) {
        note(format_args!("got {item:?}"));
        let before = last.as_mut().and_then(|last| last.insert(item.0, item.1));
        assert!(before.is_none_or(|before| before < item.1), "{before:?} of {} came before {}", item.0, item.1);
        self.got.borrow_mut().push(item);
    }

    fn put(&self, item: Item) {
        note(format_args!("put {item:?}"));
        self.put.borrow_mut().push(item);
    }

    fn balance(&self) {
        let (mut put, mut got) = (self.put.take(), self.got.take());
        put.sort_unstable();
        got.sort_unstable();
        assert_eq!(put, got);
    }
}

async fn queue<H: Home>(dice: Dice) {
    let queue = match dice.below(4) {
        0 => Queue::unbounded(),
        capacity => Queue::bounded(capacity as usize),
    };
    let (queue, books): (Rc<Queue<Item, H>>, _) = (Rc::new(queue), Rc::new(Books::default()));
    let producer = |number| {
        let (dice, queue, books) = (dice.fork(), queue.clone(), books.clone());
        local::spawn(async move {
            for item in 0..1 + dice.below(4) {
                let put = match dice.one_in(4) {
                    true => queue.try_put((number, item)).is_ok(),
                    false => dice.attempt(queue.put((number, item))).await.is_some_and(|put| put.is_ok()),
                };
                if put {
                    books.put((number, item));
                }
                dice.pause().await;
            }
        })
    };
    let others = dice.below(3);
    let consumer = |stays: bool| {
        let (dice, queue, books) = (dice.fork(), queue.clone(), books.clone());
        local::spawn(async move {
            let mut last = (others == 0).then(BTreeMap::new);
            loop {
                // One that stays does not look again by itself.
                let got = if stays { Some(queue.get().await) } else { dice.attempt(queue.get()).await };
                match got {
                    Some(Ok(item)) => {
                        books.got(&mut last, item);
                        queue.task_done();
                    }
                    Some(Err(error)) => break assert!(error.is_closed()),
                    None if dice.one_in(3) => break,
                    None => {}
                }
                dice.pause().await;
            }
        })
    };
    let producers = (0..1 + dice.below(3)).map(producer).collect();
    let consumers = (0..others).map(|_| consumer(false)).collect();
    let stays = consumer(true);
    dice.join(producers).await;
    if dice.one_in(2) {
        queue.join().await;
        assert!(queue.is_empty());
    }
    queue.close();
    dice.join(consumers).await;
    stays.await;
    // What was handed to one that was cancelled then.
    while let Ok(item) = queue.try_get() {
        books.got(&mut None, item);
        queue.task_done();
    }
    queue.join().await;
    books.balance();
}

async fn channel<H: Home>(dice: Dice) {
    let (sender, receiver) = match dice.below(4) {
        0 => generic::channel::unbounded::<Item, H>(),
        capacity => generic::channel::bounded(capacity as usize),
    };
    let books = Rc::new(Books::default());
    let producer = |number| {
        let (dice, sender, books) = (dice.fork(), sender.clone(), books.clone());
        local::spawn(async move {
            for item in 0..1 + dice.below(4) {
                let item = (number, item);
                let sent = match dice.below(4) {
                    0 => sender.try_send(item).is_ok(),
                    1 => match dice.attempt(sender.reserve()).await {
                        Some(permit) => {
                            dice.pause().await;
                            permit.is_ok_and(|permit| !dice.one_in(3) && permit.send(item).is_ok())
                        }
                        None => false,
                    },
                    _ => dice.attempt(sender.send(item)).await.is_some_and(|sent| sent.is_ok()),
                };
                if sent {
                    books.put(item);
                }
                dice.pause().await;
            }
        })
    };
    let others = dice.below(3);
    let consumer = |stays: bool| {
        let (dice, receiver, books) = (dice.fork(), receiver.clone(), books.clone());
        local::spawn(async move {
            let mut last = (others == 0).then(BTreeMap::new);
            loop {
                if stays || dice.one_in(2) {
                    let got = if stays { Some(receiver.recv().await) } else { dice.attempt(receiver.recv()).await };
                    match got {
                        Some(Ok(item)) => books.got(&mut last, item),
                        Some(Err(error)) => break assert!(error.is_closed()),
                        None => {}
                    }
                } else {
                    let mut items = Vec::new();
                    let received = dice.attempt(receiver.recv_many(&mut items, 3)).await;
                    let n = items.len();
                    items.into_iter().for_each(|item| books.got(&mut last, item));
                    match received {
                        Some(Ok(received)) => assert_eq!(received, n),
                        None => assert_eq!(n, 0),
                        Some(Err(error)) => break assert!(error.is_closed() && n == 0),
                    }
                }
                dice.pause().await;
            }
        })
    };
    let producers = (0..1 + dice.below(3)).map(producer).collect();
    let consumers = (0..others).map(|_| consumer(false)).collect();
    let stays = consumer(true);
    drop(sender);
    dice.join(producers).await;
    dice.join(consumers).await;
    stays.await;
    receiver.try_iter().for_each(|item| books.got(&mut None, item));
    books.balance();
}

/// A message that counts.
struct Message(Rc<Cell<i32>>);

impl Message {
    fn new(n: &Rc<Cell<i32>>) -> Self {
        n.set(n.get() + 1);
        Self(n.clone())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn oneshot<H: Home>(dice: Dice) {
    let (sender, mut receiver) = generic::oneshot::channel::<Message, H>();
    let alive = Rc::new(Cell::new(0));
    let sends = local::spawn({
        let (dice, alive, mut sender) = (dice.fork(), alive.clone(), sender);
        async move {
            dice.pause().await;
            if dice.one_in(3) && timeout(dice.below(4) * MS, sender.closed()).await.is_ok() {
                assert!(sender.is_closed());
            }
            !dice.one_in(4) && sender.send(Message::new(&alive)).is_ok()
        }
    });
    let receives = local::spawn({
        let dice = dice.fork();
        async move {
            dice.pause().await;
            if let Some(received) = dice.attempt(&mut receiver).await {
                return received.is_ok();
            }
            dice.pause().await;
            if dice.one_in(3) {
                receiver.close();
                return receiver.try_recv().is_ok();
            }
            receiver.await.is_ok()
        }
    });
    match dice.join(vec![sends, receives]).await[..] {
        [Some(sent), Some(received)] => assert_eq!(sent, received),
        [None, Some(received)] => assert!(!received),
        _ => {}
    }
    assert_eq!(alive.get(), 0);
}
