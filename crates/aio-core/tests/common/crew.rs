//! Loops with several workers, and being on the one or the other on purpose.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use aio_core::{EventLoop, Handle, Task, ThreadPark, spawn, yield_now};

pub(crate) fn workers(n: usize) -> EventLoop<ThreadPark> {
    EventLoop::with_workers(n, ThreadPark::new)
}

pub(crate) fn here() -> ThreadId {
    thread::current().id()
}

pub(crate) async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// Runs `f` on each of the `n` workers of the loop at the same time.
pub(crate) async fn on_each<T: Send + 'static>(n: usize, f: impl Fn() -> T + Send + Sync + 'static) -> Vec<T> {
    let (barrier, f) = (Arc::new(Barrier::new(n)), Arc::new(f));
    let tasks: Vec<Task<T>> = (0..n)
        .map(|_| {
            let (barrier, f) = (barrier.clone(), f.clone());
            spawn(async move {
                // Each keeps its worker until all are there.
                barrier.wait();
                let value = f();
                barrier.wait();
                value
            })
        })
        .collect();
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await);
    }
    values
}

/// Runs `f` on the other one of two workers.
pub(crate) async fn elsewhere<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (from, f) = (here(), Mutex::new(Some(f)));
    let on_both = on_each(2, move || {
        let f = (here() != from).then(|| f.lock().unwrap().take().unwrap());
        f.map(|f| f())
    });
    on_both.await.into_iter().flatten().next().expect("one of two is the other one")
}

/// Keeps the other one of two workers occupied, until the sender is dropped.
pub(crate) async fn occupy_other() -> mpsc::Sender<()> {
    let from = here();
    let (sender, receiver) = mpsc::channel::<()>();
    let (barrier, receiver) = (Arc::new(Barrier::new(2)), Arc::new(Mutex::new(Some(receiver))));
    let left = Arc::new(AtomicBool::new(false));
    for _ in 0..2 {
        let (barrier, receiver, left) = (barrier.clone(), receiver.clone(), left.clone());
        spawn(async move {
            barrier.wait();
            if here() == from {
                left.store(true, Ordering::SeqCst);
            } else {
                let receiver = receiver.lock().unwrap().take().unwrap();
                let _ = receiver.recv();
            }
        })
        .detach();
    }
    while !left.load(Ordering::SeqCst) {
        yield_now().await;
    }
    sender
}

/// The calling task goes on on the other one of two workers.
pub(crate) async fn hop() {
    let from = here();
    let barrier = Arc::new(Barrier::new(2));
    let (release, released) = mpsc::channel::<()>();
    let ends = Arc::new(Mutex::new((Some(release), Some(released))));
    let waker = Arc::new(Mutex::new(None::<Waker>));
    let (called, arrived) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    for _ in 0..2 {
        let (barrier, ends) = (barrier.clone(), ends.clone());
        let (waker, called, arrived) = (waker.clone(), called.clone(), arrived.clone());
        spawn(async move {
            // One of the two is where the caller was, so its turn is over.
            barrier.wait();
            if here() == from {
                let released = ends.lock().unwrap().1.take().unwrap();
                let _ = released.recv();
            } else {
                let _release = ends.lock().unwrap().0.take();
                called.store(true, Ordering::SeqCst);
                let waker = waker.lock().unwrap().take();
                waker.unwrap().wake();
                while !arrived.load(Ordering::SeqCst) {
                    yield_now().await;
                }
            }
        })
        .detach();
    }
    poll_fn(|cx| {
        if called.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        *waker.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
    assert_ne!(here(), from);
    arrived.store(true, Ordering::SeqCst);
}

/// Keeps the thread until the loop of `handle` is where `what` says; it is a part of the report of the loop.
pub(crate) fn wait_for(handle: &Handle, what: &str) {
    while !format!("{handle:?}").contains(what) {
        thread::yield_now();
    }
}
