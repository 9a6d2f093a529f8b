//! Everything that does not need a loop of `aio` works under tokio and under smol.
#![cfg(not(aio_loom))]

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aio::{Event, Lock, StreamExt, TaskGroup, defer, gather, generate, sleep, timeout, to_thread};

/// One program that uses all of it; spawned as a task of the executor, so it must be `Send`.
async fn program() -> Vec<String> {
    let log = Arc::new(Lock::new(Vec::new()));
    let ready = Event::new();

    let text = String::from("borrowed");
    let group = TaskGroup::new();
    group
        .join(async {
            drop(group.spawn_scoped(async {
                ready.wait().await;
                log.lock().await.push(format!("{text} in place"));
            }));
            drop(group.spawn_scoped(async {
                sleep(Duration::from_millis(2)).await;
                log.lock().await.push("slept".to_owned());
                ready.set();
            }));
        })
        .await;

    let (a, b) = gather((to_thread(|| 20), async { 1 })).await;
    log.lock().await.push(format!("threads {}", a + b));

    let cleaned = log.clone();
    let cut = timeout(Duration::from_millis(2), async {
        let _guard = defer(cleaned, async |log| {
            sleep(Duration::from_millis(1)).await;
            log.lock().await.push("cleaned up".to_owned());
        });
        std::future::pending::<()>().await;
    });
    assert!(cut.await.is_err());

    let mut numbers = pin!(generate(async |out| {
        for i in 0..3 {
            sleep(Duration::from_millis(1)).await;
            out.emit(i).await;
        }
    }));
    while let Some(i) = numbers.next().await {
        log.lock().await.push(format!("item {i}"));
    }
    let log = log.lock().await;
    log.clone()
}

const EXPECTED: [&str; 7] = ["slept", "borrowed in place", "threads 21", "cleaned up", "item 0", "item 1", "item 2"];

#[test]
fn under_tokio_with_one_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let log = runtime.block_on(async { tokio::spawn(program()).await.unwrap() });
    assert_eq!(log, EXPECTED);
}

#[test]
fn under_tokio_with_workers() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let log = runtime.block_on(async { tokio::spawn(program()).await.unwrap() });
    assert_eq!(log, EXPECTED);
}

#[test]
fn under_smol() {
    let log = smol::block_on(async { smol::spawn(program()).await });
    assert_eq!(log, EXPECTED);
}

#[test]
fn under_block_on() {
    assert_eq!(aio::block_on(program()), EXPECTED);
}

#[test]
fn under_a_loop_of_our_own() {
    let log = aio::run(async { aio::spawn(program()).await });
    assert_eq!(log, EXPECTED);
}
