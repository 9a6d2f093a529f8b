//! The forms that block a thread: they take turns, and on the thread of a loop they are refused.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use aio_base::host::{self, Host};
use aio_base::live::leak_check;
use aio_sync::Semaphore;

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

const PERMITS: usize = 3;

#[test]
fn threads_that_block_never_have_more_permits_than_there_are() {
    leak_check(|| {
        let (semaphore, n_taken) = (Arc::new(Semaphore::new(PERMITS)), AtomicUsize::new(0));
        let have = |n: usize| {
            assert!(n_taken.fetch_add(n, Ordering::Relaxed) + n <= PERMITS);
            n_taken.fetch_sub(n, Ordering::Relaxed);
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let permit = semaphore.acquire_blocking();
                        have(1);
                        drop(permit);
                        let permit = semaphore.acquire_many_blocking(2);
                        have(2);
                        drop(permit);
                        let permit = semaphore.acquire_owned_blocking();
                        have(1);
                        drop(permit);
                        let permit = semaphore.acquire_many_owned_blocking(PERMITS);
                        have(PERMITS);
                        drop(permit);
                    }
                });
            }
        });
        assert_eq!(semaphore.available_permits(), PERMITS);
    });
}

#[test]
fn an_owned_permit_that_was_blocked_for_outlives_the_reference() {
    leak_check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.clone().acquire_owned_blocking();
        assert_eq!((permit.n_permits(), semaphore.available_permits()), (1, 0));
        drop(permit);
        assert_eq!(semaphore.available_permits(), 1);
    });
}

#[test]
fn a_semaphore_does_not_block_a_loop_even_if_a_permit_is_free() {
    let semaphore = Arc::new(Semaphore::new(2));
    let file = file!();
    assert!(refusal(|| semaphore.acquire_blocking()).starts_with(&format!("`acquire_blocking` at {file}")));
    assert!(refusal(|| semaphore.acquire_many_blocking(2)).starts_with(&format!("`acquire_many_blocking` at {file}")));
    assert!(refusal(|| semaphore.acquire_owned_blocking()).starts_with(&format!("`acquire_owned_blocking` at {file}")));
    assert!(refusal(|| semaphore.acquire_many_owned_blocking(2)).starts_with("`acquire_many_owned_blocking` at "));
    assert_eq!(semaphore.available_permits(), 2);
}
