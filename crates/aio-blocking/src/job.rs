//! One job: first the closure, then its result, in one allocation which the awaiter and the pool share.
//!
//! ```text
//!   NEW ──1──▶ QUEUED ──2──▶ RUNNING ──3──▶ DONE
//!    │          │   │           │             │
//!    4          5   6           7             8
//!    ▼          ▼   │           ▼             ▼
//!   GONE      GONE  └─▶ DONE   GONE         GONE
//! ```
//! 1. [`Work::enqueue`]: the awaiter polled for the first time.
//! 2. [`Run::run`] takes the closure out.
//! 3. [`Run::run`] puts its result in and hands out the waker of the awaiter.
//! 4. The closure is dropped with the job: nobody ever polled.
//! 5. [`Work::abandon`]: the awaiter is dropped. So is the closure, there and then; [`Run::run`] will find nothing.
//! 6. [`Run::refuse`]: the pool is shut down, or has no thread for a job that was [held](crate::steps) so far.
//! 7. [`Work::abandon`]: the awaiter is dropped. [`Run::run`] will find nobody to give the result to, and drops it.
//! 8. [`Work::poll`] or [`Work::abandon`] takes the result.
//!
//! Every edge is taken under the lock of the job, and only moves values; what is to be called or dropped is called or
//! dropped after the lock was released.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
// facade: loom's cannot hold a trait object. What the models are about is the lock inside.
use std::sync::Arc;
use std::task::{Poll, Waker};

use aio_base::live::{Kind, Live};
use aio_base::{Home, Panics, Shared};
use aio_core::Context;

use crate::pool::Refused;

const POLLED_AGAIN: &str = "`ToThread` polled after it was ready";

/// A job as the pool sees it.
pub(crate) trait Run: Send + Sync {
    /// Runs the closure, unless it was cancelled. Returns whom to wake.
    fn run(self: Arc<Self>) -> Option<Waker>;

    /// Drops the closure, unless it was cancelled, since the pool will not run it, for this reason; `panics` keeps that
    /// of its destructor. Returns whom to wake.
    fn refuse(self: Arc<Self>, why: Refused, panics: &mut Panics) -> Option<Waker>;
}

/// A job as the awaiter sees it.
pub(crate) trait Work<T>: Run {
    /// Makes the job ready to be given to a pool, which runs it in `context`.
    fn enqueue(&self, context: Context, waker: Waker);

    /// The result, if there is one; otherwise `waker` will be woken in place of the waker there.
    fn poll(&self, waker: &Waker) -> Poll<Outcome<T>>;

    /// The awaiter is gone. Drops what has become superfluous. Whether the job was still in the queue.
    fn abandon(&self) -> bool;
}

/// How a job ended.
pub(crate) enum Outcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    Refused,
}

/// Under a lock that values are only moved under, so a brief one.
type Locked<T> = <Shared as Home>::Exclusive<T>;

pub(crate) struct Job<F, T> {
    stage: Locked<Stage<F, T>>,
    _live: Live,
}

enum Stage<F, T> {
    New(F),
    Queued { f: F, context: Context, waker: Waker },
    Running(Waker),
    Done(Outcome<T>),
    Gone,
}

impl<F, T> Job<F, T> {
    pub(crate) fn new(f: F) -> Self {
        Self { stage: Locked::new(Stage::New(f)), _live: Live::new(Kind::Job) }
    }

    /// Edges 3, 6 and 7: leaves the outcome for the awaiter and returns whom to wake; or gives it back, if there is
    /// nobody.
    fn complete(&self, outcome: Outcome<T>) -> Result<Waker, Outcome<T>> {
        let mut stage = self.stage.lock();
        match mem::replace(&mut *stage, Stage::Gone) {
            Stage::Running(waker) => {
                *stage = Stage::Done(outcome);
                Ok(waker)
            }
            _ => Err(outcome),
        }
    }

    /// Edge 2, or the first half of 6: takes the closure, unless it was cancelled.
    fn take(&self) -> Option<(F, Context)> {
        let mut stage = self.stage.lock();
        match mem::replace(&mut *stage, Stage::Gone) {
            Stage::Queued { f, context, waker } => {
                *stage = Stage::Running(waker);
                Some((f, context))
            }
            _ => None,
        }
    }
}

impl<F, T> Run for Job<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(self: Arc<Self>) -> Option<Waker> {
        let (f, context) = self.take()?;
        let outcome = match catch_unwind(AssertUnwindSafe(move || context.enter(f))) {
            Ok(value) => Outcome::Returned(value),
            Err(payload) => Outcome::Panicked(payload),
        };
        self.complete(outcome).ok()
    }

    fn refuse(self: Arc<Self>, why: Refused, panics: &mut Panics) -> Option<Waker> {
        let taken = self.take()?;
        // First: whoever finds that it was refused may rely on what the destructor of the closure does.
        panics.catch(|| drop(taken));
        self.complete(match why {
            Refused::Closed => Outcome::Refused,
            Refused::NoThread(_) => Outcome::Panicked(Box::new(format!("to_thread: {why}"))),
        })
        .ok()
    }
}

impl<F, T> Work<T> for Job<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn enqueue(&self, context: Context, waker: Waker) {
        let mut stage = self.stage.lock();
        *stage = match mem::replace(&mut *stage, Stage::Gone) {
            Stage::New(f) => Stage::Queued { f, context, waker },
            _ => panic!("{POLLED_AGAIN}"),
        };
    }

    fn poll(&self, waker: &Waker) -> Poll<Outcome<T>> {
        // Cloned before the lock is taken, for which the first look is: most polls find the result.
        let mut new = None;
        loop {
            let mut stage = self.stage.lock();
            match &mut *stage {
                Stage::Done(_) => {
                    let Stage::Done(outcome) = mem::replace(&mut *stage, Stage::Gone) else { unreachable!() };
                    return Poll::Ready(outcome);
                }
                Stage::Queued { waker: old, .. } | Stage::Running(old) => {
                    if old.will_wake(waker) {
                        return Poll::Pending;
                    }
                    if let Some(new) = new.take() {
                        let old = mem::replace(old, new);
                        drop(stage);
                        drop(old);
                        return Poll::Pending;
                    }
                }
                Stage::New(_) | Stage::Gone => panic!("{POLLED_AGAIN}"),
            }
            drop(stage);
            new = Some(waker.clone());
        }
    }

    fn abandon(&self) -> bool {
        let stage = mem::replace(&mut *self.stage.lock(), Stage::Gone);
        matches!(stage, Stage::Queued { .. })
    }
}
