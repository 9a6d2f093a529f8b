//! A loop that runs many times, and never for long.

#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, local, yield_now};
use aio_reactor::{Async, Reactor};

#[test]
fn what_has_happened_is_seen_although_no_run_is_long() {
    leak_check(|| {
        let mut event_loop = EventLoop::new(Reactor::new(ThreadPark::new()));
        let (here, mut there) = UnixStream::pair().unwrap();
        let here = Async::new(here).unwrap();
        let mut reader = None;
        let start = async {
            let read = async move { here.read_with(|mut io| io.read(&mut [0; 8])).await };
            reader = Some(local::spawn(read));
        };
        event_loop.run_until_complete(start).unwrap();
        let reader = reader.unwrap();
        event_loop.run_until_complete(yield_now()).unwrap();
        there.write_all(b"x").unwrap();
        let mut n_runs = 0;
        while !reader.is_finished() {
            event_loop.run_until_complete(yield_now()).unwrap();
            n_runs += 1;
            assert!(n_runs < 10_000, "the reader is never woken");
        }
        assert_eq!(event_loop.run_until_complete(reader).unwrap().unwrap(), 1);
        event_loop.close();
    });
}
