//! The same seed does the same, whatever goes on beside it: on other threads, and in another process.
#![cfg(not(aio_loom))]

use std::process::Command;
use std::rc::Rc;
use std::sync::Arc; // facade: shared data without a protocol
use std::sync::atomic::{AtomicBool, Ordering}; // facade: threads that only make noise
use std::thread; // facade: as above
use std::time::Duration;

use aio_blocking::to_thread;
use aio_core::{local, spawn, yield_now};
use aio_group::{TaskGroup, race};
use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream};
use aio_sync::{Lock, Queue};
use aio_test::net::Net;
use aio_test::{EventLog, Faults, Strategy, Test, log, random_seed};
use aio_timer::{interval, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// A bit of everything.
async fn everything() -> Vec<String> {
    let log = EventLog::new();
    let net = Net::new().latency(MS..=20 * MS).loss(0.1).logged();
    let (server, client) = (net.host("server"), net.host("client"));
    let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let serving = server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut question = [0; 8];
        stream.read_exact(&mut question).await.unwrap();
        stream.write_all(&question).await.unwrap();
    });
    let asking = client.spawn({
        let log = log.clone();
        async move {
            let mut stream = TcpStream::connect("server:80").await.unwrap();
            stream.write_all(&random_seed().to_le_bytes()).await.unwrap();
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).await.unwrap();
            log!(log, "answer {answer:?}");
        }
    });

    let queue = Arc::new(Queue::bounded(2));
    let total = Rc::new(Lock::new(0));
    let takers = [1, 2, 3].map(|i| {
        let (queue, total, log) = (queue.clone(), total.clone(), log.clone());
        local::spawn(async move {
            while let Ok(item) = queue.get().await {
                let mut total = total.lock().await;
                yield_now().await;
                *total += item;
                log!(log, "{i} has {item}");
            }
        })
    });
    let group = TaskGroup::new();
    let join = group.join(async {
        for n in 0..6 {
            let queue = queue.clone();
            let child = group.spawn(async move {
                let n = to_thread(move || n + 1).await;
                sleep(n % 3 * MS).await;
                queue.put(n).await.unwrap();
            });
            child.detach();
        }
    });
    join.await;
    let mut ticks = interval(5 * MS);
    for n in 0..3 {
        ticks.tick().await;
        let slow = async {
            sleep(n * 3 * MS).await;
            "slow"
        };
        let quick = async {
            let _ = timeout(4 * MS, spawn(sleep(7 * MS))).await;
            "quick"
        };
        log!(log, "{}", race((slow, quick)).await);
    }
    queue.close();
    for taker in takers {
        taker.await;
    }
    asking.await;
    serving.await;
    log!(log, "{}", total.try_lock().unwrap());
    [log.take(), net.log()].concat()
}

fn texts() -> String {
    let mut text = String::new();
    for strategy in [Strategy::Fifo, Strategy::Uniform, Strategy::Pct { depth: 3 }] {
        for seed in 1..6 {
            let test = Test::new("everything").seed(seed).strategy(strategy).preemptive(true).faults(Faults::all());
            let passed = test.leaks(aio_test::Leaks::Allow).try_run(async || {
                let lines = everything().await;
                aio_test::note(lines.join("\n"));
            });
            text += &passed.unwrap_or_else(|failure| panic!("{failure}")).log;
        }
    }
    text
}

#[test]
fn the_same_seed_does_the_same_beside_noise_and_in_another_process() {
    let first = texts();
    if std::env::var_os("AIO_TELLS").is_some() {
        println!("{first}");
        return;
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    drop(texts());
                }
            });
        }
        let again: Vec<_> = (0..3).map(|_| scope.spawn(texts)).collect();
        let again: Vec<_> = again.into_iter().map(|thread| thread.join()).collect();
        let name = "the_same_seed_does_the_same_beside_noise_and_in_another_process";
        let mut command = Command::new(std::env::current_exe().unwrap());
        let other = command.args(["--exact", name, "--nocapture"]).env("AIO_TELLS", "1").output();
        is_over.store(true, Ordering::Relaxed);
        for text in again {
            assert_same(&text.unwrap(), &first);
        }
        let other = String::from_utf8(other.unwrap().stdout).unwrap();
        assert!(other.contains(&first), "another process does something else:\n{other}\n{first}");
    });
}

#[track_caller]
fn assert_same(one: &str, other: &str) {
    if let Some((one, other)) = one.lines().zip(other.lines()).find(|(one, other)| one != other) {
        panic!("it is not the same: {one} | {other}");
    }
    assert_eq!(one.len(), other.len());
}
