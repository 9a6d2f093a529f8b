//! Models of a job that waits to be woken by another thread, while the loop lets it go on.

use std::future::poll_fn;
use std::time::Duration;

use aio_base::host::{Waiting, WaitsFor};
use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicBool, Ordering};
use aio_base::thread;
use loom::future::block_on;

use super::{Gate, GateRef, Phase};

/// Not all orders, but all with at most so many preemptions.
fn model(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A job that waits for a flag, and whoever sets it: the two threads.
fn job_and_waker(gate: &GateRef) -> [thread::JoinHandle<()>; 2] {
    let flag = Arc::new(AtomicBool::new(false));
    let (theirs, is_set) = (gate.clone(), flag.clone());
    let job = move || {
        while !is_set.load(Ordering::Acquire) {
            theirs.wait(WaitsFor::AWake);
        }
        theirs.end();
    };
    let waker = gate.clone().waker();
    let other = move || {
        flag.store(true, Ordering::Release);
        waker.wake();
    };
    [thread::spawn("", job).unwrap(), thread::spawn("", other).unwrap()]
}

fn gate() -> GateRef {
    Gate::new(Duration::ZERO, aio_core::outside())
}

#[test]
fn a_job_that_is_woken_is_let_go_on_and_ends() {
    model(|| {
        let gate = gate();
        let threads = job_and_waker(&gate);
        loop {
            match gate.go(Duration::ZERO) {
                Phase::Ended => break,
                Phase::Waits => block_on(poll_fn(|cx| gate.poll_woken(cx))),
                // Loom knows no time.
                Phase::Runs => unreachable!("there is no end to the patience"),
            }
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_job_that_nobody_waits_for_any_more_goes_on_when_it_is_woken() {
    model(|| {
        let gate = gate();
        let threads = job_and_waker(&gate);
        gate.open();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
