//! Locks, semaphores, limiters: what was being handed to the victim goes to the next.

use std::sync::Arc; // facade: what the owned guards are made of

use aio_base::Home;
use aio_group::gather;
use aio_sync::generic::{CapacityLimiter, Lock, OnceCell, RwLock, Semaphore};
use aio_sync::{RwLockUpgradableReadGuard, RwLockWriteGuard};

use crate::{at, at_each_of, in_both_homes};

in_both_homes! {
    a_lock_goes_to_the_next,
    a_lock_for_reading_goes_to_the_next,
    readers_behind_a_cancelled_writer_are_let_in,
    an_upgrade_that_is_cancelled_lets_go_of_the_lock,
    an_upgradable_reader_that_is_cancelled_lets_the_next_one_in,
    a_permit_goes_to_the_next,
    many_permits_that_were_not_taken_are_all_there,
    a_small_request_behind_a_cancelled_large_one_is_served,
    tokens_of_a_limiter_go_to_the_next,
    a_value_that_was_not_made_is_made_by_the_next,
    who_waits_for_a_value_has_no_part_in_making_it,
}

fn a_lock_goes_to_the_next<H: Home>() {
    at_each_of(2, async |victim| {
        let lock = Lock::<u32, H>::new(0);
        let first = lock.try_lock().expect("it is free");
        let work = async {
            let mut guard = lock.lock().await;
            *guard += 1;
            at(1).await;
            *guard += 1;
        };
        gather((
            victim.run(work),
            async {
                at(1).await;
                drop(first);
            },
            async { *lock.lock().await += 10 },
        ))
        .await;
        let value = *lock.try_lock().expect("it is free again");
        assert!([10, 11, 12].contains(&value), "{value}");
    });
}

fn a_lock_for_reading_goes_to_the_next<H: Home>() {
    at_each_of(1, async |victim| {
        let lock = RwLock::<u32, H>::new(0);
        let first = lock.try_write().expect("it is free");
        gather((
            victim.run(async { *lock.read().await }),
            async {
                at(1).await;
                drop(first);
            },
            async { *lock.write().await += 10 },
            async { assert_eq!(*lock.read().await, 10) },
        ))
        .await;
        assert_eq!(*lock.try_write().expect("it is free again"), 10);
    });
}

/// They wait for nobody but the writer who waits.
fn readers_behind_a_cancelled_writer_are_let_in<H: Home>() {
    at_each_of(1, async |victim| {
        let lock = RwLock::<u32, H>::new(0);
        let reader = lock.try_read().expect("it is free");
        gather((victim.run(async { *lock.write().await += 1 }), async { assert!(*lock.read().await <= 1) }, async {
            at(1).await;
            drop(reader);
        }))
        .await;
        assert!(*lock.try_write().expect("it is free again") <= 1);
    });
}

fn an_upgrade_that_is_cancelled_lets_go_of_the_lock<H: Home>() {
    at_each_of(1, async |victim| {
        let lock = RwLock::<u32, H>::new(0);
        let reader = lock.try_read().expect("it is free");
        let upgradable = lock.try_upgradable_read().expect("beside readers");
        let work = async { *RwLockUpgradableReadGuard::upgrade(upgradable).await += 1 };
        gather((
            victim.run(work),
            async { drop(lock.upgradable_read().await) },
            async {
                let guard = lock.write().await;
                drop(RwLockWriteGuard::downgrade(guard));
            },
            async {
                at(1).await;
                drop(reader);
            },
        ))
        .await;
        assert!(*lock.try_write().expect("it is free again") <= 1);
    });
}

fn an_upgradable_reader_that_is_cancelled_lets_the_next_one_in<H: Home>() {
    at_each_of(2, async |victim| {
        let lock = RwLock::<u32, H>::new(0);
        let first = lock.try_upgradable_read().expect("it is free");
        let work = async {
            let guard = lock.upgradable_read().await;
            at(1).await;
            drop(guard);
        };
        gather((
            victim.run(work),
            async { *RwLockUpgradableReadGuard::upgrade(lock.upgradable_read().await).await += 1 },
            async {
                at(1).await;
                drop(first);
            },
        ))
        .await;
        assert_eq!(*lock.try_write().expect("it is free again"), 1);
    });
}

fn a_permit_goes_to_the_next<H: Home>() {
    at_each_of(2, async |victim| {
        let semaphore = Semaphore::<H>::new(0);
        let work = async {
            let permit = semaphore.acquire().await;
            at(1).await;
            drop(permit);
        };
        gather((
            victim.run(work),
            async {
                at(1).await;
                semaphore.add_permits(1);
            },
            async { drop(semaphore.acquire().await) },
        ))
        .await;
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// They come one by one.
fn many_permits_that_were_not_taken_are_all_there<H: Home>() {
    at_each_of(1, async |victim| {
        let semaphore = Semaphore::<H>::new(1);
        gather((
            victim.run(async { semaphore.acquire_many(3).await.n_permits() }),
            async {
                at(1).await;
                semaphore.add_permits(1);
                at(1).await;
                semaphore.add_permits(1);
            },
            async { drop(semaphore.acquire_many(2).await) },
        ))
        .await;
        assert_eq!(semaphore.available_permits(), 3);
    });
}

/// Nobody releases anything: it is served because the one before it has gone.
fn a_small_request_behind_a_cancelled_large_one_is_served<H: Home>() {
    at_each_of(1, async |victim| {
        let semaphore = Semaphore::<H>::new(1);
        let limiter = CapacityLimiter::<H>::new(1);
        let is_over = std::cell::Cell::new(false);
        gather((
            async {
                victim.run(async { drop(semaphore.acquire_many(2).await) }).await;
                is_over.set(true);
            },
            async {
                drop(semaphore.acquire().await);
                drop(limiter.acquire().await);
            },
            async {
                at(1).await;
                if !is_over.get() {
                    semaphore.add_permits(1);
                }
            },
        ))
        .await;
        assert!(semaphore.try_acquire().is_some());
    });
}

fn tokens_of_a_limiter_go_to_the_next<H: Home>() {
    at_each_of(2, async |victim| {
        let limiter = CapacityLimiter::<H>::new(2);
        let first = limiter.try_acquire_many(2).expect("they are there");
        let work = async {
            let tokens = limiter.acquire_many(2).await;
            at(1).await;
            drop(tokens);
        };
        gather((victim.run(work), async { drop(limiter.acquire().await.expect("it is open")) }, async {
            at(1).await;
            drop(first);
        }))
        .await;
        assert_eq!((limiter.borrowed(), limiter.available()), (0, 2));
    });
}

fn a_value_that_was_not_made_is_made_by_the_next<H: Home>() {
    at_each_of(2, async |victim| {
        let cell = OnceCell::<u32, H>::new();
        let work = cell.get_or_init(async || {
            at(1).await;
            at(1).await;
            1
        });
        let other = async {
            let value = cell.get_or_try_init(async || {
                at(1).await;
                Ok::<_, ()>(2)
            });
            *value.await.expect("it is made")
        };
        let (made, other) = gather((async { victim.run(work).await.copied() }, other)).await;
        assert_eq!(cell.get(), Some(&other));
        assert_eq!(other, made.unwrap_or(2));
    });
}

fn who_waits_for_a_value_has_no_part_in_making_it<H: Home>() {
    at_each_of(1, async |victim| {
        let cell = OnceCell::<u32, H>::new();
        gather((
            cell.get_or_init(async || {
                at(1).await;
                1
            }),
            victim.run(cell.get_or_init(async || 2)),
            async { assert_eq!(*cell.wait().await, 1) },
        ))
        .await;
        assert_eq!(cell.get(), Some(&1));
    });
    at_each_of(1, async |victim| {
        let cell = OnceCell::<u32, H>::new();
        gather((
            async { assert!(victim.run(cell.wait()).await.is_none_or(|value| *value == 1)) },
            async {
                at(1).await;
                cell.set(1).expect("nobody makes it");
            },
            async { assert_eq!(*cell.wait().await, 1) },
        ))
        .await;
    });
}

/// With guards that keep what they guard.
#[test]
fn owned_guards_go_to_the_next() {
    at_each_of(4, async |victim| {
        let (lock, rwlock) = (Arc::new(Lock::new(0)), Arc::new(RwLock::new(0)));
        let (semaphore, limiter) = (Arc::new(Semaphore::new(1)), Arc::new(CapacityLimiter::new(1)));
        let all = (
            lock.try_lock_owned().expect("it is free"),
            rwlock.try_write_owned().expect("it is free"),
            semaphore.try_acquire_owned().expect("it is there"),
            limiter.try_acquire_owned().expect("it is there"),
        );
        let take_all = async |add: i32| {
            *lock.lock_owned().await += add;
            *rwlock.write_owned().await += add;
            drop(semaphore.acquire_owned().await);
            drop(limiter.acquire_owned().await);
        };
        gather((
            victim.run(take_all(1)),
            async {
                at(1).await;
                drop(all.0);
                at(1).await;
                drop(all.1);
                at(1).await;
                drop(all.2);
                at(1).await;
                drop(all.3);
            },
            take_all(10),
        ))
        .await;
        assert!([10, 11].contains(&*lock.try_lock().expect("it is free")));
        assert!([10, 11].contains(&*rwlock.try_write().expect("it is free")));
        assert_eq!((semaphore.available_permits(), limiter.available()), (1, 1));
        assert_eq!((Arc::strong_count(&lock), Arc::strong_count(&semaphore)), (1, 1));
    });
}
