//! The contract of sockets, held to the simulation: on one host, and between two.
#![cfg(not(aio_loom))]

use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, VirtualTime};
use aio_test::net::Net;
use aio_timer::Timers;

#[macro_use]
mod contract;

use contract::World;

fn one_host() -> World {
    World { hosts: None, settling: Duration::from_millis(20), net: Some(Net::seeded(1)) }
}

/// They are far from each other.
fn two_hosts(seed: u64) -> World {
    let net = Net::seeded(seed).latency(Duration::from_millis(10)..=Duration::from_millis(500));
    let hosts = (net.host("server"), net.host("client"));
    World { hosts: Some(hosts), settling: Duration::from_secs(100), net: Some(net) }
}

/// And much is lost. (A reset that is lost is not sent again, so not every seed will do.)
fn two_hosts_with_loss() -> World {
    let mut world = two_hosts(2);
    world.net = world.net.map(|net| net.loss(0.1));
    world
}

#[track_caller]
fn run(world: impl FnOnce() -> World, test: impl AsyncFnOnce(&World)) {
    leak_check(|| {
        EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
            let world = world();
            test(&world).await;
        });
    });
}

mod on_one_host {
    use super::*;

    #[track_caller]
    fn run_there(test: impl AsyncFnOnce(&World)) {
        run(one_host, test);
    }

    contract!(run_there);
}

mod between_hosts {
    use super::*;

    #[track_caller]
    fn run_there(test: impl AsyncFn(&World)) {
        for seed in 0..10 {
            run(|| two_hosts(seed), &test);
        }
        run(two_hosts_with_loss, &test);
    }

    contract!(run_there);
}
