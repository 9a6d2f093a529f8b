//! What fails, and is to: docs/testing.md shows what is said of it. `real_testing_chapter` runs these.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aio::io::duplex;
use aio::testing::{Victim, cancel_at_each_await, explore};
use aio::{WriteExt, local, sleep, yield_now};
use aio_testing_chapter::{Account, Cache, read_frame, transfer};

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
    let (ada, bob) = (user(Duration::ZERO), user(20 * MS));
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

#[test]
fn no_addition_is_lost() {
    explore(async || {
        let n = Arc::new(AtomicU32::new(0));
        let add = |n_turns_later| {
            let n = n.clone();
            aio::spawn(async move {
                for _ in 0..n_turns_later {
                    yield_now().await;
                }
                let seen = n.load(Ordering::Relaxed);
                yield_now().await;
                n.store(seen + 1, Ordering::Relaxed);
            })
        };
        let (one, two) = (add(0), add(1));
        one.await;
        two.await;
        assert_eq!(n.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn no_byte_is_lost_wherever_the_reader_is_cancelled() {
    cancel_at_each_await(async |victim: Victim| {
        let (mut here, mut there) = duplex(64);
        let sender = local::spawn(async move {
            for piece in ["one", "!two!th", "ree!"] {
                sleep(10 * MS).await;
                there.write_all(piece.as_bytes()).await.unwrap();
            }
        });
        let mut read = Vec::new();
        let reads = async {
            while read.len() < 3 {
                read.push(read_frame(&mut here).await.unwrap());
            }
        };
        victim.run(reads).await;
        while let Ok(frame) = read_frame(&mut here).await {
            read.push(frame);
        }
        sender.await;
        assert_eq!(read, [*b"one!", *b"two!", *b"thre"]);
    });
}
