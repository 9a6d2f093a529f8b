//! Tests of async programs that do not lie.
//!
//! The program under test is the one that ships: the same tasks, timers, locks and sockets, on the same loop. Only what
//! it cannot know is in the hands of the test: what time it is, which of the tasks that are ready runs next, how late a
//! timer fires.
//!
//! - [`Test`] runs an async test under *virtual time* (the clock jumps to the next deadline when nothing can run), in
//!   one order of the tasks or in as many as you like, each given by a *seed*. A failure names the seed, which repeats
//!   it exactly. A deadlock fails at once, and says who waits for what. [`Faults`] are what goes wrong on the way.
//! - [`explore()`] runs a small async test in *every* order of the steps of its tasks, and prints the one that fails.
//!
//! ```
//! use aio_test::{Test, elapsed};
//! use aio_timer::sleep;
//! use std::time::Duration;
//!
//! Test::new("a day").schedules(10).run(async || {
//!     sleep(Duration::from_secs(86_400)).await;
//!     assert_eq!(elapsed(), Duration::from_secs(86_400));
//! });
//! ```
//!
//! - [`cancel_at_each_await`] cancels what is under test at each of its awaits.
//! - [`net`] is a network in memory, with the very types of `aio_net`: hosts, latency, loss, partitions and crashes,
//!   drawn from the seed of the test.
//! - By hand: [`step`] polls a future, [`spy()`] watches one; a [`Ledger`] counts what goes in and comes out, an
//!   [`EventLog`] says in which order, a [`Stopwatch`] how long it took; [`assert_ready!`], [`assert_pending!`].
//! - [`jobs`]: how blocking functions are run.
//!
//! The umbrella crate `aio` has this one as `aio::testing`, and an attribute for it: `#[aio::test]`.

mod assert;
mod cancel;
mod conduct;
mod control;
mod director;
mod environment;
mod event_log;
mod explore;
mod faults;
mod guard;
pub mod jobs;
mod ledger;
pub mod net;
mod numbers;
mod outcome;
mod payload;
mod report;
mod run;
mod spy;
mod stepper;
mod stopwatch;
mod strategy;
mod test;
mod trace;
mod waiting;
mod wake_note;

/// For threads of a test's own that are to wake its tasks.
pub use aio_core::{Outside, outside};
/// Makes an `async fn` a test: `#[aio_test::test]`. In the umbrella crate it is `#[aio::test]`.
pub use aio_macros::test_of_aio_test as test;
pub use cancel::{
    CancelAt, CancelFuzzer, CancelPoint, Moment, ParseCancelPointError, Victim, cancel_at_each_await,
    cancel_future_at_each_await,
};
pub use director::{elapsed, note, random_seed};
pub use event_log::EventLog;
pub use explore::{Bound, Explore, ExploreFailure, Explored, explore, explore_outcomes, touch};
pub use faults::Faults;
pub use ledger::{Ledger, Tracked};
pub use outcome::TestOutcome;
pub use spy::{Fate, Spy, SpyHandle, spy};
pub use stepper::{Stepper, step};
pub use stopwatch::Stopwatch;
pub use strategy::Strategy;
pub use test::{Clock, Failure, Leaks, Passed, Test};

/// What the macros expand to. No part of the API.
#[doc(hidden)]
pub mod hidden {
    pub use crate::assert::{elapsed, pending, ready, ready_eq, ready_err, ready_ok};
}
