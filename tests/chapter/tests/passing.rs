//! What docs/testing.md shows, and what passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aio::testing::{Faults, Test, elapsed, note};
use aio::{Queue, sleep, timeout};
use aio_testing_chapter::{Account, Cache, transfer_in_order};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

// A first test.

#[aio::test]
async fn a_value_is_kept_for_an_hour() {
    let cache = Cache::new(HOUR);
    assert_eq!(cache.get(async || 1).await, 1);
    sleep(HOUR - MS).await;
    assert_eq!(cache.get(async || 2).await, 1);
    sleep(MS).await;
    assert_eq!(cache.get(async || 2).await, 2);
    assert_eq!(elapsed(), HOUR);
}

#[aio::test]
async fn a_load_that_takes_too_long_is_cut_off() -> Result<(), aio::Elapsed> {
    let cache = Cache::new(HOUR);
    let slow = async || sleep(10 * HOUR).await;
    assert!(timeout(HOUR, cache.get(slow)).await.is_err());
    timeout(HOUR, cache.get(async || ())).await
}

// Many orders.

#[aio::test(schedules = 1000)]
async fn two_users_and_one_load() {
    let (cache, n_loads) = (Arc::new(Cache::new(HOUR)), Arc::new(AtomicU32::new(0)));
    let user = |comes_at| {
        let (cache, n_loads) = (cache.clone(), n_loads.clone());
        aio::spawn(async move {
            sleep(comes_at).await;
            let load = async || {
                sleep(20 * MS).await;
                n_loads.fetch_add(1, Ordering::Relaxed) + 1
            };
            assert_eq!(cache.get_once(load).await, 1, "it was loaded again");
        })
    };
    let (ada, bob) = (user(0 * MS), user(20 * MS));
    ada.await;
    bob.await;
}

// As if on several workers.

#[aio::test(schedules = 1000, preemptive)]
async fn transfers_in_both_directions() {
    let (ada, bob) = (Arc::new(Account::new(1, 100)), Arc::new(Account::new(2, 100)));
    let start = |name: &str, from: &Arc<Account>, to: &Arc<Account>| {
        let (from, to) = (from.clone(), to.clone());
        aio::Builder::new().name(name).spawn(async move { transfer_in_order(&from, &to, 10).await })
    };
    let (there, back) = (start("there", &ada, &bob), start("back", &bob, &ada));
    there.await;
    back.await;
    assert_eq!(*ada.balance.lock().await, 100);
}

// What goes wrong without anything being wrong.

#[aio::test(schedules = 200, faults = "all")]
async fn an_hour_is_over_when_it_is_over_or_a_little_later() {
    let begin = aio::now();
    sleep(HOUR).await;
    assert!(aio::now() - begin >= HOUR);
}

#[test]
fn messages_get_through_whatever_is_late() {
    let late = Faults::none().delayed_wakes(3, 50 * MS).timer_jitter(20 * MS);
    Test::new("messages_get_through_whatever_is_late").schedules(200).faults(late).run(async || {
        let queue = Arc::new(Queue::bounded(2));
        let sender = aio::spawn({
            let queue = queue.clone();
            async move {
                for i in 0..5 {
                    queue.put(i).await.unwrap();
                    sleep(10 * MS).await;
                }
                queue.close();
            }
        });
        let mut received = Vec::new();
        while let Ok(i) = queue.get().await {
            note(format_args!("got {i}"));
            received.push(i);
        }
        sender.await;
        assert_eq!(received, [0, 1, 2, 3, 4]);
    });
}
