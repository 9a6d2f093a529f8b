//! Queues of all orders, under one type.

use super::super as home;
use crate::on_aio::outcome::{Failure, Stop};
use crate::program::Name;

/// A queue.
pub(super) enum Queue {
    Fifo(home::Queue<String>),
    Lifo(home::LifoQueue<String>),
    Smallest(home::PriorityQueue<String>),
}

/// The same for each order.
macro_rules! each {
    ($self:ident, $queue:ident => $do:expr) => {
        match $self {
            Queue::Fifo($queue) => $do,
            Queue::Lifo($queue) => $do,
            Queue::Smallest($queue) => $do,
        }
    };
}

fn is_shut_down() -> Stop {
    Stop::Failed(Failure::Raised("shut down".to_owned()))
}

impl Queue {
    /// With a `capacity`, if it is bounded.
    pub(super) fn new(name: &Name, capacity: Option<usize>) -> Self {
        macro_rules! make {
            ($Queue:ident) => {
                capacity.map_or_else(home::$Queue::unbounded, home::$Queue::bounded)
            };
        }
        if name.starts_with("lifo") {
            Self::Lifo(make!(LifoQueue))
        } else if name.starts_with("heap") {
            Self::Smallest(make!(PriorityQueue))
        } else {
            Self::Fifo(make!(Queue))
        }
    }

    pub(super) async fn put(&self, value: String) -> Result<(), Stop> {
        each!(self, queue => queue.put(value).await.map_err(|_| is_shut_down()))
    }

    pub(super) async fn get(&self) -> Result<String, Stop> {
        each!(self, queue => queue.get().await.map_err(|_| is_shut_down()))
    }

    /// Whether there was room.
    pub(super) fn offer(&self, value: String) -> Result<bool, Stop> {
        match each!(self, queue => queue.try_put(value)) {
            Ok(()) => Ok(true),
            Err(error) if error.is_closed() => Err(is_shut_down()),
            Err(_) => Ok(false),
        }
    }

    /// Nothing, if it is empty.
    pub(super) fn take(&self) -> Result<Option<String>, Stop> {
        match each!(self, queue => queue.try_get()) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_closed() => Err(is_shut_down()),
            Err(_) => Ok(None),
        }
    }

    pub(super) fn task_done(&self) {
        each!(self, queue => queue.task_done());
    }

    pub(super) async fn join(&self) {
        each!(self, queue => queue.join().await);
    }

    pub(super) fn shut_down(&self, now: bool) {
        each!(self, queue => if now { drop(queue.close_now()) } else { queue.close() });
    }
}
