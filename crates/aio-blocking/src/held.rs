//! Jobs that are [steps](crate::steps) of a test: they are begun when it wants, but in no order in which the threads of
//! the pool could not begin them.
//!
//! A pool with `n` threads begins its jobs in the order in which they came, and has up to `n` of them at a time. So one
//! may be done next if fewer than `n` that came before it are not: that is its *turn*.

use std::mem;
use std::sync::Arc; // facade: as of the job and its gate
use std::task::{Poll, Waker};

use aio_base::Panics;

use crate::entry::{Job, wake};
use crate::gate::Gate;
use crate::pool::Refused;

/// In the order in which they came, those that have begun and not ended included.
pub(crate) struct Held {
    max_threads: usize,
    jobs: Vec<HeldJob>,
}

struct HeldJob {
    job: Job,
    /// Once it has begun.
    gate: Option<Arc<Gate>>,
    /// Who waits for its turn.
    waker: Option<Waker>,
}

impl Held {
    pub(crate) const fn new(max_threads: usize) -> Self {
        Self { max_threads, jobs: Vec::new() }
    }

    pub(crate) fn push(&mut self, job: Job) {
        self.jobs.push(HeldJob { job, gate: None, waker: None });
    }

    /// Whether it is the turn of `job`, or it is not here any more. Otherwise keeps the waker, and gives back a former
    /// one.
    pub(crate) fn poll_turn(&mut self, job: &Job, waker: &mut Option<Waker>) -> Poll<()> {
        match self.position(job) {
            Some(position) if position >= self.max_threads => {
                mem::swap(&mut self.jobs[position].waker, waker);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Notes that `job` is in the queue from now on, whether it is its turn or not; `false` if it has begun already, or
    /// is not here any more.
    pub(crate) fn begin(&mut self, job: &Job, gate: Arc<Gate>) -> bool {
        match self.position(job) {
            Some(position) if self.jobs[position].gate.is_none() => {
                self.jobs[position].gate = Some(gate);
                true
            }
            _ => false,
        }
    }

    /// Takes `job` out, if it has not begun.
    pub(crate) fn withdraw(&mut self, job: &Job) -> Removed {
        let position = self.position(job).filter(|&position| self.jobs[position].gate.is_none());
        self.remove(position)
    }

    /// Takes `job` out, which has ended.
    pub(crate) fn end(&mut self, job: &Job) -> Removed {
        let position = self.position(job);
        self.remove(position)
    }

    /// Takes out all.
    pub(crate) fn close(&mut self) -> Removed {
        Removed { jobs: mem::take(&mut self.jobs), next: None }
    }

    fn position(&self, job: &Job) -> Option<usize> {
        let address = Arc::as_ptr(job);
        self.jobs.iter().position(|held| std::ptr::addr_eq(Arc::as_ptr(&held.job), address))
    }

    fn remove(&mut self, position: Option<usize>) -> Removed {
        let jobs = position.map(|position| self.jobs.remove(position)).into_iter().collect();
        // At most one more has its turn. (If that is not new, nobody waits for it.)
        let next = self.jobs.get_mut(self.max_threads - 1).and_then(|held| held.waker.take());
        Removed { jobs, next }
    }
}

/// What is to be done without the lock after jobs were taken out.
#[must_use = "somebody may have to be woken"]
pub(crate) struct Removed {
    jobs: Vec<HeldJob>,
    /// Who waits for a turn that has come.
    next: Option<Waker>,
}

impl Removed {
    pub(crate) fn finish(self) {
        wake(self.next);
    }

    /// The pool was shut down: refuses the jobs that have not begun, and lets the others go on by themselves. Who drops
    /// the pool waits for them, and that may be the loop that would have to let them go on.
    pub(crate) fn refuse(self, panics: &mut Panics) {
        for HeldJob { job, gate, waker } in self.jobs {
            if let Some(gate) = gate {
                gate.open();
                continue;
            }
            let awaiter = job.refuse(Refused::Closed, panics);
            panics.catch(|| awaiter.map(Waker::wake));
            // It will find that nothing is left to be done.
            wake(waker);
        }
    }
}
