//! The forms that block a thread: beside tasks they wait in line, and on the thread of a loop they are refused.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::thread;

use aio_base::host::{self, Host};
use aio_base::live::leak_check;
use aio_sync::Lock;

thread_local! {
    static RUNS_A_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// What `call` panics with on the thread of a loop.
fn refusal<R>(call: impl FnOnce() -> R) -> String {
    static HOST: Host = Host { loop_here: || RUNS_A_LOOP.get().then(Location::caller), current_task: || None };
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
