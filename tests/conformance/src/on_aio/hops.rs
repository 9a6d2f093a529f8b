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
//! - The end of the last child wakes the parent in `aio`, which then polls the body too, so that it may see a turn
//!   early what has just happened otherwise: [`undisturbed`] lets it wake the parent only when the body is over.
//!
//! This is no part of what is compared, and serves both homes; so it is made of what may cross threads, whose cleanups
//! take no turn.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::lock;
use super::outcome::Flow;
use super::record::Record;

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
    doorbell: Arc<Doorbell>,
    /// A child has failed, and the body, if it is cut, has a turn to wait before it would be in asyncio.
    is_early: AtomicBool,
}

impl Settling {
    pub(super) fn begin(this: Arc<Self>) {
        *lock(&this.alive) -= 1;
        *lock(&this.ends) += 1;
        this.settled.clear();
        let callback = Callback(this);
        // Also if it is cancelled, at the end of the program.
        aio::spawn(async { drop(callback) }).detach();
    }

    /// A child fails.
    pub(super) fn fail(&self) {
        self.doorbell.has_failed.store(true, Ordering::Relaxed);
        self.is_early.store(true, Ordering::Relaxed);
    }

    /// Waits the turn by which the body was cut too early, once.
    pub(super) async fn catch_up(&self) {
        if self.is_early.swap(false, Ordering::Relaxed) {
            aio::yield_now().await;
        }
    }

    /// Waits as long as asyncio does after the last child has ended, if `waited` for it.
    pub(super) async fn settle(&self, record: &Record, waited: bool) -> Flow {
        if *lock(&self.ends) > 0 {
            record.wait(self.settled.wait()).await
        } else if waited {
            record.wait(aio::yield_now()).await
        } else {
            Ok(())
        }
    }
}

/// Runs a group without waking its task for the end of a child as long as the body goes on. What wakes the body wakes
/// the task. Gives the outcome, and whether the group waited for its children when the body was over.
pub(super) async fn undisturbed<B: Future + ?Sized, G: Future>(
    settling: &Settling,
    run: impl FnOnce(Body<B>) -> G,
    body: Pin<Box<B>>,
) -> (G::Output, bool) {
    let doorbell = settling.doorbell.clone();
    let waker = Waker::from(doorbell.clone());
    let mut run = pin!(run(Body { future: body, doorbell: doorbell.clone() }));
    let mut waited = false;
    let output = poll_fn(|cx| {
        lock(&doorbell.waker).clone_from(cx.waker());
        let poll = run.as_mut().poll(&mut Context::from_waker(&waker));
        waited |= poll.is_pending() && doorbell.body_is_gone.load(Ordering::Relaxed) && *lock(&settling.alive) > 0;
        poll
    });
    (output.await, waited)
}

/// The body of a group.
pub(super) struct Body<B: ?Sized> {
    future: Pin<Box<B>>,
    doorbell: Arc<Doorbell>,
}

impl<B: Future + ?Sized> Future for Body<B> {
    type Output = B::Output;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<B::Output> {
        // Past the waker of the group.
        let waker = lock(&self.doorbell.waker).clone();
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl<B: ?Sized> Drop for Body<B> {
    fn drop(&mut self) {
        self.doorbell.body_is_gone.store(true, Ordering::Relaxed);
    }
}

/// What a group's task is woken through.
struct Doorbell {
    has_failed: AtomicBool,
    body_is_gone: AtomicBool,
    waker: Mutex<Waker>,
}

impl Default for Doorbell {
    fn default() -> Self {
        let waker = Mutex::new(Waker::noop().clone());
        Self { has_failed: AtomicBool::new(false), body_is_gone: AtomicBool::new(false), waker }
    }
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        if self.body_is_gone.load(Ordering::Relaxed) || self.has_failed.load(Ordering::Relaxed) {
            let waker = lock(&self.waker).clone();
            waker.wake();
        }
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
