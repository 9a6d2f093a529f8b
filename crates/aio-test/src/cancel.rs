//! Cancelling work at each of its awaits.

mod cancel_at;
mod failure;
mod fuzzer;
mod point;
mod victim;

pub use cancel_at::CancelAt;
pub use fuzzer::{CancelFuzzer, cancel_at_each_await, cancel_future_at_each_await};
pub use point::{CancelPoint, Moment, ParseCancelPointError};
pub use victim::Victim;
