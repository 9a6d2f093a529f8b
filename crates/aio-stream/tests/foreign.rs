//! Streams under executors that are not ours.
#![cfg(not(aio_loom))]

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use aio_stream::{StreamExt, generate};
use futures_lite::future::yield_now;

async fn work() {
    let mut numbers = pin!(generate(async |out| {
        for n in 0..10 {
            yield_now().await;
            out.emit(n).await;
        }
    }));
    let first: Vec<_> = numbers.as_mut().take(3).collect().await;
    assert_eq!(first, [0, 1, 2]);
    let sum = AtomicUsize::new(0);
    numbers
        .map(|n| n * 2)
        .for_each(async |n| {
            yield_now().await;
            sum.fetch_add(n, Ordering::Relaxed);
        })
        .await;
    assert_eq!(sum.into_inner(), 84);
}

#[test]
fn they_work_under_tokio() {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    threads.block_on(async { tokio::spawn(work()).await.unwrap() });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work());
}

#[test]
fn they_work_under_smol() {
    smol::block_on(work());
    smol::block_on(smol::spawn(work()));
}
