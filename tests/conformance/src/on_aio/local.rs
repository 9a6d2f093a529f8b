//! What stays on its loop.

use std::pin::Pin;

pub(super) use std::rc::Rc as Ref;

pub(super) use aio::local::{
    Barrier, Condition, Event, GroupHandle, LifoQueue, Lock, PriorityQueue, Queue, Semaphore, Task, TaskGroup, defer,
    shield,
};

/// A block that runs.
pub(super) type Running<T> = Pin<Box<dyn Future<Output = T>>>;

pub(super) fn spawn_named<F>(name: &str, future: F) -> Task<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    aio::Builder::new().name(name).spawn_local(future)
}

#[path = "interpreter.rs"]
pub(super) mod interpreter;
