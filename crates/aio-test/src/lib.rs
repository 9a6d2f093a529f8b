//! Tests of async programs that do not lie.

mod wake_note;

mod assert;
mod event_log;
mod ledger;
mod spy;
mod stepper;
mod stopwatch;

mod cancel;

pub use cancel::{
    CancelAt, CancelFuzzer, CancelPoint, Moment, ParseCancelPointError, Victim, cancel_at_each_await,
    cancel_future_at_each_await,
};
pub use event_log::EventLog;
pub use ledger::{Ledger, Tracked};
pub use spy::{Fate, Spy, SpyHandle, spy};
pub use stepper::{Stepper, step};
pub use stopwatch::Stopwatch;

/// What the macros expand to. No part of the API.
#[doc(hidden)]
pub mod hidden {
    pub use crate::assert::{elapsed, pending, ready, ready_eq, ready_err, ready_ok};
}
