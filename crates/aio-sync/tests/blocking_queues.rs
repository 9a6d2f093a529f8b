//! The blocking forms of queues and channels on the thread of a loop: refused, whether they would wait or not.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use aio_base::host::{Host, install};
use aio_sync::{LifoQueue, PriorityQueue, Queue, channel};

thread_local! {
    static LOOP: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

static HOST: Host = Host { loop_here: || LOOP.get(), current_task: || None, now: std::time::Instant::now };

/// The message with which `f` panics where a loop runs, and the line of the call.
fn refusal<R>(f: impl FnOnce() -> R) -> String {
    install(&HOST);
    LOOP.set(Some(Location::caller()));
    let refused = catch_unwind(AssertUnwindSafe(f));
    LOOP.set(None);
    match refused {
        Ok(_) => panic!("it was not refused"),
        Err(message) => *message.downcast().expect("a message"),
    }
}

#[test]
fn a_loop_is_not_blocked_by_a_queue() {
    let queue = Queue::unbounded();
    let message = refusal(|| queue.put_blocking(1));
    let call = format!("{}:{}", file!(), line!() - 1);
    assert!(message.starts_with(&format!("`put_blocking` at {call}")), "{message}");
    assert!(queue.is_empty());
    queue.put_blocking(1).unwrap();
    assert!(refusal(|| queue.get_blocking()).starts_with("`get_blocking` at "));
    assert_eq!(queue.get_blocking(), Ok(1));
    refusal(|| LifoQueue::unbounded().put_blocking(1));
    refusal(|| PriorityQueue::<u32>::unbounded().get_blocking());
}

#[test]
fn a_loop_is_not_blocked_by_a_channel() {
    let (sender, receiver) = channel::unbounded();
    let message = refusal(|| sender.send_blocking(1));
    let call = format!("{}:{}", file!(), line!() - 1);
    assert!(message.starts_with(&format!("`send_blocking` at {call}")), "{message}");
    sender.send_blocking(1).unwrap();
    assert!(refusal(|| receiver.recv_blocking()).starts_with("`recv_blocking` at "));
    refusal(|| receiver.iter_blocking().next());
    assert_eq!(receiver.iter_blocking().next(), Some(1));
    refusal(|| receiver.into_iter().next());
}
