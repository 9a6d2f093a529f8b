//! What may cross threads.

use std::pin::Pin;

pub(super) use std::sync::Arc as Ref;

pub(super) use aio::{
    Barrier, Condition, Event, GroupHandle, LifoQueue, Lock, PriorityQueue, Queue, Semaphore, Task, TaskGroup, defer,
    shield,
};

/// A block that runs.
pub(super) type Running<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pub(super) fn spawn_named<F>(name: &str, future: F) -> Task<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    aio::Builder::new().name(name).spawn(future)
}

#[path = "interpreter.rs"]
pub(super) mod interpreter;
