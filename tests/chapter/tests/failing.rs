//! What fails, and is to: docs/testing.md shows what is said of it. `real_testing_chapter` runs these.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aio::sleep;
use aio_testing_chapter::{Account, Cache, transfer};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

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
            assert_eq!(cache.get(load).await, 1, "it was loaded again");
        })
    };
    let (ada, bob) = (user(0 * MS), user(20 * MS));
    ada.await;
    bob.await;
}

#[aio::test(schedules = 1000, preemptive)]
async fn transfers_in_both_directions() {
    let (ada, bob) = (Arc::new(Account::new(1, 100)), Arc::new(Account::new(2, 100)));
    let start = |name: &str, from: &Arc<Account>, to: &Arc<Account>| {
        let (from, to) = (from.clone(), to.clone());
        aio::Builder::new().name(name).spawn(async move { transfer(&from, &to, 10).await })
    };
    let (there, back) = (start("there", &ada, &bob), start("back", &bob, &ada));
    there.await;
    back.await;
    assert_eq!(*ada.balance.lock().await, 100);
}
