//! The end of a loop.
//!
//! 1. All tasks of all workers are cancelled and run to their ends, again and again until there is none: what ends may
//!    spawn. The first worker tells the others, and hears of it when they run out of work.
//! 2. The other workers end. What is left for them to do then, the first one does.
//! 3. The values of the loop are dropped. What they do in their destructors is ended as well.
//! 4. The loop takes no more tasks from other threads.

use aio_base::sync::{Arc, Mutex};
use aio_base::{Deadline, Panics};

use super::core::Core;
use super::mailbox::Mail;
use super::{POLLS_BETWEEN_LOOKS, is_due, run_until};
use crate::driver::Driver;
use crate::reason::Reason;
use crate::task::TaskRef;

/// Ends everything, on the first worker. Tasks that have not ended by the deadline are given up. Returns the first
/// panic of a value of the loop.
pub(super) fn end_loop(core: &Core, driver: &mut impl Driver, deadline: Deadline) -> Panics {
    let mut panics = Panics::new();
    let mut has_workers = !core.scheduler().is_single();
    core.scheduler().set_closing(deadline);
    loop {
        if core.scheduler().live() > 0 {
            end_tasks(core, driver, deadline);
        } else if core.has_ready() {
            // A task that was woken in its last turn is still in the queue.
            core.run_some(POLLS_BETWEEN_LOOKS);
        } else if has_workers {
            stop_workers(core, driver, deadline);
            has_workers = false;
        } else {
            core.known_locals.forget();
            core.scheduler().locals.clear(&mut panics);
            if core.close_loop_if_idle() {
                return panics;
            }
        }
    }
}

/// Cancels the tasks that there are, and runs on until they have ended.
fn end_tasks(core: &Core, driver: &mut impl Driver, deadline: Deadline) {
    let mut tasks = all_tasks(core, driver);
    let too_late = is_due(deadline);
    for task in &tasks {
        task.cancel_with(Reason::Shutdown);
        if too_late {
            task.give_up();
        }
    }
    // Who is given up ends at his next turn.
    let deadline = if too_late { Deadline::NEVER } else { deadline };
    run_until(core, driver, deadline, || {
        while tasks.last().is_some_and(TaskRef::is_finished) {
            tasks.pop();
        }
        tasks.is_empty()
    });
}

/// The tasks of all workers that have not ended, in the order of their spawns.
fn all_tasks(core: &Core, driver: &mut impl Driver) -> Vec<TaskRef> {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let mut asked = 0;
    for worker in core.scheduler().workers()[1..].iter().filter(|worker| worker.has_begun()) {
        let answers = answers.clone();
        let question = move |core: &Core| {
            answers.lock().push(core.local_tasks());
            core.scheduler().workers()[0].unpark();
        };
        // A worker that has ended has no tasks.
        asked += usize::from(worker.send(Mail::Call(Box::new(question))).is_ok());
    }
    run_until(core, driver, Deadline::NEVER, || answers.lock().len() == asked);
    let mut tasks = core.all_tasks();
    tasks.extend(answers.lock().drain(..).flatten());
    tasks.sort_by_key(TaskRef::id);
    tasks
}

/// Has the other workers end, and takes over what they leave.
fn stop_workers(core: &Core, driver: &mut impl Driver, deadline: Deadline) {
    let scheduler = core.scheduler();
    let running = scheduler.stop_workers();
    let have_stopped = || scheduler.stopped() == running;
    while !have_stopped() {
        // What was spawned when all seemed to have ended is cancelled as before, or they might not come to their ends.
        if scheduler.live() > 0 {
            end_tasks(core, driver, deadline);
        }
        run_until(core, driver, Deadline::NEVER, || have_stopped() || scheduler.live() > 0);
    }
    scheduler.threads.join();
    scheduler.lookout.close();
}

/// The end of a worker but the first, which goes on to cancel what there still is.
pub(super) fn end_worker(core: &Core, driver: &mut impl Driver) {
    run_until(core, driver, Deadline::NEVER, || core.close_if_idle());
    core.step_back();
    core.scheduler().note_stopped();
}

#[cfg(all(test, not(aio_loom)))]
mod tests;
