//! Streams under executors that are not ours.
#![cfg(not(aio_loom))]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aio_group::TaskGroup;
use aio_stream::{StreamExt, TryStreamExt, generate, iter, merge_all, once, pending, ticks};
use aio_timer::{interval, sleep};
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
    at_once().await;
    in_time().await;
}

/// Calls at a time, streams at a time, and futures in a group.
async fn at_once() {
    let double = async |n: u32| {
        yield_now().await;
        n * 2
    };
    assert_eq!(iter(0..4).map_concurrent(2, double).await, [0, 2, 4, 6]);
    let outcome = iter(0..4).map(Ok).try_for_each_concurrent(2, async |n| if n == 2 { Err(n) } else { Ok(()) });
    assert_eq!(outcome.await, Err(2));
    let slow = || iter(0..5).then(async |n| double(n).await);
    assert_eq!(merge_all([slow(), slow()]).fold(0, |sum, n| sum + n).await, 40);
    let group = TaskGroup::new();
    let outputs = group.join(async { iter(0..4).map(double).buffered_in(&group, 2).collect::<Vec<_>>().await });
    assert_eq!(outputs.await, [0, 2, 4, 6]);
    // A future that has been cancelled there ends there.
    let held = Arc::new(());
    group_left_half_way(held.clone()).await;
    assert_eq!(Arc::strong_count(&held), 1);
}

async fn group_left_half_way(held: Arc<()>) {
    let group = TaskGroup::new();
    group
        .join(async {
            let futures = iter(0..4).map(|n| {
                let held = held.clone();
                async move {
                    if n > 0 {
                        std::future::pending::<()>().await;
                    }
                    drop(held);
                }
            });
            let mut outputs = pin!(futures.buffer_unordered_in(&group, 3));
            assert_eq!(outputs.next().await, Some(()));
        })
        .await;
}

/// By a clock of the real world: nothing is asserted but the order.
async fn in_time() {
    let ms = Duration::from_millis(1);
    let mut silent = pin!(pending::<u8>().timeout(ms));
    assert!(silent.next().await.unwrap().is_err());
    assert_eq!(iter(0..3).throttle(ms).collect::<Vec<_>>().await, [0, 1, 2]);
    assert_eq!(iter(0..3).chain(once(sleep(5 * ms)).map(|()| 3)).debounce(ms).collect::<Vec<_>>().await, [2, 3]);
    let portions = iter(0..3).chain(pending()).chunks_timeout(8, ms).take(1).collect::<Vec<_>>();
    assert_eq!(portions.await, [[0, 1, 2]]);
    // It never waits, and comes to its time.
    let portion = iter(0_u64..).chunks_timeout(usize::MAX, ms).take(1).map(|items| items.len()).collect::<Vec<_>>();
    assert!(portion.await[0] > 1);
    assert_eq!(ticks(interval(ms)).take(2).count().await, 2);
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

/// And with the adapters of others, in both directions.
#[test]
fn they_go_with_the_adapters_of_futures() {
    use futures::StreamExt as Theirs;
    let ours = generate(async |out| {
        for n in 0..4 {
            out.emit(n).await;
        }
    });
    let theirs = Theirs::filter(ours, |n| std::future::ready(n % 2 == 1));
    let ours = StreamExt::enumerate(theirs);
    assert_eq!(futures_lite::future::block_on(StreamExt::collect::<Vec<_>>(ours)), [(0, 1), (1, 3)]);
}
