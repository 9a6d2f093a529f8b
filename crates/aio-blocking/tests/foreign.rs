//! Under executors that are not ours, `to_thread` uses the pool of the process.
#![cfg(not(aio_loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use aio_base::live::leak_check;
use aio_blocking::to_thread;

/// Sixteen jobs at once, a cancelled one among them, and a panic.
async fn work() {
    let mut jobs: Vec<_> = (0..16).map(|n| Box::pin(to_thread(move || n))).collect();
    for job in &mut jobs {
        assert!(futures_lite::future::poll_once(job.as_mut()).await.is_none());
    }
    drop(jobs.remove(3));
    let mut sum = 0;
    for job in jobs {
        sum += job.await;
    }
    assert_eq!(sum, (0..16).sum::<i32>() - 3);
}

#[test]
fn it_works_under_tokio() {
    leak_check(|| {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        threads.block_on(async {
            tokio::spawn(work()).await.unwrap();
            let panic = tokio::spawn(to_thread(|| panic!("bang"))).await.unwrap_err();
            assert_eq!(panic.into_panic().downcast_ref::<&str>(), Some(&"bang"));
        });
        let one_thread = tokio::runtime::Builder::new_current_thread().build().unwrap();
        one_thread.block_on(work());
    });
}

#[test]
fn it_works_under_smol() {
    leak_check(|| {
        smol::block_on(work());
        smol::block_on(smol::spawn(work()));
        let panic = catch_unwind(AssertUnwindSafe(|| smol::block_on(to_thread(|| panic!("bang"))))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"bang"));
    });
}
