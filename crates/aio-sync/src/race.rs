//! What the models share: threads, and futures polled on them.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_base::Parker;
use aio_base::thread::{JoinHandle, spawn};

/// Three threads need a bound; `LOOM_MAX_PREEMPTIONS` sets another.
pub(crate) fn model(race: impl Fn() + Send + Sync + 'static) {
    let mut builder = aio_base::thread::loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(race);
}

pub(crate) fn start(main: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    spawn("", main).unwrap()
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut parker = Parker::new();
    let waker = Waker::from(parker.unparker());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        parker.park(None);
    }
}

/// Polls once, with a waker that does nothing, and drops the future.
pub(crate) fn poll_and_drop(future: impl Future) {
    let _ = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
}
