//! Descriptors that are waited for.

#![cfg(unix)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, local, spawn, yield_now};
use aio_reactor::{Async, Reactor};
use aio_timer::Timers;
use futures_io::{AsyncRead, AsyncWrite};

fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(main))
}

fn pair() -> (Async<UnixStream>, UnixStream) {
    let (here, there) = UnixStream::pair().unwrap();
    (Async::new(here).unwrap(), there)
}

fn read(io: &Async<UnixStream>, len: usize) -> impl Future<Output = std::io::Result<Vec<u8>>> + '_ {
    let mut buffer = vec![0; len];
    poll_fn(move |cx| {
        let poll = io.poll_read_stream(cx, buffer.len(), |mut io| io.read(&mut buffer));
        poll.map_ok(|n| buffer[..n].to_vec())
    })
}

/// Polls once, with a waker that counts.
fn poll_once<F: Future>(future: Pin<&mut F>, count: &Arc<Count>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(count.clone())))
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_read_waits_for_what_another_thread_writes() {
    run(async {
        let (here, mut there) = pair();
        let writer = std::thread::spawn(move || {
            for i in 0..100_u8 {
                there.write_all(&[i]).unwrap();
            }
        });
        let mut got = Vec::new();
        loop {
            let piece = read(&here, 16).await.unwrap();
            if piece.is_empty() {
                break;
            }
            got.extend(piece);
        }
        assert_eq!(got, (0..100).collect::<Vec<_>>());
        writer.join().unwrap();
    });
}

#[test]
fn an_end_after_a_short_read_is_seen() {
    run(async {
        let (here, mut there) = pair();
        // Registered by now, so that the end comes as an event or with one.
        assert!(poll_once(pin!(read(&here, 8)), &Arc::default()).is_pending());
        there.write_all(b"abc").unwrap();
        drop(there);
        assert_eq!(read(&here, 8).await.unwrap(), b"abc");
        assert_eq!(read(&here, 8).await.unwrap(), b"");
        assert_eq!(read(&here, 8).await.unwrap(), b"");
    });
}

/// Only the direction to here ends, and it did before the read, so no event follows.
#[test]
fn half_an_end_before_a_short_read_is_seen() {
    run(async {
        let (here, mut there) = pair();
        assert!(poll_once(pin!(read(&here, 8)), &Arc::default()).is_pending());
        there.write_all(b"abc").unwrap();
        there.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(read(&here, 8).await.unwrap(), b"abc");
        assert_eq!(read(&here, 8).await.unwrap(), b"");
        assert_eq!(here.write_with(|mut io| io.write(b"x")).await.unwrap(), 1);
    });
}

/// Also if what is remembered comes from before a read that `Async` knows nothing of.
#[test]
fn readable_waits_until_there_is_something() {
    run(async {
        let (here, mut there) = pair();
        for _ in 0..3 {
            assert!(poll_once(pin!(here.readable()), &Arc::default()).is_pending());
            there.write_all(b"x").unwrap();
            here.readable().await.unwrap();
            assert_eq!(here.get_ref().read(&mut [0; 8]).unwrap(), 1);
        }
        here.writable().await.unwrap();
        drop(there);
        here.readable().await.unwrap();
    });
}

#[test]
fn what_comes_after_a_short_read_is_seen() {
    run(async {
        let (here, mut there) = pair();
        for i in 0..1000_u32 {
            there.write_all(&i.to_ne_bytes()).unwrap();
            assert_eq!(read(&here, 64).await.unwrap(), i.to_ne_bytes());
        }
    });
}

#[test]
fn all_who_wait_for_the_same_have_their_turn() {
    run(async {
        let listener = Rc::new(Async::new(TcpListener::bind("127.0.0.1:0").unwrap()).unwrap());
        let address = listener.get_ref().local_addr().unwrap();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let listener = listener.clone();
                local::spawn(async move { listener.read_with(|listener| listener.accept()).await.map(|_| ()) })
            })
            .collect();
        yield_now().await;
        let clients: Vec<_> = (0..10).map(|_| TcpStream::connect(address).unwrap()).collect();
        for task in tasks {
            task.await.unwrap();
        }
        drop(clients);
    });
}

#[test]
fn a_cancelled_wait_leaves_nothing_and_loses_nothing() {
    run(async {
        let (here, mut there) = pair();
        for i in 0..1000_u32 {
            let count = Arc::default();
            {
                let mut future = pin!(here.read_with(|mut io| io.read(&mut [0; 4])));
                assert!(poll_once(future.as_mut(), &count).is_pending());
            }
            there.write_all(&i.to_ne_bytes()).unwrap();
            assert_eq!(read(&here, 4).await.unwrap(), i.to_ne_bytes());
            assert_eq!(count.0.load(Ordering::SeqCst), 0, "who has gone is not woken");
        }
    });
}

#[test]
fn the_two_directions_wait_apart() {
    run(async {
        let (here, mut there) = pair();
        let here = Rc::new(here);
        let reader = {
            let here = here.clone();
            local::spawn(async move { read(&here, 8).await.unwrap() })
        };
        let block = vec![7; 64 * 1024];
        let mut written = 0;
        // Until there is no more room.
        let is_full = |poll: Poll<std::io::Result<usize>>| poll.is_pending();
        loop {
            let poll = poll_fn(|cx| Poll::Ready(here.poll_write_with(cx, |mut io| io.write(&block)))).await;
            match poll {
                Poll::Ready(n) => written += n.unwrap(),
                poll => break assert!(is_full(poll)),
            }
            yield_now().await;
        }
        assert!(!reader.is_finished());
        there.write_all(b"x").unwrap();
        assert_eq!(reader.await, b"x");
        let drain = std::thread::spawn(move || std::io::copy(&mut there, &mut std::io::sink()).unwrap());
        written += here.write_with(|mut io| io.write(&block)).await.unwrap();
        drop(here);
        assert_eq!(drain.join().unwrap(), written as u64);
    });
}

/// tokio's issue 4782: a loop around an operation that is always ready must not starve the others.
#[test]
fn an_operation_that_is_always_ready_lets_others_run() {
    run(async {
        let (here, mut there) = pair();
        there.write_all(&[0; 1000]).unwrap();
        let others = Rc::new(Cell::new(0));
        let count = others.clone();
        let other = local::spawn(async move {
            loop {
                count.set(count.get() + 1);
                yield_now().await;
            }
        });
        for _ in 0..1000 {
            here.read_with(|mut io| io.read(&mut [0])).await.unwrap();
        }
        assert!(others.get() >= 1000 / 65, "the other task has run {} times", others.get());
        drop(other);
    });
}

#[test]
fn a_descriptor_of_the_same_number_is_another_one() {
    run(async {
        for _ in 0..1000 {
            let (first, mut there) = pair();
            let count = Arc::default();
            assert!(poll_once(pin!(read(&first, 1)), &count).is_pending());
            // An event that nobody has seen yet when the descriptor is closed.
            there.write_all(b"x").unwrap();
            let number = std::os::fd::AsRawFd::as_raw_fd(first.get_ref());
            drop(first);
            let (second, mut there) = pair();
            assert_eq!(std::os::fd::AsRawFd::as_raw_fd(second.get_ref()), number);
            let other = Arc::default();
            assert!(poll_once(pin!(read(&second, 1)), &other).is_pending());
            yield_now().await;
            assert_eq!(other.0.load(Ordering::SeqCst), 0, "woken by the event of {number}");
            there.write_all(b"y").unwrap();
            assert_eq!(read(&second, 1).await.unwrap(), b"y");
        }
    });
}

#[test]
fn a_descriptor_that_outlives_its_loop_goes_to_the_next() {
    leak_check(|| {
        let (here, mut there) = pair();
        let event_loop = || EventLoop::new(Reactor::new(ThreadPark::new()));
        event_loop().run(async {
            assert!(poll_once(pin!(read(&here, 1)), &Arc::default()).is_pending());
        });
        event_loop().run(async {
            let writer = std::thread::spawn(move || there.write_all(b"x").map(|()| there));
            assert_eq!(read(&here, 1).await.unwrap(), b"x");
            writer.join().unwrap().unwrap();
        });
    });
}

#[test]
fn who_waits_while_the_loop_of_the_descriptor_ends_is_woken() {
    leak_check(|| {
        let (here, _there) = pair();
        let count = Arc::default();
        let mut future = pin!(read(&here, 1));
        EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
            assert!(poll_once(future.as_mut(), &count).is_pending());
        });
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_descriptor_goes_with_its_task_to_other_workers() {
    leak_check(|| {
        EventLoop::with_workers(2, || Timers::new(Reactor::new(ThreadPark::new()))).run(async {
            let mut tasks = Vec::new();
            for _ in 0..20 {
                let (here, there) = pair();
                let there = Async::new(there).unwrap();
                tasks.push(aio_core::spawn(async move {
                    for i in 0..200_u8 {
                        here.write_with(|mut io| io.write(&[i])).await.unwrap();
                        assert_eq!(read(&here, 1).await.unwrap(), [i]);
                    }
                }));
                tasks.push(aio_core::spawn(async move {
                    for _ in 0..200 {
                        let got = read(&there, 1).await.unwrap();
                        there.write_with(|mut io| io.write(&got)).await.unwrap();
                    }
                }));
            }
            for task in tasks {
                task.await;
            }
        });
    });
}

#[test]
fn a_regular_file_that_is_waited_for_is_an_error() {
    run(async {
        let file = Async::new(std::fs::File::open("Cargo.toml").unwrap()).unwrap();
        let error = file.read_with(|_| Err::<(), _>(ErrorKind::WouldBlock.into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn what_was_interrupted_is_called_again() {
    run(async {
        let (here, _there) = pair();
        let mut calls = 0;
        let result = here.write_with(|_| {
            calls += 1;
            if calls < 3 { Err(ErrorKind::Interrupted.into()) } else { Ok(calls) }
        });
        assert_eq!(result.await.unwrap(), 3);
    });
}

#[test]
fn a_waker_that_panics_does_not_keep_others_from_being_woken() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    run(async {
        let (here, mut there) = pair();
        let mut first = pin!(here.readable());
        // The first look finds what is not known yet.
        here.read_with(|mut io| match io.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            result => result,
        })
        .await
        .unwrap();
        assert!(poll_once(pin!(read(&here, 1)), &Arc::default()).is_pending());
        assert!(first.as_mut().poll(&mut Context::from_waker(&Arc::new(Panics).into())).is_pending());
        let writer = std::thread::spawn(move || there.write_all(b"x").map(|()| there));
        assert_eq!(here.read_with(|mut io| io.read(&mut [0])).await.unwrap(), 1);
        writer.join().unwrap().unwrap();
    });
}

/// Whoever is told may drop a descriptor that is to be told next, and with it the last of a waker.
#[test]
fn a_waker_whose_destructor_panics_does_not_end_the_loop() {
    struct DropPanics;
    impl Wake for DropPanics {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for DropPanics {
        fn drop(&mut self) {
            panic!("the destructor of a waker");
        }
    }
    /// Drops a descriptor when it is woken.
    struct Drops(std::sync::Mutex<Option<Async<UnixStream>>>);
    impl Wake for Drops {
        fn wake(self: Arc<Self>) {
            let descriptor = self.0.lock().unwrap().take();
            drop(descriptor);
        }
    }
    run(async {
        let ((one, mut to_one), (two, mut to_two)) = (pair(), pair());
        let waker = Waker::from(Arc::new(DropPanics));
        let block = vec![0; 1 << 16];
        while two.poll_write_with(&mut Context::from_waker(&waker), |mut io| io.write(&block)).is_ready() {}
        drop(waker);
        let dropper = Arc::new(Drops(std::sync::Mutex::new(None)));
        let mut wait = pin!(read(&one, 8));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&Waker::from(dropper.clone()))).is_pending());
        *dropper.0.lock().unwrap() = Some(two);
        // Both are told of at once, in this order.
        to_one.write_all(b"x").unwrap();
        to_two.write_all(b"x").unwrap();
        aio_timer::sleep(std::time::Duration::from_millis(1)).await;
        assert!(dropper.0.lock().unwrap().is_none());
        assert_eq!(wait.await.unwrap(), b"x");
    });
}

#[test]
fn the_traits_of_futures_io_are_there() {
    run(async {
        let (mut here, mut there) = pair();
        let n = poll_fn(|cx| Pin::new(&mut here).poll_write(cx, b"abc")).await.unwrap();
        poll_fn(|cx| Pin::new(&mut here).poll_flush(cx)).await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(there.read(&mut buffer).unwrap(), n);
        there.write_all(&buffer[..n]).unwrap();
        let n = poll_fn(|cx| Pin::new(&mut &here).poll_read(cx, &mut buffer)).await.unwrap();
        assert_eq!(&buffer[..n], b"abc");
    });
}

#[test]
fn a_loop_that_uses_no_descriptor_has_none() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or(0);
    run(async {
        let before = descriptors();
        aio_timer::sleep(std::time::Duration::from_millis(1)).await;
        assert_eq!(descriptors(), before);
    });
}

/// A task keeps the thread of the worker to which a descriptor is bound: its events are told all the same, and whoever
/// waits for it next does so elsewhere.
#[test]
fn a_descriptor_whose_worker_is_kept_busy_is_served_by_another() {
    const ROUND_TRIPS: usize = 1_000;
    leak_check(|| {
        let driver = || Timers::new(Reactor::new(ThreadPark::new()));
        EventLoop::with_workers(2, driver).run(async {
            let (here, mut there) = pair();
            // Bound to this worker.
            assert!(poll_once(pin!(read(&here, 1)), &Arc::default()).is_pending());
            let echo = spawn(async move {
                loop {
                    let bytes = read(&here, 8).await.unwrap();
                    if bytes.is_empty() {
                        return;
                    }
                    here.write_with(|mut io| io.write_all(&bytes)).await.unwrap();
                }
            });
            aio_timer::sleep(std::time::Duration::from_millis(1)).await;
            // The thread stands still until the peer has had all its answers.
            there.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
            for i in 0..ROUND_TRIPS {
                let mut answer = [0; 8];
                there.write_all(&i.to_ne_bytes()).unwrap();
                there.read_exact(&mut answer).expect("an answer in time");
                assert_eq!(answer, i.to_ne_bytes());
            }
            drop(there);
            echo.await;
        });
    });
}
