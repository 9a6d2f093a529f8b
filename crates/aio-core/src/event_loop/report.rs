//! What the workers of a loop are at, for people: the `Debug` of a [`Handle`](super::Handle).
//!
//! Each number is looked up by itself while the workers go on, so they need not fit together.

use std::fmt;

use super::scheduler::Scheduler;
use super::sleepers::State;
use super::worker::Worker;

pub(super) fn report(scheduler: &Scheduler, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let workers: Vec<_> = scheduler
        .workers()
        .iter()
        .zip(scheduler.sleepers.states())
        // One alone has nobody who wants to know whether it sleeps, and does not say so.
        .map(|(worker, state)| WorkerReport { worker, state: (!scheduler.is_single()).then_some(state) })
        .collect();
    f.debug_struct("Handle")
        .field("tasks", &scheduler.live())
        .field("injected", &scheduler.injector.len())
        .field("closing", &scheduler.is_closing())
        .field("stopping", &scheduler.is_stopping())
        .field("workers", &workers)
        .finish()
}

struct WorkerReport<'a> {
    worker: &'a Worker,
    state: Option<State>,
}

impl fmt::Debug for WorkerReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worker, state } = self;
        let mut report = f.debug_struct("Worker");
        if !worker.has_begun() {
            return report.field("thread", &format_args!("not started")).finish();
        }
        if let Some(state) = state {
            report.field("state", state);
        }
        if let Some(ring) = &worker.ring {
            report.field("ring", &ring.len());
        }
        report
            .field("mail", &worker.mailbox.len())
            .field("spawned", &worker.tally.spawned())
            .field("ended", &worker.tally.ended())
            .finish()
    }
}
