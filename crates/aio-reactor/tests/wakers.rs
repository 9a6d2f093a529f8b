//! Wakers that close and open descriptors while others are told of events.

#![cfg(unix)]

use std::future::Future;
use std::io::Read;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, yield_now};
use aio_reactor::{Async, Reactor};

/// Begins to read, and leaves `waker`.
fn begin_to_read(io: &Async<UnixStream>, waker: &Waker) {
    // The last that polled is woken, also if it is gone.
    let poll = io.poll_read_with(&mut Context::from_waker(waker), |mut io| io.read(&mut [0; 8]));
    assert!(poll.is_pending());
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Closes one descriptor, the event of which is the next to be told of, and opens another under its number.
struct Replaces {
    old: Mutex<Option<Async<UnixStream>>>,
    new: Mutex<Option<(Async<UnixStream>, UnixStream)>>,
    count: Arc<Count>,
}

impl Wake for Replaces {
    fn wake(self: Arc<Self>) {
        let Some(old) = self.old.lock().unwrap().take() else { return };
        let number = old.get_ref().as_raw_fd();
        drop(old);
        let (new, peer) = UnixStream::pair().unwrap();
        assert_eq!(new.as_raw_fd(), number);
        let new = Async::new(new).unwrap();
        begin_to_read(&new, &Waker::from(self.count.clone()));
        *self.new.lock().unwrap() = Some((new, peer));
    }
}

#[test]
fn an_event_of_what_a_waker_has_closed_finds_nobody() {
    leak_check(|| {
        EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
            for _ in 0..100 {
                let pairs: Vec<_> = (0..2).map(|_| UnixStream::pair().unwrap()).collect();
                let [(one, mut one_peer), (other, mut other_peer)] = pairs.try_into().unwrap();
                let (one, other) = (Async::new(one).unwrap(), Async::new(other).unwrap());
                // Both are registered now, and told of at once, in this order.
                begin_to_read(&one, Waker::noop());
                begin_to_read(&other, Waker::noop());
                let count = Arc::<Count>::default();
                let replaces =
                    Arc::new(Replaces { old: Mutex::new(Some(other)), new: Mutex::default(), count: count.clone() });
                begin_to_read(&one, &replaces.clone().into());
                one_peer.write_all(b"x").unwrap();
                other_peer.write_all(b"x").unwrap();
                // A loop asks the system for news after 64 polls, if it has always something to do.
                for _ in 0..130 {
                    yield_now().await;
                }
                let (new, mut peer) = replaces.new.lock().unwrap().take().expect("the waker was called");
                assert_eq!(count.0.load(Ordering::SeqCst), 0, "woken by the event of another");
                peer.write_all(b"y").unwrap();
                let mut buffer = [0; 8];
                let mut read = pin!(new.read_with(|mut io| io.read(&mut buffer)));
                while read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                    yield_now().await;
                }
                assert_eq!(buffer[0], b'y');
            }
        });
    });
}
