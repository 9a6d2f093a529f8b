//! `gather` and `try_gather` under executors that are not ours.
#![cfg(not(aio_loom))]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_group::{gather, try_gather};
use futures_lite::future::yield_now;

/// Few and many children, some of which wait for `nap`.
async fn gather_all(nap: impl AsyncFn()) {
    let child = async |n: usize| {
        match n % 3 {
            0 => yield_now().await,
            1 => nap().await,
            _ => {}
        }
        n
    };
    assert_eq!(gather((child(0), child(1), child(2))).await, (0, 1, 2));
    assert_eq!(gather([child(0), child(1), child(2)]).await, [0, 1, 2]);
    assert_eq!(gather((0..1000).map(child).collect::<Vec<_>>()).await, (0..1000).collect::<Vec<_>>());
}

/// The sibling's cleanup awaits, and has ended when the error is there.
async fn fail_one(nap: impl AsyncFn()) {
    let cleaned = Arc::new(AtomicUsize::new(0));
    let stay = async {
        let cleaned = cleaned.clone();
        let _cleanup = aio_core::defer((), async move |()| {
            yield_now().await;
            cleaned.fetch_add(1, Ordering::Relaxed);
        });
        pending::<Result<(), &str>>().await
    };
    let fail = async {
        nap().await;
        Err::<(), _>("failed")
    };
    assert_eq!(try_gather((stay, fail)).await, Err("failed"));
    assert_eq!(cleaned.load(Ordering::Relaxed), 1);
}

async fn tokio_nap() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn smol_nap() {
    smol::Timer::after(Duration::from_millis(1)).await;
}

#[test]
fn both_work_under_tokio() {
    leak_check(|| {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            gather_all(tokio_nap).await;
            fail_one(tokio_nap).await;
        });
    });
}

#[test]
fn children_of_many_threads_are_gathered_in_a_task_of_tokios_pool() {
    leak_check(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        runtime.block_on(async {
            // The children wait for tasks on other threads, and are woken from there.
            let child = async |n: usize| tokio::spawn(async move { n }).await.unwrap();
            let all = tokio::spawn(async move { gather((0..1000).map(child).collect::<Vec<_>>()).await });
            assert_eq!(all.await.unwrap(), (0..1000).collect::<Vec<_>>());
        });
    });
}

#[test]
fn both_work_under_smol() {
    leak_check(|| {
        smol::block_on(async {
            gather_all(smol_nap).await;
            fail_one(smol_nap).await;
        });
    });
}
