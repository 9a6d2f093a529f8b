//! The forms that block a thread: beside tasks they wait in line, and on the thread of a loop they are refused.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::thread;

use aio_base::host::{self, Host};
use aio_base::live::leak_check;
use aio_sync::{Lock, OnceCell, OwnedRwLockUpgradableReadGuard, RwLock, RwLockUpgradableReadGuard};

thread_local! {
    static RUNS_A_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// What `call` panics with on the thread of a loop.
fn refusal<R>(call: impl FnOnce() -> R) -> String {
    static HOST: Host = Host {
        loop_here: || RUNS_A_LOOP.get().then(Location::caller),
        current_task: || None,
        now: std::time::Instant::now,
    };
    host::install(&HOST);
    RUNS_A_LOOP.set(true);
    let refused = catch_unwind(AssertUnwindSafe(|| drop(call())));
    RUNS_A_LOOP.set(false);
    *refused.expect_err("it is refused").downcast().expect("with a message")
}

const THREADS: usize = 4;
const ROUNDS: usize = 500;

#[test]
fn threads_that_block_have_the_lock_one_at_a_time() {
    leak_check(|| {
        let count = Arc::new(Lock::new(0));
        thread::scope(|scope| {
            for i in 0..THREADS {
                let count = &count;
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        if i % 2 == 0 {
                            *count.lock_blocking() += 1;
                        } else {
                            *count.lock_owned_blocking() += 1;
                        }
                    }
                });
            }
        });
        assert_eq!(*count.lock_blocking(), THREADS * ROUNDS);
    });
}

#[test]
fn a_lock_does_not_block_a_loop_even_if_it_is_free() {
    let lock = Arc::new(Lock::new(0));
    assert!(refusal(|| lock.lock_blocking()).starts_with("`lock_blocking` at crates/aio-sync/tests/blocking_lock.rs"));
    assert!(refusal(|| lock.lock_owned_blocking()).starts_with("`lock_owned_blocking` at "));
    assert!(!lock.is_locked());
}

#[test]
fn threads_that_block_read_together_and_write_alone() {
    leak_check(|| {
        // Both are the same, but while they are written.
        let pair = Arc::new(RwLock::new((0, 0)));
        thread::scope(|scope| {
            for i in 0..THREADS {
                let pair = &pair;
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        if i % 2 == 0 {
                            let mut pair = pair.write_blocking();
                            pair.0 += 1;
                            pair.1 += 1;
                        } else {
                            let mut pair = pair.write_owned_blocking();
                            pair.0 += 1;
                            pair.1 += 1;
                        }
                        let read = pair.read_blocking();
                        assert_eq!(read.0, read.1);
                        drop(read);
                        let read = pair.read_owned_blocking();
                        assert_eq!(read.0, read.1);
                    }
                });
            }
        });
        assert_eq!(*pair.read_blocking(), (THREADS * ROUNDS, THREADS * ROUNDS));
    });
}

#[test]
fn threads_that_upgrade_write_what_they_have_read_plus_one() {
    leak_check(|| {
        let count = Arc::new(RwLock::new(0));
        thread::scope(|scope| {
            for i in 0..THREADS {
                let count = &count;
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        drop(count.read_blocking());
                        if i % 2 == 0 {
                            let read = count.upgradable_read_blocking();
                            let before = *read;
                            *RwLockUpgradableReadGuard::upgrade_blocking(read) = before + 1;
                        } else {
                            let read = count.upgradable_read_owned_blocking();
                            let before = *read;
                            *OwnedRwLockUpgradableReadGuard::upgrade_blocking(read) = before + 1;
                        }
                    }
                });
            }
        });
        assert_eq!(*count.read_blocking(), THREADS * ROUNDS);
    });
}

#[test]
fn a_read_write_lock_does_not_block_a_loop_even_if_it_is_free() {
    let lock = Arc::new(RwLock::new(0));
    assert!(refusal(|| lock.read_blocking()).starts_with("`read_blocking` at "));
    assert!(refusal(|| lock.write_blocking()).starts_with("`write_blocking` at "));
    assert!(refusal(|| lock.upgradable_read_blocking()).starts_with("`upgradable_read_blocking` at "));
    assert!(refusal(|| lock.read_owned_blocking()).starts_with("`read_owned_blocking` at "));
    assert!(refusal(|| lock.write_owned_blocking()).starts_with("`write_owned_blocking` at "));
    assert!(refusal(|| lock.upgradable_read_owned_blocking()).starts_with("`upgradable_read_owned_blocking` at "));
    let read = lock.try_upgradable_read().unwrap();
    let refusal = refusal(|| RwLockUpgradableReadGuard::upgrade_blocking(read));
    assert!(refusal.starts_with("`upgrade_blocking` at crates/aio-sync/tests/blocking_lock.rs"));
    assert!(lock.try_write().is_some());
}

#[test]
fn of_threads_that_block_one_makes_the_value() {
    leak_check(|| {
        for _ in 0..ROUNDS / 10 {
            let cell = OnceCell::new();
            thread::scope(|scope| {
                let observer = scope.spawn(|| *cell.wait_blocking());
                let makers = [0, 1, 2, 3].map(|i| {
                    let cell = &cell;
                    scope.spawn(move || match i {
                        0 => cell.get_or_try_init_blocking(|| Err(())).copied().unwrap_or(i),
                        _ => *cell.get_or_init_blocking(|| i),
                    })
                });
                let values = makers.map(|maker| maker.join().unwrap());
                let value = observer.join().unwrap();
                assert!(value > 0);
                assert!(values[0] == value || values[0] == 0);
                assert_eq!(values[1..], [value; 3]);
            });
        }
    });
}

#[test]
fn a_cell_does_not_block_a_loop_even_if_it_is_set() {
    let cell = OnceCell::from(1);
    assert!(refusal(|| cell.wait_blocking()).starts_with("`wait_blocking` at "));
    assert!(refusal(|| cell.get_or_init_blocking(|| 2)).starts_with("`get_or_init_blocking` at "));
    assert!(refusal(|| cell.get_or_try_init_blocking(|| Ok::<_, ()>(2))).starts_with("`get_or_try_init_blocking` at "));
}
