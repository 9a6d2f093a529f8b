//! Groups and the like: when the victim has ended, so have all of its children, with their cleanups.

use std::time::Duration;

use aio_core::{defer, spawn, yield_now};
use aio_group::{TaskGroup, Until, as_completed, first_ok, gather, local, race, try_gather, wait};
use aio_test::{Ledger, Tracked};
use aio_timer::{CancelScope, MissedTicks, interval, timeout};

use crate::{at, at_each_of};

/// Gives an item after a while, and has something to clean up.
async fn child(ledger: Ledger, n: u64) -> Tracked<u64> {
    let begun = ledger.track(n);
    let _cleanup = defer((ledger.clone(), begun), async |(ledger, begun)| {
        at(1).await;
        yield_now().await;
        ledger.take(begun);
    });
    at(n).await;
    ledger.track(n)
}

#[test]
fn a_group_is_empty_when_its_join_has_been_cancelled() {
    at_each_of(5, async |victim| {
        let ledger = Ledger::new();
        let work = async {
            let group = TaskGroup::new();
            let join = group.join(async {
                let slow = group.spawn(child(ledger.clone(), 3));
                let in_place = group.spawn_scoped(child(ledger.clone(), 2));
                ledger.take(in_place.await);
                ledger.take(slow.await);
            });
            join.await;
        };
        victim.run(work).await;
        ledger.assert_none_live();
    });
}

#[test]
fn a_group_of_local_tasks_is_empty_when_its_join_has_been_cancelled() {
    at_each_of(5, async |victim| {
        let ledger = Ledger::new();
        let work = async {
            let group = local::TaskGroup::new();
            let join = group.join(async {
                let slow = group.spawn(child(ledger.clone(), 3));
                let in_place = group.spawn_scoped(child(ledger.clone(), 2));
                ledger.take(in_place.await);
                ledger.take(slow.await);
            });
            join.await;
        };
        victim.run(work).await;
        ledger.assert_none_live();
    });
}

/// An output that was made is delivered or dropped, once.
#[test]
fn combinators_leave_no_child_behind() {
    at_each_of(2, async |victim| {
        let ledger = Ledger::new();
        let take = |item: Tracked<u64>| ledger.take(item);
        let work = async {
            let (one, two) = gather((child(ledger.clone(), 1), child(ledger.clone(), 2))).await;
            assert_eq!((take(one), take(two)), (1, 2));
        };
        victim.run(work).await;
        ledger.assert_none_live();
    });
    at_each_of(5, async |victim| {
        let ledger = Ledger::new();
        let work = async { drop(race([child(ledger.clone(), 1), child(ledger.clone(), 5)]).await) };
        victim.run(work).await;
        ledger.assert_none_live();
    });
    at_each_of(10, async |victim| {
        let ledger = Ledger::new();
        let fallible = async |n: u64, fails: bool| {
            let item = child(ledger.clone(), n).await;
            if fails { Err(item) } else { Ok(item) }
        };
        let work = async {
            drop(try_gather((fallible(1, true), fallible(5, false))).await);
            drop(first_ok([fallible(1, false), fallible(5, true)]).await);
        };
        victim.run(work).await;
        ledger.assert_none_live();
    });
}

#[test]
fn an_output_whose_next_was_cancelled_comes_with_the_next_one() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let mut outputs = as_completed((1..=3).map(|n| child(ledger.clone(), 2 * n)));
        let mut got = Vec::new();
        let work = async {
            while let Some(item) = outputs.next().await {
                got.push(ledger.take(item));
            }
        };
        victim.run(work).await;
        while let Some(item) = outputs.next().await {
            got.push(ledger.take(item));
        }
        assert_eq!(got, [2, 4, 6]);
    });
}

#[test]
fn a_wait_that_is_cancelled_leaves_every_task() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let mut tasks: Vec<_> = (1..=3).map(|n| spawn(child(ledger.clone(), 2 * n))).collect();
        let work = async {
            let mut done = Vec::new();
            while !tasks.is_empty() {
                done.extend(wait(&mut tasks, Until::FirstCompleted).await);
                // (Without an await in between: what has been taken out is not given back.)
                for task in done.drain(..) {
                    ledger.take(task.await);
                }
            }
        };
        victim.run(work).await;
        for task in wait(&mut tasks, Until::AllCompleted).await {
            ledger.take(task.await);
        }
        ledger.assert_all_taken();
    });
}

/// Joined by reference, a task is not touched by a cancelled join.
#[test]
fn a_join_that_is_cancelled_leaves_the_output() {
    at_each_of(1, async |victim| {
        let ledger = Ledger::new();
        let mut task = spawn(child(ledger.clone(), 1));
        let item = match victim.run(&mut task).await {
            Some(item) => item,
            None => task.await,
        };
        ledger.take(item);
        ledger.assert_all_taken();
    });
}

#[test]
fn a_timeout_that_is_cancelled_leaves_nothing() {
    at_each_of(3, async |victim| {
        let ledger = Ledger::new();
        let work = async {
            let scope = CancelScope::new();
            scope.set_timeout(Duration::from_secs(9));
            let inner = timeout(Duration::from_secs(1), child(ledger.clone(), 60));
            drop(scope.run(inner).await);
        };
        victim.run(work).await;
        ledger.assert_none_live();
    });
}

/// A tick that was cancelled, also when it had come, comes again.
#[test]
fn no_tick_is_lost() {
    for missed_ticks in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
        at_each_of(4, async |victim| {
            let begin = aio_core::now();
            let mut interval = interval(Duration::from_secs(1)).missed_ticks(missed_ticks);
            let mut ticks = Vec::new();
            let work = async {
                while ticks.len() < 4 {
                    ticks.push(interval.tick().await);
                }
            };
            victim.run(work).await;
            while ticks.len() < 4 {
                ticks.push(interval.tick().await);
            }
            let seconds: Vec<_> = ticks.iter().map(|tick| (*tick - begin).as_secs()).collect();
            assert_eq!(seconds, [0, 1, 2, 3]);
        });
    }
}
