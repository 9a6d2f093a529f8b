//! A thread that waits for a token.
//!
//! ```text
//!          ──1 park──▶
//!   EMPTY               PARKED
//!    ▲  │  ◀─5 expire─    │
//!  4 │  │ 2               │ 3
//!    │  ▼                 │
//!   NOTIFIED ◀────────────┘
//! ```
//! 1. [`Parker::park`] finds no token and blocks.
//! 2. [`Unparker::unpark`] leaves a token; there is nobody to wake.
//! 3. [`Unparker::unpark`] leaves a token and wakes the thread.
//! 4. [`Parker::park`] takes the token and returns.
//! 5. [`Parker::park`] gives up: its time is over, or the system woke it for nothing.

use std::fmt;
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Arc, Condvar, Mutex};

const EMPTY: u8 = 0;
const PARKED: u8 = 1;
const NOTIFIED: u8 = 2;

/// Blocks its thread until somebody with an [`Unparker`] leaves a token.
#[derive(Debug)]
pub struct Parker(Arc<State>);

/// Leaves the token. A [`Waker`] can be made from it.
#[derive(Debug, Clone)]
pub struct Unparker(Arc<State>);

struct State {
    state: AtomicU8,
    /// Held by the parking thread from edge 1 until it sleeps, and by edge 3 before it notifies, so that the
    /// notification cannot fall between the two.
    lock: Mutex<()>,
    token_left: Condvar,
}

impl Parker {
    /// Without a token.
    pub fn new() -> Self {
        Self(Arc::new(State { state: AtomicU8::new(EMPTY), lock: Mutex::new(()), token_left: Condvar::new() }))
    }

    /// The other end.
    pub fn unparker(&self) -> Unparker {
        Unparker(self.0.clone())
    }

    /// Takes the token; waits for it if there is none, at most for `timeout` (`None`: without end). May return early
    /// and without a token.
    pub fn park(&mut self, timeout: Option<Duration>) {
        let this = &*self.0;
        if this.take_token() || timeout == Some(Duration::ZERO) {
            return;
        }
        let guard = this.lock.lock();
        // Relaxed: if a token came meanwhile, `take_token` below acquires it; if not, edge 3 releases it to us.
        if this.state.compare_exchange(EMPTY, PARKED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            this.take_token();
            return;
        }
        match timeout {
            None => drop(this.token_left.wait(guard)),
            Some(timeout) => drop(this.token_left.wait_timeout(guard, timeout)),
        }
        // Acquire pairs with the Release of `unpark`, as in `take_token`: edges 4 and 5.
        this.state.swap(EMPTY, Ordering::Acquire);
    }
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Unparker {
    /// Leaves a token, and wakes the thread if it is parked.
    pub fn unpark(&self) {
        self.0.unpark();
    }
}

impl From<Unparker> for Waker {
    #[cfg(not(aio_loom))]
    fn from(unparker: Unparker) -> Self {
        unparker.0.into()
    }

    /// Loom's `Arc` is not std's: one more box around it.
    #[cfg(aio_loom)]
    fn from(unparker: Unparker) -> Self {
        struct Outer(Arc<State>);
        impl Wake for Outer {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.unpark();
            }
        }
        // facade: what `Wake` asks for
        std::sync::Arc::new(Outer(unparker.0)).into()
    }
}

impl State {
    fn take_token(&self) -> bool {
        // Acquire pairs with the Release of `unpark`: what the other thread did before it is visible after `park`.
        self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn unpark(&self) {
        // Release pairs with the Acquire of edge 4. Written even if a token is there, so that the last `unpark` pairs.
        if self.state.swap(NOTIFIED, Ordering::Release) == PARKED {
            drop(self.lock.lock());
            self.token_left.notify_one();
        }
    }
}

#[cfg(not(aio_loom))]
impl Wake for State {
    fn wake(self: std::sync::Arc<Self>) {
        self.unpark();
    }
    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.unpark();
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot for people.
        f.write_str(match self.state.load(Ordering::Relaxed) {
            EMPTY => "Empty",
            PARKED => "Parked",
            _ => "Notified",
        })
    }
}

#[cfg(all(test, aio_loom))]
mod tests {
    use super::*;
    use crate::sync::atomic::AtomicUsize;
    use crate::thread;

    /// The token is left before, between and after the steps of `park`; a lost one would leave the model blocked.
    #[test]
    fn a_token_left_at_any_moment_ends_the_park() {
        loom::model(|| {
            let mut parker = Parker::new();
            let unparker = parker.unparker();
            let data = Arc::new(AtomicUsize::new(0));
            let theirs = data.clone();
            let other = thread::spawn("", move || {
                theirs.store(1, Ordering::Relaxed);
                unparker.unpark();
            })
            .unwrap();
            parker.park(None);
            // The token carries what was written before it. (Loom's condition variable never wakes for nothing.)
            assert_eq!(data.load(Ordering::Relaxed), 1);
            other.join().unwrap();
        });
    }

    /// Two tokens may melt into one, but never into none.
    #[test]
    fn two_tokens_from_two_threads_end_one_park() {
        loom::model(|| {
            let mut parker = Parker::new();
            let threads = [(); 2].map(|()| {
                let unparker = parker.unparker();
                thread::spawn("", move || unparker.unpark()).unwrap()
            });
            parker.park(None);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }
}
