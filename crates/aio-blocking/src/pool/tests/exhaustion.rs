//! The system has only so many threads.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use aio_base::live::leak_check;
use futures_lite::future::block_on;

use crate::{Pool, PoolConfig};

/// How many threads may still be started. (Tests run one at a time, in `leak_check`.)
static THREADS_LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

pub(in crate::pool) fn allow_thread() -> io::Result<()> {
    let left = THREADS_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    left.map(drop).map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))
}

fn with_threads(n: usize, test: impl FnOnce()) {
    leak_check(|| {
        THREADS_LEFT.store(n, Ordering::Relaxed);
        let result = catch_unwind(AssertUnwindSafe(test));
        THREADS_LEFT.store(usize::MAX, Ordering::Relaxed);
        result.unwrap();
    });
}

#[test]
fn without_any_thread_the_awaiter_is_told_and_the_closure_is_dropped() {
    with_threads(0, || {
        let pool = Pool::new(PoolConfig::new());
        let held = std::sync::Arc::new(());
        let theirs = held.clone();
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(pool.run(move || drop(theirs))))).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.starts_with("to_thread: failed to start a thread for the job"), "{message}");
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        // The pool is as good as before once there are threads again.
        THREADS_LEFT.store(1, Ordering::Relaxed);
        assert_eq!(block_on(pool.run(|| 1)), 1);
    });
}

#[test]
fn one_thread_does_all_jobs_if_no_other_can_be_had() {
    with_threads(1, || {
        let pool = Pool::new(PoolConfig::new().max_threads(4));
        let running = std::sync::Arc::new(Barrier::new(2));
        let theirs = running.clone();
        let mut first = pin!(pool.run(move || theirs.wait()));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let mut rest: Vec<_> = (0..10).map(|n| Box::pin(pool.run(move || n))).collect();
        for job in &mut rest {
            assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Pending);
        }
        running.wait();
        block_on(async {
            first.await;
            for (n, job) in rest.into_iter().enumerate() {
                assert_eq!(job.await, n);
            }
        });
    });
}
