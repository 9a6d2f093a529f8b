//! The project's own operations, each cancelled at each of its awaits: nothing is lost, nobody is left waiting.
//!
//! A deadlock is seen by the fuzzer: so whoever else waits at the same time shows that a lock, a permit or a wake-up
//! that was on its way to the victim went to the next. What would be left in the process is seen by `leak_check`.
#![cfg(not(aio_loom))]

use std::time::Duration;

use aio_test::{Victim, cancel_at_each_await};

mod channels;
mod groups;
mod io;
mod locks;
mod queues;
mod signals;
mod streams;

/// Runs each of the generic functions as a test in both homes.
macro_rules! in_both_homes {
    ($($test:ident,)+) => {
        mod shared {
            $(#[test] fn $test() { super::$test::<aio_base::Shared>(); })+
        }
        mod local {
            $(#[test] fn $test() { super::$test::<aio_base::Local>(); })+
        }
    };
}
pub(crate) use in_both_homes;

/// Cancels the victim at each await; it has to have so many.
#[track_caller]
fn at_each_of(n_awaits: usize, test: impl AsyncFnMut(Victim)) {
    let points = at_each(test);
    assert_eq!(points, 2 * n_awaits + 1, "the test does not do what it is written for");
}

/// The same for any number of awaits; how many points there were. (All tests here are checked for leaks: what others
/// have at the same time would be taken for one.)
#[track_caller]
fn at_each(test: impl AsyncFnMut(Victim)) -> usize {
    aio_base::live::leak_check(|| cancel_at_each_await(test))
}

/// So many seconds later, which take no time.
async fn at(seconds: u64) {
    aio_timer::sleep(Duration::from_secs(seconds)).await;
}
