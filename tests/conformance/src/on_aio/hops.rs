//! Turns of the loop that asyncio takes and `aio` does not, so that logs can be compared in exact order.
//!
//! - asyncio tells the loop of the end of the main task by a callback, and everything that is ready takes one more turn
//!   before the program is torn down: [`last_turn`].
//! - asyncio tells a group of the end of a child by a callback, at the next turn, and then the parent by a future, at
//!   the one after: [`Settling`] counts the children of which the group would not know yet, and
//!   [`settle`](Settling::settle) takes the turns.
//! - asyncio cuts the body of a group at the turn after that callback, `aio` in its place:
//!   [`catch_up`](Settling::catch_up) takes that turn, before the first cleanup of the body or, if there is none, at
//!   the end of the group.
//! - The end of a child wakes the parent in `aio`, which then polls the body too, so that it may see a turn early what
//!   has just happened otherwise: [`Undisturbed`] polls it only when it was woken itself.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::Running;
use super::world::{Flow, World, lock};

/// The last turn of the main task, after its program has ended.
pub(super) async fn last_turn() {
    aio::yield_now().await;
}

/// Children that have ended, of whose end asyncio would not have told their group yet: it does so by a callback, at the
/// next turn. The callback is a task here.
#[derive(Default)]
pub(super) struct Settling {
    pub(super) alive: Mutex<usize>,
    ends: Mutex<usize>,
    settled: aio::Event,
    /// A child has failed, and the body, if it is cut, has a turn to wait before it would be in asyncio.
    pub(super) is_early: AtomicBool,
}

impl Settling {
    pub(super) fn begin(self: Arc<Self>) {
        *lock(&self.alive) -= 1;
        *lock(&self.ends) += 1;
        self.settled.clear();
        let callback = Callback(self);
        // Also if it is cancelled, at the end of the program.
        aio::spawn(async { drop(callback) }).detach();
    }

    /// Waits the turn by which the body was cut too early, once.
    pub(super) async fn catch_up(&self) {
        if self.is_early.swap(false, Ordering::Relaxed) {
            aio::yield_now().await;
        }
    }

    /// Waits as long as asyncio does after the last child has ended, if `waited` for it.
    pub(super) async fn settle(&self, world: &World, waited: bool) -> Flow {
        if *lock(&self.ends) > 0 {
            world.wait(self.settled.wait()).await
        } else if waited {
            world.wait(aio::yield_now()).await
        } else {
            Ok(())
        }
    }
}

/// A future that is polled only when it was woken. The end of a child wakes the task of its group, and the body would
/// see what has happened otherwise a turn early.
pub(super) struct Undisturbed {
    future: Running<Flow>,
    alarm: Arc<Alarm>,
}

struct Alarm {
    rang: AtomicBool,
    waker: Mutex<Waker>,
}

impl Undisturbed {
    pub(super) fn new(future: Running<Flow>) -> Self {
        let alarm = Alarm { rang: AtomicBool::new(true), waker: Mutex::new(Waker::noop().clone()) };
        Self { future, alarm: Arc::new(alarm) }
    }
}

impl Future for Undisturbed {
    type Output = Flow;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Flow> {
        lock(&self.alarm.waker).clone_from(cx.waker());
        if !self.alarm.rang.swap(false, Ordering::Relaxed) {
            return Poll::Pending;
        }
        let waker = Waker::from(self.alarm.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rang.store(true, Ordering::Relaxed);
        let waker = lock(&self.waker).clone();
        waker.wake();
    }
}

struct Callback(Arc<Settling>);

impl Drop for Callback {
    fn drop(&mut self) {
        let mut ends = lock(&self.0.ends);
        *ends -= 1;
        if *ends == 0 {
            drop(ends);
            self.0.settled.set();
        }
    }
}
