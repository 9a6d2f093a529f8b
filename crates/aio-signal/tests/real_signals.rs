//! Signals that this process sends to itself.
#![cfg(all(unix, not(aio_loom)))]

mod support;

use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream};
use aio_signal::{Signal, Signals, signals};
use aio_stream::StreamExt;

use support::{check, run, run_on_loop, send};

/// Polls once, and drops the future.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Polls `recv` until it has nothing to tell any more.
fn told_now(signals: &mut Signals) -> Vec<Signal> {
    std::iter::from_fn(|| poll_once(signals.recv()).map(Result::unwrap)).collect()
}

#[test]
fn every_stream_of_a_signal_hears_it() {
    run(async {
        let mut first = signals([Signal::USER_1]).unwrap();
        let mut second = signals([Signal::USER_2, Signal::USER_1]).unwrap();
        send(Signal::USER_1);
        assert_eq!(first.recv().await.unwrap(), Signal::USER_1);
        assert_eq!(second.next().await.unwrap().unwrap(), Signal::USER_1);
        drop(first);
        send(Signal::USER_1);
        assert_eq!(second.recv().await.unwrap(), Signal::USER_1);
        send(Signal::USER_2);
        assert_eq!(second.recv().await.unwrap(), Signal::USER_2);
        assert_eq!(told_now(&mut second), []);
    });
}

#[test]
fn several_of_one_kind_are_one_and_none_of_different_kinds_is_lost() {
    run(async {
        let mut signals = signals([Signal::USER_1, Signal::USER_2, Signal::HANGUP, Signal::USER_1]).unwrap();
        for signal in [Signal::HANGUP, Signal::USER_1, Signal::USER_1, Signal::HANGUP, Signal::USER_2] {
            signal_hook::low_level::raise(signal.as_raw()).unwrap();
        }
        let mut told = told_now(&mut signals);
        told.sort_unstable();
        let mut kinds = [Signal::HANGUP, Signal::USER_1, Signal::USER_2];
        kinds.sort_unstable();
        assert_eq!(told, kinds);
    });
}

#[test]
fn a_signal_that_comes_all_the_time_hides_no_other() {
    run(async {
        let mut signals = signals([Signal::HANGUP, Signal::USER_1]).unwrap();
        let raise = |signal: Signal| signal_hook::low_level::raise(signal.as_raw()).unwrap();
        raise(Signal::HANGUP);
        raise(Signal::USER_1);
        let mut told = Vec::new();
        for _ in 0..4 {
            let signal = signals.recv().await.unwrap();
            raise(signal);
            told.push(signal);
        }
        told[..2].sort_unstable();
        told[2..].sort_unstable();
        assert_eq!(told, [Signal::HANGUP, Signal::USER_1, Signal::HANGUP, Signal::USER_1]);
    });
}

#[test]
fn a_cancelled_recv_loses_no_signal() {
    run(async {
        let mut signals = signals([Signal::USER_1]).unwrap();
        for round in 0..100 {
            // Cancelled before the signal, and after it has woken it; and one that was never polled.
            let mut recv = Box::pin(signals.recv());
            assert!(poll_once(recv.as_mut()).is_none(), "round {round}");
            send(Signal::USER_1);
            if round % 2 == 0 {
                aio_core::yield_now().await;
            }
            drop(recv);
            drop(signals.recv());
            assert_eq!(signals.recv().await.unwrap(), Signal::USER_1);
        }
    });
}

#[test]
fn what_cannot_be_taken_is_an_error_that_names_it() {
    let cases = [
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGSTOP, "SIGSTOP"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGFPE, "SIGFPE"),
        (0, "signal 0"),
        (-1, "signal -1"),
        (4000, "signal 4000"),
    ];
    run(async {
        for (number, name) in cases {
            let error = signals([Signal::USER_1, Signal::from_raw(number)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().starts_with(&format!("failed to take {name}: ")), "{error}");
        }
    });
}

#[test]
fn a_stream_of_no_signals_waits() {
    run(async { assert_eq!(told_now(&mut signals([]).unwrap()), []) });
}

/// Two kinds come in their thousands; each single one of the third is heard, and the last of every kind.
#[test]
fn none_is_lost_under_a_storm() {
    const ROUNDS: u64 = 5000;
    check(|| {
        let mut stream = signals([Signal::HANGUP, Signal::USER_1, Signal::USER_2]).unwrap();
        let calm = AtomicBool::new(false);
        let (answer, answers) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !calm.load(Ordering::Relaxed) {
                    send(Signal::USER_1);
                    send(Signal::USER_2);
                }
            });
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    send(Signal::HANGUP);
                    // No answer: the assertions of the other side have failed.
                    let Ok(()) = answers.recv() else { return };
                }
            });
            let _calm = Calm(&calm);
            run_on_loop(async {
                let mut others = [0, 0];
                for _ in 0..ROUNDS {
                    loop {
                        match stream.recv().await.unwrap() {
                            Signal::HANGUP => break,
                            Signal::USER_1 => others[0] += 1,
                            _ => others[1] += 1,
                        }
                    }
                    answer.send(()).unwrap();
                }
                assert!(others.iter().all(|&n| n > 0), "{others:?}");
            });
        });
        run_on_loop(async {
            for signal in [Signal::USER_1, Signal::USER_2] {
                // What is left of the storm may still be underway.
                send(signal);
                while stream.recv().await.unwrap() != signal {}
            }
        });
    });
}

/// Ends a storm, also when a test panics.
struct Calm<'a>(&'a AtomicBool);

impl Drop for Calm<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn loops_in_several_threads_hear_and_a_stream_moves_on_when_its_loop_ends() {
    check(|| {
        let mut streams: Vec<_> = (0..4).map(|_| signals([Signal::USER_1]).unwrap()).collect();
        for _ in 0..3 {
            let (begun, all_begun) = mpsc::channel();
            thread::scope(|scope| {
                for stream in &mut streams {
                    let begun = begun.clone();
                    scope.spawn(move || {
                        run_on_loop(async {
                            // It is registered with this loop, which ends with the block.
                            assert!(poll_once(stream.recv()).is_none());
                            begun.send(()).unwrap();
                            assert_eq!(stream.recv().await.unwrap(), Signal::USER_1);
                        });
                    });
                }
                for _ in 0..4 {
                    all_begun.recv().unwrap();
                }
                send(Signal::USER_1);
            });
        }
    });
}

/// The thread that reads and writes is interrupted all the time, in every system call.
#[test]
fn a_transfer_in_a_storm_of_signals_loses_no_byte() {
    const LEN: usize = 8 << 20;
    fn byte(place: usize) -> u8 {
        (place as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]
    }
    check(|| {
        let mut stream = signals([Signal::USER_1]).unwrap();
        let calm = AtomicBool::new(false);
        // SAFETY: it asks for nothing.
        let target = unsafe { libc::pthread_self() };
        thread::scope(|scope| {
            let storm = scope.spawn(|| {
                let mut sent = 0_u64;
                while !calm.load(Ordering::Relaxed) {
                    // SAFETY: that thread is alive: it waits for this one.
                    assert_eq!(unsafe { libc::pthread_kill(target, Signal::USER_1.as_raw()) }, 0);
                    sent += 1;
                }
                sent
            });
            let ends = Calm(&calm);
            run_on_loop(async {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let writer = async {
                    let mut writer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
                    let data: Vec<u8> = (0..LEN).map(byte).collect();
                    writer.write_all(&data).await.unwrap();
                    writer.close().await.unwrap();
                };
                let reader = async {
                    let (mut reader, _) = listener.accept().await.unwrap();
                    let mut data = Vec::new();
                    reader.read_to_end(&mut data).await.unwrap();
                    assert_eq!(data.len(), LEN);
                    assert!(data.iter().enumerate().all(|(place, &found)| found == byte(place)));
                };
                aio_group::gather((writer, reader)).await;
            });
            drop(ends);
            let sent = storm.join().unwrap();
            assert!(sent > 100, "{sent}");
        });
        assert_eq!(run_on_loop(stream.recv()).unwrap(), Signal::USER_1);
    });
}

/// Each thread sends only when its own stream is there, so it must hear of it, whatever the others do meanwhile.
#[test]
fn a_new_stream_hears_at_once_while_others_come_and_go() {
    check(|| {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        // By default nothing happens, so that there may be no stream at times.
                        let mut stream = signals([Signal::WINDOW_CHANGE]).unwrap();
                        send(Signal::WINDOW_CHANGE);
                        assert_eq!(run_on_loop(stream.recv()).unwrap(), Signal::WINDOW_CHANGE);
                    }
                });
            }
        });
    });
}
