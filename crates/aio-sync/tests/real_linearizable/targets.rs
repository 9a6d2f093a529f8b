//! What is examined, behind one face.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;

use aio_base::Shared;
use aio_sync::channel::{Receiver, Sender};
use aio_sync::generic::{self, Order, Queue};

use crate::checker::{Outcome, rank};

pub(crate) type Waiting<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

pub(crate) trait Target: Send + Sync {
    fn new(capacity: usize) -> Self;
    fn put(&self, item: u32) -> Waiting<'_>;
    fn get(&self) -> Waiting<'_>;
    fn try_put(&self, item: u32) -> Outcome;
    fn try_get(&self) -> Outcome;
    fn close(&self);
}

pub(crate) type Plain = Queue<Item, Shared>;
pub(crate) type Lifo = Queue<Item, Shared, generic::Lifo>;
pub(crate) type Priority = Queue<Item, Shared, generic::Smallest>;

/// Compared by rank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item(u32);

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        rank(self.0).cmp(&rank(other.0))
    }
}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What came of putting, by whether it failed since there was no room.
fn put<E>(result: Result<(), E>, is_full: impl Fn(&E) -> bool) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(error) if is_full(&error) => Outcome::NotNow,
        Err(_) => Outcome::Closed,
    }
}

/// What came of getting, by whether it failed since there was nothing.
fn got<E>(result: Result<u32, E>, is_empty: impl Fn(&E) -> bool) -> Outcome {
    match result {
        Ok(item) => Outcome::Got(item),
        Err(error) if is_empty(&error) => Outcome::NotNow,
        Err(_) => Outcome::Closed,
    }
}

impl<O: Order<Item, Store: Send>> Target for Queue<Item, Shared, O> {
    fn new(capacity: usize) -> Self {
        Self::bounded(capacity)
    }
    fn put(&self, item: u32) -> Waiting<'_> {
        Box::pin(async move { put(self.put(Item(item)).await, |_| false) })
    }
    fn get(&self) -> Waiting<'_> {
        Box::pin(async move { got(self.get().await.map(|item| item.0), |_| false) })
    }
    fn try_put(&self, item: u32) -> Outcome {
        put(self.try_put(Item(item)), |error| error.is_full())
    }
    fn try_get(&self) -> Outcome {
        got(self.try_get().map(|item| item.0), |error| error.is_empty())
    }
    fn close(&self) {
        self.close();
    }
}

/// Odd items are sent by a permit.
pub(crate) struct Channel(Sender<u32>, Receiver<u32>);

impl Target for Channel {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = aio_sync::channel::bounded(capacity);
        Self(sender, receiver)
    }
    fn put(&self, item: u32) -> Waiting<'_> {
        Box::pin(async move {
            if item.is_multiple_of(2) {
                return put(self.0.send(item).await, |_| false);
            }
            match self.0.reserve().await {
                Ok(permit) => put(permit.send(item), |_| false),
                Err(_) => Outcome::Closed,
            }
        })
    }
    fn get(&self) -> Waiting<'_> {
        Box::pin(async move { got(self.1.recv().await, |_| false) })
    }
    fn try_put(&self, item: u32) -> Outcome {
        put(self.0.try_send(item), |error| error.is_full())
    }
    fn try_get(&self) -> Outcome {
        got(self.1.try_recv(), |error| error.is_empty())
    }
    fn close(&self) {
        self.1.close();
    }
}

/// Looks at an item and takes one in two steps.
pub(crate) struct Broken(Mutex<(VecDeque<u32>, bool)>, usize);

impl Target for Broken {
    fn new(capacity: usize) -> Self {
        Self(Mutex::default(), capacity)
    }
    fn put(&self, item: u32) -> Waiting<'_> {
        Box::pin(async move { self.try_put(item) })
    }
    fn get(&self) -> Waiting<'_> {
        Box::pin(async { self.try_get() })
    }
    fn try_put(&self, item: u32) -> Outcome {
        let (items, is_closed) = &mut *self.0.lock().unwrap();
        if *is_closed {
            return Outcome::Closed;
        }
        if items.len() == self.1 {
            return Outcome::NotNow;
        }
        items.push_back(item);
        Outcome::Done
    }
    fn try_get(&self) -> Outcome {
        let (first, is_closed) = {
            let (items, is_closed) = &*self.0.lock().unwrap();
            (items.front().copied(), *is_closed)
        };
        std::thread::yield_now();
        match first {
            Some(first) => {
                self.0.lock().unwrap().0.pop_front();
                Outcome::Got(first)
            }
            None if is_closed => Outcome::Closed,
            None => Outcome::NotNow,
        }
    }
    fn close(&self) {
        self.0.lock().unwrap().1 = true;
    }
}
