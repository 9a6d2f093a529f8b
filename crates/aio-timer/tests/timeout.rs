//! Timeouts.
#![cfg(not(aio_loom))]

mod common;

use std::cell::Cell;
use std::error::Error;
use std::future::{pending, poll_fn, ready};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_core::{block_on, defer, now, yield_now};
use aio_timer::{Elapsed, sleep, timeout, timeout_at};
use common::{MS, run};

#[test]
fn a_result_that_is_there_wins() {
    leak_check(|| {
        run(async {
            assert_eq!(timeout(Duration::ZERO, ready(1)).await, Ok(1));
            assert_eq!(timeout_at(now() - MS, ready(1)).await, Ok(1));
            assert_eq!(timeout(Duration::MAX, ready(1)).await, Ok(1));
            // Ready in the very poll in which the time is found to be over.
            let begin = now();
            let late = poll_fn(|cx| {
                if now() >= begin + 5 * MS {
                    return Poll::Ready("late");
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            });
            assert_eq!(timeout(5 * MS, late).await, Ok("late"));
        });
    });
}

#[test]
fn a_timeout_of_zero_polls_once_and_cuts() {
    leak_check(|| {
        let polls = Cell::new(0);
        let mut timeout = pin!(timeout(
            Duration::ZERO,
            poll_fn(|_| {
                polls.set(polls.get() + 1);
                Poll::<()>::Pending
            })
        ));
        assert_eq!(timeout.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(Elapsed)));
        assert_eq!(polls.get(), 1);
    });
}

#[test]
fn a_timeout_is_not_early_and_drops_the_future() {
    async fn check() {
        let token = Rc::new(());
        let held = token.clone();
        let begin = Instant::now();
        let outcome = timeout(10 * MS, async move {
            let _held = held;
            pending::<()>().await;
        });
        let mut outcome = pin!(outcome);
        assert_eq!(outcome.as_mut().await, Err(Elapsed));
        assert!(begin.elapsed() >= 10 * MS);
        assert_eq!(Rc::strong_count(&token), 1, "dropped when it was cut, not with the timeout");
        let deadline = Instant::now() + 5 * MS;
        assert_eq!(timeout_at(deadline, pending::<()>()).await, Err(Elapsed));
        assert!(Instant::now() >= deadline);
    }
    leak_check(|| {
        run(check());
        block_on(check());
    });
}

#[test]
fn cleanups_run_to_their_end_before_a_timeout_is_reported() {
    async fn check() {
        let steps = Arc::new(AtomicUsize::new(0));
        let theirs = steps.clone();
        let outcome = timeout(3 * MS, async move {
            let _guard = defer(theirs, async |steps: Arc<AtomicUsize>| {
                for _ in 0..3 {
                    sleep(3 * MS).await;
                    steps.fetch_add(1, Ordering::Relaxed);
                }
            });
            pending::<()>().await;
        })
        .await;
        assert_eq!(outcome, Err(Elapsed));
        assert_eq!(steps.load(Ordering::Relaxed), 3);
    }
    leak_check(|| {
        run(check());
        block_on(check());
    });
}

/// The future is finished; its cleanup then takes longer than the timeout.
#[test]
fn a_value_is_not_thrown_away_because_its_cleanup_is_slow() {
    leak_check(|| {
        run(async {
            let outcome = timeout(3 * MS, async {
                let _guard = defer((), async |()| sleep(15 * MS).await);
                "value"
            })
            .await;
            assert_eq!(outcome, Ok("value"));
        });
    });
}

#[test]
fn the_inner_of_two_timeouts_is_reported_inside() {
    leak_check(|| {
        run(async {
            let inner_first = timeout(3_600_000 * MS, timeout(3 * MS, pending::<()>())).await;
            assert_eq!(inner_first, Ok(Err(Elapsed)));
            let outer_first = timeout(3 * MS, timeout(3_600_000 * MS, pending::<()>())).await;
            assert_eq!(outer_first, Err(Elapsed));
            // The same moment: the outer polls the inner first, and takes its answer.
            let deadline = now() + 3 * MS;
            let both = timeout_at(deadline, timeout_at(deadline, pending::<()>())).await;
            assert_eq!(both, Ok(Err(Elapsed)));
        });
    });
}

#[test]
fn a_timeout_can_be_put_off() {
    leak_check(|| {
        run(async {
            let begin = Instant::now();
            let mut work = pin!(timeout(10 * MS, pending::<()>()));
            assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            work.as_mut().reset(begin + 30 * MS);
            assert_eq!(work.await, Err(Elapsed));
            assert!(begin.elapsed() >= 30 * MS);
        });
    });
}

#[test]
fn a_ready_future_needs_neither_clock_nor_thread() {
    leak_check(|| {
        assert_eq!(block_on(timeout(MS, async { 7 })), Ok(7));
        run(async {
            // More than a turn's worth, and far in the future: nothing is left in the queue.
            for _ in 0..1000 {
                assert_eq!(timeout(3_600_000 * MS, yield_now()).await, Ok(()));
            }
        });
    });
}

#[test]
fn elapsed_is_an_error_and_becomes_an_io_error() {
    fn read() -> io::Result<()> {
        Err(Elapsed)?
    }
    assert_eq!(Elapsed.to_string(), "timed out");
    let error = read().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let source: &dyn Error = error.get_ref().unwrap();
    assert!(source.is::<Elapsed>());
}
