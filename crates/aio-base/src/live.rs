//! Counters of everything that can leak.
//!
//! They exist in builds with debug assertions and cost nothing without; [`ENABLED`] says which build this is. A type
//! that must not leak holds a [`Live`] token; a test wraps its body in [`leak_check`].
//!
//! These counters are those of the process. Tests that run side by side have an [`Account`] each.

mod account;
#[cfg(all(test, not(aio_loom)))]
mod tests;

use std::fmt;
#[cfg(all(debug_assertions, not(aio_loom)))]
use std::sync::atomic::{AtomicIsize, Ordering}; // facade: a statistic of test builds, absent under loom
use std::sync::{Mutex, PoisonError}; // facade: tests take turns, models do not come here

pub use account::{Account, Charged};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A task that has not ended, or whose memory is still referred to.
    Task,
    /// A place in a queue of a lock, an event and the like.
    Waiter,
    /// A timer in a queue.
    Timer,
    /// A registration with a scope, a group or a loop.
    Registration,
    /// A cleanup that has not ended.
    Finalizer,
    /// A thread that belongs to a loop and has not been joined. (Threads of the process, such as the fallback timer,
    /// outlive a test and are not counted.)
    Thread,
    /// A job for a blocking pool.
    Job,
}

const KINDS: [Kind; 7] =
    [Kind::Task, Kind::Waiter, Kind::Timer, Kind::Registration, Kind::Finalizer, Kind::Thread, Kind::Job];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Task => "task",
            Self::Waiter => "waiter",
            Self::Timer => "timer",
            Self::Registration => "registration",
            Self::Finalizer => "cleanup",
            Self::Thread => "thread",
            Self::Job => "blocking job",
        })
    }
}

/// Whether this build counts.
pub const ENABLED: bool = cfg!(all(debug_assertions, not(aio_loom)));

#[cfg(all(debug_assertions, not(aio_loom)))]
static COUNTS: [AtomicIsize; KINDS.len()] = [const { AtomicIsize::new(0) }; KINDS.len()];

// Everything that can leak has one in it.
#[cfg(all(debug_assertions, not(aio_loom)))]
const _: () = assert!(size_of::<Live>() <= 4);

/// Counts one as long as it exists. Without size where nothing is counted.
#[derive(Debug)]
pub struct Live {
    #[cfg(all(debug_assertions, not(aio_loom)))]
    kind: Kind,
    /// Of the thread that made it.
    #[cfg(all(debug_assertions, not(aio_loom)))]
    account: account::Number,
}

impl Live {
    /// One more of `kind`.
    pub fn new(kind: Kind) -> Self {
        #[cfg(all(debug_assertions, not(aio_loom)))]
        {
            // Relaxed: a statistic; it is read after the threads that wrote it were joined or answered.
            COUNTS[kind as usize].fetch_add(1, Ordering::Relaxed);
            Self { kind, account: account::Number::charge(kind) }
        }
        #[cfg(not(all(debug_assertions, not(aio_loom))))]
        {
            let _ = kind;
            Self {}
        }
    }
}

#[cfg(all(debug_assertions, not(aio_loom)))]
impl Drop for Live {
    fn drop(&mut self) {
        COUNTS[self.kind as usize].fetch_sub(1, Ordering::Relaxed);
        self.account.discharge(self.kind);
    }
}

/// How many of `kind` exist; zero where nothing is counted.
pub fn count(kind: Kind) -> isize {
    #[cfg(all(debug_assertions, not(aio_loom)))]
    return COUNTS[kind as usize].load(Ordering::Relaxed);
    #[cfg(not(all(debug_assertions, not(aio_loom))))]
    {
        let _ = kind;
        0
    }
}

/// Runs a test, one at a time in this process, and asserts that it left nothing behind.
///
/// # Panics
/// If a counter differs from what it was before `test`. What a thread is still about to drop gets five seconds.
#[track_caller]
pub fn leak_check<R>(test: impl FnOnce() -> R) -> R {
    check(test, 500)
}

#[track_caller]
fn check<R>(test: impl FnOnce() -> R, looks: u32) -> R {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let before = KINDS.map(count);
    let result = test();
    let leaks = || {
        let left = KINDS.iter().zip(before).map(|(&kind, before)| (kind, count(kind) - before));
        left.filter(|&(_, more)| more != 0).collect::<Vec<_>>()
    };
    for _ in 0..looks {
        if leaks().is_empty() {
            break;
        }
        // facade: the threads looked for are real ones.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let leaks = leaks();
    assert!(leaks.is_empty(), "left behind (negative: dropped twice, or left by an earlier test): {leaks:?}");
    result
}
