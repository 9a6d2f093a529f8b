//! What the tests have in common.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_reactor::Reactor;
use aio_signal::{Signal, Signals, signals};
use aio_timer::{Timers, timeout};

/// Runs it on a loop, which leaves nothing behind.
#[track_caller]
pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
    check(|| run_on_loop(main))
}

/// Calls it; it leaves nothing behind, no descriptor either.
#[track_caller]
pub(crate) fn check<T>(test: impl FnOnce() -> T) -> T {
    // A signal may arrive after the test that has sent it is over, and must not end the process then.
    static KEPT: OnceLock<Signals> = OnceLock::new();
    KEPT.get_or_init(|| signals([Signal::HANGUP, Signal::USER_1, Signal::USER_2]).unwrap());
    leak_check(|| {
        let before = descriptors();
        let output = test();
        assert_eq!(descriptors(), before, "descriptors left open");
        output
    })
}

/// Only the loop; what hangs fails.
pub(crate) fn run_on_loop<T>(main: impl Future<Output = T>) -> T {
    let in_time = timeout(Duration::from_secs(60), main);
    EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(in_time).expect("it does not hang")
}

/// Sends a signal to this process.
pub(crate) fn send(signal: Signal) {
    let signal = rustix::process::Signal::from_named_raw(signal.as_raw()).expect("a signal with a name");
    rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
