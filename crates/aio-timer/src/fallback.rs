//! Timers on threads without a loop of ours: under tokio, under smol, in `block_on`.
//!
//! One queue serves the whole process. A thread called `aio-timer` looks after it; it is started by a registration that
//! finds [`Watch::Nobody`], and ends when there were no timers for a while. What it is about to do stands in
//! [`Watch`], under the lock of the queue, so that a registration knows whether it has to be told:
//!
//! ```text
//!   Nobody ──1 start──▶ Awake ◀──3 notify, 4 time is up── Until(deadline)
//!      ▲                  │                                  ▲ │
//!      │                  └─────────────2 sleep──────────────┘ │
//!      └────────────────5 time is up, and no timers────────────┘
//! ```
//! 1. A registration, which then starts the thread.
//! 2. The thread has woken what is due, and sleeps until the next deadline, which it reads under the same lock.
//! 3. A registration that makes the next deadline an earlier one.
//! 4. The thread goes on.
//! 5. The thread ends.

use std::time::{Duration, Instant};

use aio_base::sync::OnceLock;
use aio_base::{Deadline, thread};

use crate::queue::{Queue, Watch};

/// How long the thread stays when there are no timers.
const IDLE: Duration = Duration::from_secs(10);

/// The queue of the process.
pub(crate) fn queue() -> &'static Queue {
    static QUEUE: OnceLock<Queue> = OnceLock::new();
    QUEUE.get_or_init(|| Queue::new(Watch::Nobody))
}

/// Starts the thread that a registration asked for.
///
/// # Panics
/// If the system has no thread to give. The next registration tries again.
pub(crate) fn start(queue: &'static Queue) {
    if let Err(error) = thread::spawn("aio-timer", move || look_after(queue, IDLE)) {
        queue.state.lock().watch = Watch::Nobody;
        panic!("failed to start the thread `aio-timer`: {error}");
    }
}

/// Wakes what is due when it is due, until there were no timers for as long as `idle`.
fn look_after(queue: &Queue, idle: Duration) {
    loop {
        queue.fire_due();
        if !wait(queue, aio_core::now(), idle) {
            return;
        }
    }
}

/// Waits until the next deadline, or until there is an earlier one; `false` if there were no timers for as long as
/// `idle`, and nobody looks after the queue any more. May return early.
pub(crate) fn wait(queue: &Queue, now: Instant, idle: Duration) -> bool {
    let mut state = queue.state.lock();
    let next = state.next_deadline();
    if next.is_past(now) {
        return true;
    }
    state.watch = Watch::Until(next);
    drop(state);
    let time_is_up = queue.earlier.listen(next.remaining(now).unwrap_or(idle));
    let mut state = queue.state.lock();
    let ends = time_is_up && state.next_deadline() == Deadline::NEVER;
    state.watch = if ends { Watch::Nobody } else { Watch::Awake };
    !ends
}

#[cfg(all(test, not(aio_loom)))]
mod tests;
