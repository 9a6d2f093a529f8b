//! The contract of sockets, held to those of the system: what the simulation is measured by.
#![cfg(all(target_os = "linux", not(aio_loom)))]

use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_reactor::Reactor;
use aio_timer::Timers;

#[macro_use]
mod contract;

use contract::World;

#[track_caller]
fn on_the_system(test: impl AsyncFnOnce(&World)) {
    leak_check(|| {
        EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(async {
            test(&World { hosts: None, settling: Duration::from_millis(20), net: None }).await;
        });
    });
}

contract!(on_the_system);
