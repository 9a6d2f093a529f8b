//! Random programs under seeds: what decides in them, and what they run under. (The crates below this one have it by
//! its path.)

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError}; // facade: of one thread, in futures that have to be `Send`
use std::task::Poll;
use std::time::Duration;

use aio_core::{Task, TaskHome, yield_now};
use aio_test::{Faults, Strategy, Test, random_seed};
use aio_timer::{sleep, timeout};
use fastrand::Rng;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// Runs `program` under a thousand seeds: by two strategies, with all faults, and as if others ran at the same time.
pub(crate) fn under_seeds(name: &str, program: impl AsyncFn(Dice)) {
    for strategy in [Strategy::Uniform, Strategy::Pct { depth: 3 }] {
        let test = Test::new(name).schedules(500).strategy(strategy).faults(Faults::all()).preemptive(true);
        test.run(async || program(Dice::new()).await);
    }
}

/// What decides in a random program.
pub(crate) struct Dice(Mutex<Rng>);

impl Dice {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Rng::with_seed(random_seed())))
    }

    fn with<R>(&self, throw: impl FnOnce(&mut Rng) -> R) -> R {
        throw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another one, for another task.
    pub(crate) fn fork(&self) -> Self {
        Self(Mutex::new(self.with(Rng::fork)))
    }

    /// One of `0..n`.
    pub(crate) fn below(&self, n: u32) -> u32 {
        self.with(|rng| rng.u32(..n))
    }

    pub(crate) fn one_in(&self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// Nothing, a turn of the others, or some time.
    pub(crate) async fn pause(&self) {
        match self.below(5) {
            0 | 1 => {}
            2 | 3 => yield_now().await,
            _ => sleep(self.below(5) * MS).await,
        }
    }

    /// `future`, which may be dropped before it is ready: when its time is over, or after a few polls, also if it was
    /// woken and would be ready at the next.
    pub(crate) async fn attempt<F: Future>(&self, future: F) -> Option<F::Output> {
        let how = self.below(8);
        if how >= 4 {
            return Some(future.await);
        }
        let limit = self.below(6) * MS;
        if how == 0 {
            return timeout(limit, future).await.ok();
        }
        let (mut future, mut time, mut polls) = (pin!(future), pin!(sleep(limit)), self.below(4));
        poll_fn(|cx| {
            if how == 1 && time.as_mut().poll(cx).is_ready() || how == 2 && polls == 0 {
                return Poll::Ready(None);
            }
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if how == 3 && polls == 0 => Poll::Ready(None),
                Poll::Pending => {
                    polls = polls.saturating_sub(1);
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Waits for all of them, and cancels some before; what came of each.
    pub(crate) async fn join<T, H: TaskHome>(&self, tasks: Vec<Task<T, H>>) -> Vec<Option<T>> {
        let mut outputs = Vec::new();
        for task in tasks {
            if self.one_in(4) {
                self.pause().await;
                task.cancel();
            }
            outputs.push(match task.join().await {
                Ok(output) => Some(output),
                Err(error) => {
                    assert!(error.is_cancelled(), "{error}");
                    None
                }
            });
        }
        outputs
    }
}
