//! A job in the queue of a pool, and what ends with it.

use std::task::Waker;

use aio_core::Outside;

use crate::job::Run;
use crate::pool::contain;
use crate::steps::StepEnd;

/// A reference to a job, as the pool holds it.
// facade: loom's cannot hold a trait object
pub(crate) type Job = std::sync::Arc<dyn Run>;

/// A job in the queue.
pub(crate) struct Entry {
    pub(crate) job: Job,
    pub(crate) end: End,
}

/// What ends with a job: dropped after its awaiter was woken, and not under a lock.
pub(crate) enum End {
    /// The clock of a test stands still until then.
    Outside { _until: Outside },
    /// The loop of a test waits for it.
    Step(Box<StepEnd>),
}

impl End {
    /// Of a job that this thread submits.
    pub(crate) fn of_job() -> Self {
        Self::Outside { _until: aio_core::outside() }
    }

    pub(crate) fn of_step(end: StepEnd) -> Self {
        Self::Step(Box::new(end))
    }

    /// Does `f`, which runs the job.
    #[inline]
    pub(crate) fn during<R>(&self, f: impl FnOnce() -> R) -> R {
        match self {
            Self::Outside { .. } => f(),
            Self::Step(end) => end.during(f),
        }
    }
}

/// A job that was run.
pub(crate) struct Done {
    pub(crate) awaiter: Option<Waker>,
    pub(crate) end: End,
}

impl Done {
    /// Wakes the awaiter.
    pub(crate) fn finish(done: Option<Self>) {
        if let Some(Self { awaiter, end }) = done {
            wake(awaiter);
            drop(end);
        }
    }
}

/// Wakes, if there is anybody.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        contain(|| waker.wake());
    }
}
