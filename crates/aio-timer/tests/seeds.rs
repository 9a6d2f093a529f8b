//! Random work within limits of time: it is finished or it is cut, never both, and has cleaned up in either case.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use aio_core::{local, now};
use aio_test::elapsed;
use aio_timer::{CancelScope, MissedTicks, interval_at, move_on_after, sleep_until, timeout, timeout_at};

use crate::dice::{Dice, MS, under_seeds};

#[path = "../../aio-test/tests/support/dice.rs"]
mod dice;

/// What some work has done.
#[derive(Default)]
struct Done {
    begun: Cell<u32>,
    finished: Cell<u32>,
    cleaned: Cell<u32>,
}

/// Some work, with limits within limits.
fn work(dice: Dice, done: Rc<Done>, depth: u32) -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(async move {
        done.begun.set(done.begun.get() + 1);
        let guard = local::defer((done.clone(), dice.fork()), async |(done, dice)| {
            dice.pause().await;
            done.cleaned.set(done.cleaned.get() + 1);
        });
        for _ in 0..1 + dice.below(3) {
            match dice.below(3) {
                0 if depth > 0 => limited(&dice, depth - 1).await,
                1 => sleep_until(now() + dice.below(12) * MS).await,
                _ => dice.pause().await,
            }
        }
        done.finished.set(done.finished.get() + 1);
        if dice.one_in(2) {
            guard.run().await;
        }
        42
    })
}

/// Within a limit of its own.
async fn limited(dice: &Dice, depth: u32) {
    let (done, begin, limit) = (Rc::new(Done::default()), elapsed(), dice.below(20) * MS);
    let work = work(dice.fork(), done.clone(), depth);
    let output = match dice.below(3) {
        0 => timeout(limit, work).await.ok(),
        1 => timeout_at(now() + limit, work).await.ok(),
        _ => move_on_after(limit, work).await,
    };
    match output {
        Some(output) => assert_eq!((output, done.finished.get()), (42, 1)),
        // (It may be cut while it cleans up.)
        None => assert!(elapsed() - begin >= limit, "{limit:?} were over after {:?}", elapsed() - begin),
    }
    assert_eq!(done.begun.get(), 1, "it is polled once at least");
    assert_eq!(done.cleaned.get(), 1, "it has not cleaned up");
}

#[test]
fn work_within_a_limit_is_finished_or_cut_and_has_cleaned_up() {
    under_seeds("work_within_a_limit_is_finished_or_cut_and_has_cleaned_up", async |dice| {
        let task = || {
            let dice = dice.fork();
            local::spawn(async move { limited(&dice, 2).await })
        };
        let tasks = (0..1 + dice.below(4)).map(|_| task()).collect();
        dice.join(tasks).await;
    });
}

#[test]
fn a_scope_that_is_cancelled_cuts_all_that_runs_in_it_for_one_reason() {
    under_seeds("a_scope_that_is_cancelled_cuts_all_that_runs_in_it_for_one_reason", async |dice| {
        let scope = CancelScope::new();
        // The earliest that was ever set; and whether it was cancelled without one.
        let (first_deadline, is_enough) = (Rc::new(Cell::new(Duration::MAX)), Rc::new(Cell::new(false)));
        let task = || {
            let (dice, scope) = (dice.fork(), scope.clone());
            let (first_deadline, is_enough) = (first_deadline.clone(), is_enough.clone());
            local::spawn(async move {
                for _ in 0..2 {
                    dice.pause().await;
                    let (was_cancelled, done) = (is_enough.get(), Rc::new(Done::default()));
                    let (inner, other) = (work(dice.fork(), done.clone(), 1), dice.fork());
                    let waits = scope.cancelled();
                    let outcome = scope
                        .run(async {
                            let output = inner.await;
                            other.pause().await;
                            output
                        })
                        .await;
                    assert_eq!(done.cleaned.get(), done.begun.get());
                    match outcome {
                        Ok(output) => assert_eq!((output, done.finished.get()), (42, 1)),
                        Err(error) => {
                            assert!(scope.is_cancelled());
                            assert_eq!(Some(error.reason()), scope.reason().as_ref());
                            assert!(!error.is_timeout() || elapsed() >= first_deadline.get());
                            waits.await;
                        }
                    }
                    // (If only its deadline had passed, it is polled once.)
                    assert!(!was_cancelled || done.begun.get() == 0, "it has begun in a scope that was cancelled");
                }
            })
        };
        let tasks = (0..1 + dice.below(3)).map(|_| task()).collect();
        let cancels = local::spawn({
            let (dice, scope) = (dice.fork(), scope.clone());
            async move {
                for _ in 0..dice.below(4) {
                    dice.pause().await;
                    match dice.below(3) {
                        0 => {
                            let limit = dice.below(30) * MS;
                            first_deadline.set(first_deadline.get().min(elapsed() + limit));
                            scope.set_timeout(limit);
                        }
                        1 => scope.set_deadline(None),
                        _ => {
                            is_enough.set(true);
                            scope.cancel_with("enough");
                        }
                    }
                }
            }
        });
        // Only the cancellation ends it.
        let waits = local::spawn({
            let scope = scope.clone();
            async move { scope.run(std::future::pending::<()>()).await.is_err() }
        });
        dice.join(tasks).await;
        cancels.await;
        scope.cancel();
        assert!(waits.await);
    });
}

#[test]
fn no_tick_comes_early_or_twice_and_none_is_lost_by_giving_up() {
    under_seeds("no_tick_comes_early_or_twice_and_none_is_lost_by_giving_up", async |dice| {
        let task = || {
            let dice = dice.fork();
            local::spawn(async move {
                let (period, start) = ((1 + dice.below(9)) * MS, now() + dice.below(9) * MS);
                let (how, is_burst) = match dice.below(3) {
                    0 => (MissedTicks::Burst, true),
                    1 => (MissedTicks::Delay, false),
                    _ => (MissedTicks::Skip, false),
                };
                let mut ticks = interval_at(start, period).missed_ticks(how);
                let (mut n, mut next) = (0, start);
                while n < 8 {
                    let Some(due) = dice.attempt(ticks.tick()).await else { continue };
                    assert!(due >= next && due <= now(), "{how:?}: tick {n}");
                    assert!(!is_burst || due == next, "{how:?}: tick {n}");
                    (n, next) = (n + 1, due + period);
                    dice.pause().await;
                }
            })
        };
        let tasks = (0..1 + dice.below(4)).map(|_| task()).collect();
        dice.join(tasks).await;
    });
}
