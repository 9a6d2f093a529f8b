//! What the tests have in common.

use std::future::Future;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_reactor::Reactor;
use aio_timer::Timers;

/// Runs it on a loop, which leaves nothing behind, no descriptor either.
#[track_caller]
pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| {
        let before = descriptors();
        let output = EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(main);
        // Any thread may have one open for a moment: the allocator asks how many processors there are.
        let is_clean = (0..100).any(|_| descriptors() <= before);
        assert!(is_clean, "{} descriptors are open, and before there were {before}", descriptors());
        output
    })
}

/// How many descriptors are open; zero where that is not told.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
