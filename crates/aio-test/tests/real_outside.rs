//! Virtual time, and what goes on outside of the loop: sockets, threads, other processes.

use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aio_core::{local, outside, yield_now};
use aio_test::{Faults, Test, elapsed};
use aio_timer::{sleep, timeout};

const HOUR: Duration = Duration::from_secs(3600);

#[cfg(unix)]
mod sockets {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use aio_reactor::Async;

    use super::*;

    #[test]
    fn while_a_socket_brings_something_no_time_passes() {
        Test::new("socket").run(async || {
            let (here, there) = UnixStream::pair().unwrap();
            let (here, there) = (Async::new(here).unwrap(), Async::new(there).unwrap());
            // Each of the two waits for what the kernel has from the other one. An hour would be over at once, if the
            // clock did not look there first.
            let answers = local::spawn(async move {
                for _ in 0..100 {
                    assert_eq!(timeout(HOUR, read_one(&there)).await, Ok(Some(b'x')));
                    (&mut there.get_ref()).write_all(b"y").unwrap();
                }
            });
            for _ in 0..100 {
                (&mut here.get_ref()).write_all(b"x").unwrap();
                assert_eq!(timeout(HOUR, read_one(&here)).await, Ok(Some(b'y')));
            }
            answers.await;
            assert_eq!((timeout(HOUR, read_one(&here)).await, elapsed()), (Ok(None), Duration::ZERO));
        });
    }

    /// A byte; `None` at the end.
    async fn read_one(stream: &Async<UnixStream>) -> Option<u8> {
        let mut buffer = [0];
        let n = stream.read_with(|mut io| io.read(&mut buffer)).await.unwrap();
        (n > 0).then_some(buffer[0])
    }

    #[test]
    fn a_socket_that_brings_nothing_does_not_keep_the_clock() {
        Test::new("silence").run(async || {
            let (here, _there) = UnixStream::pair().unwrap();
            let here = Async::new(here).unwrap();
            let readable = local::spawn(async move { here.readable().await });
            sleep(HOUR).await;
            assert_eq!(elapsed(), HOUR);
            drop(readable);
        });
    }
}

#[test]
fn what_a_thread_of_ones_own_does_is_waited_for_where_it_is_told() {
    Test::new("thread").run(async || {
        let (sender, receiver) = mpsc::channel();
        let waiting = local::spawn(async move {
            let mut sent = false;
            std::future::poll_fn(move |cx| {
                if let Ok(outcome) = receiver.try_recv() {
                    return std::task::Poll::Ready(outcome);
                }
                if !std::mem::replace(&mut sent, true) {
                    let (waker, outside, sender) = (cx.waker().clone(), outside(), sender.clone());
                    thread::spawn(move || {
                        // clock: so that a loop that does not wait would be far ahead
                        thread::sleep(Duration::from_millis(20));
                        sender.send(42).unwrap();
                        waker.wake();
                        drop(outside);
                    });
                }
                std::task::Poll::Pending
            })
            .await
        });
        assert_eq!(timeout(HOUR, waiting).await, Ok(42));
        assert_eq!(elapsed(), Duration::ZERO);
    });
}

/// A program with something of everything, and its log under a seed.
fn log(seed: u64) -> String {
    let test = Test::new("log").seed(seed).faults(Faults::all());
    let passed = test.try_run(async || {
        let tasks = [3, 1, 2].map(|ms| {
            local::spawn(async move {
                for _ in 0..3 {
                    sleep(Duration::from_millis(ms)).await;
                    yield_now().await;
                }
                aio_test::note(format_args!("{ms} has slept; {:x}", aio_test::random_seed()));
            })
        });
        for task in tasks {
            task.await;
        }
    });
    passed.unwrap().log
}

/// Tells the process that it is the child, and which seed to log.
const CHILD: &str = "AIO_TEST_CHILD";

/// This test binary, to run one of its tests.
fn child(test: &str, what: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, what);
    command
}

#[test]
fn a_seed_gives_the_same_log_in_another_process() {
    let name = "a_seed_gives_the_same_log_in_another_process";
    if let Some(seed) = std::env::var(CHILD).ok().and_then(|seed| seed.parse().ok()) {
        print!("<<<{}>>>", log(seed));
        return;
    }
    for seed in 1..6 {
        let output = child(name, &seed.to_string()).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let (_, rest) = output.split_once("<<<").unwrap_or_else(|| panic!("no log in: {output}"));
        let (theirs, _) = rest.split_once(">>>").unwrap();
        assert_eq!(theirs, log(seed), "under seed {seed}");
        assert!(theirs.lines().count() > 20);
    }
}

#[test]
fn a_thread_that_does_not_come_back_ends_the_process() {
    let name = "a_thread_that_does_not_come_back_ends_the_process";
    if std::env::var_os(CHILD).is_some() {
        Test::new("stuck").timeout(Duration::from_millis(50)).run(async || {
            local::spawn(async {
                while elapsed() < HOUR {
                    thread::park();
                }
            })
            .await;
        });
        return;
    }
    let output = child(name, "yes").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("`stuck` (seed 1) is over its time") && said.contains("task 2 (spawned at"), "{said}");
}

#[test]
fn the_environment_chooses_the_seed_of_a_test() {
    let name = "the_environment_chooses_the_seed_of_a_test";
    if std::env::var_os(CHILD).is_some() {
        Test::new(name).run(async || println!("<{}>", aio_test::random_seed()));
        return;
    }
    let seeds = |pairs: &[(&str, &str)]| {
        let output = child(name, "yes").envs(pairs.iter().copied()).output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        output.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    let one = seeds(&[("AIO_SEED", "7")]);
    assert_eq!(one.len(), 1);
    let three = seeds(&[("AIO_SEED", "6"), ("AIO_SCHEDULES", "3")]);
    assert_eq!(three.len(), 3);
    assert_eq!(three[1], one[0]);
    assert_eq!(seeds(&[]).len(), 1);
}
