//! The combinators under executors that are not ours.
#![cfg(not(aio_loom))]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::Task;
use aio_group::{Until, as_completed, first_ok, gather, race, try_gather, wait};
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

/// The losers' cleanups await, and have ended when the winner is there.
async fn race_all(nap: impl AsyncFn()) {
    for n in [2, 1000] {
        let cleaned = Arc::new(AtomicUsize::new(0));
        let child = async |index: usize| {
            let cleaned = cleaned.clone();
            let _cleanup = aio_core::defer((), async move |()| {
                yield_now().await;
                cleaned.fetch_add(1, Ordering::Relaxed);
            });
            if index != 1 {
                pending::<()>().await;
            }
            nap().await;
            index
        };
        assert_eq!(race((0..n).map(child).collect::<Vec<_>>()).await, 1);
        assert_eq!(cleaned.load(Ordering::Relaxed), n);
    }
    let fail = async |n: usize| {
        nap().await;
        if n == 2 { Ok(n) } else { Err(n) }
    };
    assert_eq!(first_ok((fail(0), fail(1), fail(2))).await, Ok(2));
    assert_eq!(first_ok([fail(0), fail(1)]).await, Err([0, 1]));
}

/// Those that wait for `nap` come after those that do not.
async fn complete_all(nap: impl AsyncFn()) {
    let child = async |n: usize| {
        if n.is_multiple_of(3) {
            nap().await;
        }
        n
    };
    let (mut outputs, mut seen) = (as_completed((0..1000).map(child)), vec![]);
    while let Some(output) = outputs.next().await {
        seen.push(output);
    }
    assert!(seen[..666].iter().copied().eq((0..1000).filter(|n: &usize| !n.is_multiple_of(3))));
    seen.sort_unstable();
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
}

/// The tasks are those of a loop of ours on another thread, which goes on until they have been waited for.
async fn wait_for_all() {
    let (send, receive) = std::sync::mpsc::channel();
    let (over, end) = std::sync::mpsc::channel::<()>();
    let home = std::thread::spawn(move || {
        aio_core::run(async {
            let child = async |n: usize| {
                for _ in 0..n {
                    yield_now().await;
                }
                n
            };
            let mut tasks: Vec<Task<usize>> = (0..50).map(|n| aio_core::spawn(async move { child(n).await })).collect();
            tasks.push(aio_core::spawn(pending()));
            send.send(tasks).unwrap();
            while end.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                yield_now().await;
            }
        });
    });
    let mut tasks = receive.recv().unwrap();
    let mut sum = 0;
    while tasks.len() > 1 {
        for task in wait(&mut tasks, Until::FirstCompleted).await {
            sum += task.await;
        }
    }
    assert_eq!(sum, (0..50).sum());
    // The last one does not end; a thread of the process has the time.
    assert!(wait(&mut tasks, Until::FirstCompleted).timeout(Duration::from_millis(1)).await.is_empty());
    assert_eq!(tasks.len(), 1);
    tasks.pop().unwrap().cancel();
    drop(over);
    home.join().unwrap();
}

async fn tokio_nap() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn smol_nap() {
    smol::Timer::after(Duration::from_millis(1)).await;
}

#[test]
fn they_work_under_tokio() {
    leak_check(|| {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            gather_all(tokio_nap).await;
            fail_one(tokio_nap).await;
            race_all(tokio_nap).await;
            complete_all(tokio_nap).await;
            wait_for_all().await;
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
            let all = tokio::spawn(async move {
                let (mut outputs, mut sum) = (as_completed((0..1000).map(child)), 0);
                while let Some(output) = outputs.next().await {
                    sum += output;
                }
                sum
            });
            assert_eq!(all.await.unwrap(), (0..1000).sum());
            let first = tokio::spawn(async move { race((0..1000).map(child).collect::<Vec<_>>()).await });
            assert!(first.await.unwrap() < 1000);
        });
    });
}

#[test]
fn they_work_under_smol() {
    leak_check(|| {
        smol::block_on(async {
            gather_all(smol_nap).await;
            fail_one(smol_nap).await;
            race_all(smol_nap).await;
            complete_all(smol_nap).await;
            wait_for_all().await;
        });
    });
}
