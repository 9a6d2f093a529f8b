//! Descriptors go from loop to loop and from thread to thread, and nobody is left asleep.

#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_reactor::{Async, Reactor};
use aio_timer::{Timers, timeout};
use futures_lite::future::poll_once;

const PAIRS: usize = 12;
const ROUNDS: u64 = 1_500;

/// One end of a pair. The one that asks sends a byte and waits for its answer.
struct End {
    io: Async<UnixStream>,
    pair: usize,
    asks: bool,
    n_sent: usize,
    n_received: usize,
}

impl End {
    async fn send(&mut self) {
        let byte = self.n_sent as u8;
        assert_eq!(self.io.write_with(|mut io| io.write(&[byte])).await.unwrap(), 1);
        self.n_sent += 1;
    }

    /// With some attempts that are given up before.
    async fn receive(&mut self, n_cancelled: u64) {
        let mut byte = [0];
        let mut n = None;
        for _ in 0..n_cancelled {
            n = poll_once(self.io.read_with(|mut io| io.read(&mut byte))).await;
            if n.is_some() {
                break;
            }
            aio_core::yield_now().await;
        }
        let n = match n {
            Some(n) => n,
            None => self.io.read_with(|mut io| io.read(&mut byte)).await,
        };
        assert_eq!((n.unwrap(), byte[0]), (1, self.n_received as u8));
        self.n_received += 1;
    }

    async fn talk(mut self, times: u64, n_cancelled: u64) -> Self {
        for _ in 0..times {
            if self.asks {
                self.send().await;
                self.receive(n_cancelled).await;
            } else {
                self.receive(n_cancelled).await;
                self.send().await;
            }
        }
        self
    }
}

/// Numbers that look random.
fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// All of them talk in one loop, which ends then.
fn talk(ends: Vec<End>, seed: u64) -> Vec<End> {
    let layers = || Timers::new(Reactor::new(ThreadPark::new()));
    let main = async move {
        let tasks: Vec<_> = ends
            .into_iter()
            .map(|end| {
                // Both ends as often.
                let times = 1 + mix(seed ^ end.pair as u64) % 5;
                let n_cancelled = mix(seed ^ end.n_sent as u64) % 3;
                aio_core::spawn(end.talk(times, n_cancelled))
            })
            .collect();
        let mut ends = Vec::new();
        for task in tasks {
            ends.push(timeout(Duration::from_secs(30), task).await.expect("nobody wakes it"));
        }
        ends
    };
    if mix(seed).is_multiple_of(3) {
        EventLoop::with_workers(2, layers).run(main)
    } else {
        EventLoop::new(layers()).run(main)
    }
}

#[test]
fn descriptors_that_change_loops_and_threads_are_always_told() {
    leak_check(|| {
        let mut ends: Vec<End> = Vec::new();
        for pair in 0..PAIRS {
            let (one, other) = UnixStream::pair().unwrap();
            for (stream, asks) in [(one, true), (other, false)] {
                let io = Async::new(stream).unwrap();
                ends.push(End { io, pair, asks, n_sent: 0, n_received: 0 });
            }
        }
        for round in 0..ROUNDS {
            // Each end goes to some thread; both ends of each pair are somewhere.
            let mut shares: [Vec<End>; 3] = Default::default();
            for end in ends.drain(..) {
                let share = mix(round << 16 | (end.pair as u64) << 1 | u64::from(end.asks)) % 3;
                shares[share as usize].push(end);
            }
            ends = thread::scope(|scope| {
                let threads = shares.map(|share| scope.spawn(move || talk(share, round)));
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            });
        }
        assert_eq!(ends.len(), 2 * PAIRS);
        assert!(ends.iter().all(|end| end.n_sent == end.n_received && end.n_sent >= ROUNDS as usize));
    });
}
