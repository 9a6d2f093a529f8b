//! `#[aio::test]` with the runtime of tests behind it.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use aio::{TaskGroup, now, sleep, spawn, yield_now};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[aio::test]
async fn a_day_takes_no_time() {
    let before = now();
    sleep(DAY).await;
    assert_eq!(now() - before, DAY);
}

#[aio::test(clock = "real", timeout = "1m")]
async fn in_real_time_a_moment_takes_a_moment() {
    let before = now();
    sleep(Duration::from_millis(2)).await;
    assert!(now() - before >= Duration::from_millis(2));
}

thread_local!(static ORDERS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

/// The order in which three tasks have run in this run, beside those of earlier ones.
async fn orders() -> Vec<String> {
    ORDERS.with_borrow_mut(|orders| orders.push(String::new()));
    let group = TaskGroup::new();
    group
        .join(async {
            for name in ["a", "b", "c"] {
                let child = group.spawn(async move {
                    yield_now().await;
                    ORDERS.with_borrow_mut(|orders| *orders.last_mut().unwrap() += name);
                });
                child.detach();
            }
        })
        .await;
    ORDERS.with_borrow(Clone::clone)
}

#[aio::test(schedules = 100)]
async fn a_hundred_schedules_are_all_orders_of_three_tasks() {
    let orders = orders().await;
    if orders.len() == 100 {
        assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), 6);
    }
}

#[aio::test(seed = 7, schedules = 100, strategy = "pct:3")]
async fn pct_has_other_orders() -> Result<(), String> {
    let orders = orders().await;
    match orders.iter().collect::<BTreeSet<_>>().len() {
        1 if orders.len() == 100 => Err(format!("always {}", orders[0])),
        _ => Ok(()),
    }
}

#[aio::test(seed = 7)]
async fn a_seed_is_one_order() {
    assert_eq!(orders().await.len(), 1);
}

#[aio::test(leaks = "allow")]
async fn what_may_leak_is_cancelled_at_the_end() {
    spawn(std::future::pending::<()>()).detach();
}

#[aio::test(schedules = 10)]
#[should_panic(expected = "a panic")]
async fn a_panic_comes_out_as_it_is() {
    sleep(DAY).await;
    panic!("a panic");
}
