//! Waiting for time to pass: [`sleep()`], [`timeout()`] and [`interval()`] for `aio`.
//!
//! ```
//! use aio_timer::{sleep, timeout};
//! use std::time::Duration;
//!
//! aio_core::block_on(async {
//!     sleep(Duration::from_millis(1)).await;
//!     let forever = std::future::pending::<()>();
//!     assert!(timeout(Duration::from_millis(1), forever).await.is_err());
//! });
//! ```
//!
//! - [`sleep()`] and [`sleep_until`] wait for a moment;
//! - [`timeout()`] and [`timeout_at`] bound how long something else is waited for, its cleanups included;
//! - [`CancelScope`] is a part of a task that can be cancelled on its own, with a deadline that can be moved;
//! - [`interval()`] ticks, without drift;
//! - [`Timers`] is the layer of a loop's drivers that serves them all without a thread. Where there is none (under
//!   tokio or smol, in `block_on`) a thread of the process does.
//!
//! # Precision
//!
//! Nothing ends early. A wait ends at the first whole millisecond (counted from the first wait of the loop) after its
//! deadline at which its task gets to run. Timers of the same millisecond fire in the order of their deadlines, timers
//! of the same deadline in the order in which they began.
//!
//! A loop looks at the clock between turns: before it waits, and when it has polled 64 times or more since it looked
//! last. It is then that timers fire, and that a wait for some time (unlike one until a moment) begins which was polled
//! first since: all of these at one moment, in their order; after 64 of them, or when one until a moment joins them, at
//! once. So a task that keeps its thread busy for a millisecond makes not only those late whose time is over meanwhile,
//! but those too who had just begun to wait. Where that matters, wait until a moment: `sleep_until(now() + duration)`.
//!
//! # Cost
//!
//! A wait takes no allocation, and no system call on a loop with [`Timers`]: its place in the queue is a part of the
//! future, and the loop looks for the next deadline before it sleeps. Nothing is measured or queued before the future
//! is polled and found pending, and what is dropped before the loop next looks at the clock, as most timeouts are,
//! never costs a look of its own.
//!
//! # When not to use it
//!
//! For a date and time of day, which may jump; for waits much shorter than a millisecond.

mod sleep;

mod timeout;

mod cancel_scope;

mod interval;

mod timers;

mod fallback;

mod queue;
mod wheel;

pub use cancel_scope::{CancelScope, Cancellable, Cancelled, WaitCancelled, fail_after, move_on_after};
pub use interval::{Interval, MissedTicks, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
pub use timers::Timers;
