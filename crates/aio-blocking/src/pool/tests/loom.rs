//! Models of what happens between a pool, its threads and its awaiters.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::sync::{Arc, Condvar, Mutex};
use aio_base::thread;
use loom::future::block_on;
use loom::model;

use crate::{Pool, PoolConfig};

fn pool(max_threads: usize) -> Pool {
    Pool::new(PoolConfig::new().max_threads(max_threads))
}

/// Not all orders, but all with at most so many preemptions.
fn bounded(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Threads of this pool may end whenever they are idle.
fn impatient_pool(max_threads: usize) -> Pool {
    Pool::new(PoolConfig::new().max_threads(max_threads).idle_timeout(Duration::ZERO))
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Counts how often a closure was dropped, run or not.
struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The second job comes while the thread falls asleep after the first: a lost call would leave the model blocked.
#[test]
fn a_job_submitted_to_a_thread_that_falls_asleep_is_done() {
    model(|| {
        let pool = pool(1);
        assert_eq!(block_on(pool.run(|| 1)), 1);
        assert_eq!(block_on(pool.run(|| 2)), 2);
    });
}

/// The second job comes while the thread ends for having been idle.
#[test]
fn a_job_submitted_to_a_thread_that_ends_is_done() {
    bounded(3, || {
        let pool = impatient_pool(1);
        assert_eq!(block_on(pool.run(|| 1)), 1);
        assert_eq!(block_on(pool.run(|| 2)), 2);
    });
}

/// Two jobs that can only end together, submitted.
fn meeting_jobs(pool: &Pool) -> [crate::ToThread<()>; 2] {
    let meeting = Arc::new((Mutex::new(0), Condvar::new()));
    let mut jobs = [(); 2].map(|()| {
        let meeting = meeting.clone();
        pool.run(move || {
            let (arrived, all_here) = &*meeting;
            let mut arrived = arrived.lock();
            *arrived += 1;
            all_here.notify_all();
            while *arrived < 2 {
                arrived = all_here.wait(arrived);
            }
        })
    });
    for job in &mut jobs {
        assert!(poll(job).is_pending());
    }
    jobs
}

/// Two jobs that can only end together, and only one call is made for both: the thread that comes must call another.
#[test]
fn jobs_that_block_bring_in_further_threads() {
    bounded(2, || {
        let pool = pool(2);
        let jobs = meeting_jobs(&pool);
        for job in jobs {
            block_on(job);
        }
    });
}

/// Two threads submit to one thread of the pool.
#[test]
fn jobs_from_two_threads_are_done() {
    bounded(2, || {
        let pool = pool(1);
        let theirs = pool.run(|| 1);
        let other = thread::spawn("", || block_on(theirs)).unwrap();
        assert_eq!(block_on(pool.run(|| 2)), 2);
        assert_eq!(other.join().unwrap(), 1);
    });
}

/// The awaiter is dropped while a thread comes for the job, runs it, or completes it: the closure is dropped once, and
/// so is the result, if there is one.
#[test]
fn a_dropped_job_either_runs_or_does_not() {
    model(|| {
        let pool = pool(1);
        let (closures, results) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (closure, result) = (CountDrop(closures.clone()), CountDrop(results.clone()));
        let ran = Arc::new(AtomicUsize::new(0));
        let theirs = ran.clone();
        let mut job = pool.run(move || {
            let _closure = closure;
            theirs.fetch_add(1, Ordering::Relaxed);
            result
        });
        assert!(poll(&mut job).is_pending());
        drop(job);
        drop(pool);
        assert_eq!(closures.load(Ordering::Relaxed), 1);
        assert_eq!(results.load(Ordering::Relaxed), 1);
        assert!(ran.load(Ordering::Relaxed) <= 1);
    });
}

/// The thread comes in vain, hence naps, looks and falls asleep, while the second job comes.
#[test]
fn a_job_submitted_to_a_thread_that_naps_is_done() {
    bounded(3, || {
        let pool = pool(1);
        let mut cancelled = pool.run(|| 1);
        assert!(poll(&mut cancelled).is_pending());
        drop(cancelled);
        assert_eq!(block_on(pool.run(|| 2)), 2);
    });
}

/// The same, with jobs that can only end together: if one thread naps while the other has the first of them, it looks
/// after the second.
#[test]
fn jobs_that_block_bring_in_a_thread_that_naps() {
    bounded(1, || {
        let pool = pool(2);
        let mut cancelled = pool.run(|| ());
        assert!(poll(&mut cancelled).is_pending());
        drop(cancelled);
        let jobs = meeting_jobs(&pool);
        for job in jobs {
            block_on(job);
        }
    });
}

/// A job is cancelled while another waits behind it: the call made for the first serves the second.
#[test]
fn a_job_behind_a_cancelled_one_is_done() {
    model(|| {
        let pool = pool(1);
        let mut cancelled = pool.run(|| ());
        assert!(poll(&mut cancelled).is_pending());
        let mut job = pool.run(|| 2);
        assert!(poll(&mut job).is_pending());
        drop(cancelled);
        assert_eq!(block_on(job), 2);
    });
}

/// The awaiter changes its waker while the job completes: the last waker is woken, or the poll sees the result.
#[test]
fn a_result_that_comes_during_a_poll_is_not_missed() {
    model(|| {
        let pool = pool(1);
        let mut job = pool.run(|| 1);
        assert!(poll(&mut job).is_pending());
        assert_eq!(block_on(job), 1);
    });
}

/// A job is submitted while the pool is dropped: it has run when the pool is gone, or its awaiter is told; nobody waits
/// for ever.
#[test]
fn a_job_submitted_during_the_shutdown_runs_or_is_refused() {
    model(|| {
        let pool = pool(1);
        let (closures, is_gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (closure, is_pool_gone) = (CountDrop(closures.clone()), is_gone.clone());
        let mut job = pool.run(move || {
            let _closure = closure;
            is_pool_gone.load(Ordering::Acquire)
        });
        let other = thread::spawn("", || {
            block_on(std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| pin!(&mut job).poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(was_pool_gone)) => Poll::Ready(Some(was_pool_gone)),
                Err(_refused) => Poll::Ready(None),
            }))
        });
        let other = other.unwrap();
        drop(pool);
        is_gone.store(1, Ordering::Release);
        assert_ne!(other.join().unwrap(), Some(1), "ran in a thread that was not joined");
        assert_eq!(closures.load(Ordering::Relaxed), 1);
    });
}
