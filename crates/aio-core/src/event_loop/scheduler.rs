//! What all workers of a loop have in common.

use std::ptr::NonNull;
use std::sync::{Arc, OnceLock}; // facade: shared data without a protocol; set before the loop runs

use aio_base::Deadline;
use aio_base::sync::Mutex;
use aio_base::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::injector::Injector;
use super::locals::Locals;
use super::lookout::Lookout;
use super::mailbox::{Mail, Owned};
use super::slab::Outside;
use super::sleepers::Sleepers;
use super::threads::Threads;
use super::worker::Worker;
use crate::failure::Handler;
use crate::task::{Header, Reasons, TaskRef, Watchers, acquire_running};

pub(crate) struct Scheduler {
    workers: Box<[Worker]>,
    /// Tasks that no worker has yet. Where there is one worker, its mailbox has them.
    pub(super) injector: Injector<Header>,
    pub(super) sleepers: Sleepers,
    pub(super) threads: Threads,
    pub(super) lookout: Lookout,
    on_failure: OnceLock<Handler>,
    /// Of tasks that may cross threads.
    pub(crate) watchers: Mutex<Watchers>,
    pub(crate) reasons: Reasons,
    pub(super) locals: Locals,
    outside: Spawns,
    /// The loop ends: who runs out of work tells the first worker.
    closing: AtomicBool,
    /// By when; set before.
    closing_by: OnceLock<Deadline>,
    /// All has ended; the workers do as well.
    stopping: AtomicBool,
    /// How many workers have ended.
    stopped: AtomicUsize,
}

/// What threads that are no workers have spawned.
struct Spawns {
    slab: Mutex<Memory>,
    spawned: AtomicUsize,
    refused: AtomicUsize,
}

/// It keeps the scheduler, so it has to end with the loop.
enum Memory {
    Unused,
    Open(Box<Outside>),
    Closed,
}

impl Scheduler {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            workers: (0..workers).map(|_| Worker::new(this.as_ptr(), workers == 1)).collect(),
            injector: Injector::new(),
            sleepers: Sleepers::new(workers),
            threads: Threads::new(workers),
            lookout: Lookout::new(),
            on_failure: OnceLock::new(),
            watchers: Mutex::new(Watchers::default()),
            reasons: Reasons::default(),
            locals: Locals::default(),
            outside: Spawns {
                slab: Mutex::new(Memory::Unused),
                spawned: AtomicUsize::new(0),
                refused: AtomicUsize::new(0),
            },
            closing: AtomicBool::new(false),
            closing_by: OnceLock::new(),
            stopping: AtomicBool::new(false),
            stopped: AtomicUsize::new(0),
        })
    }

    pub(super) fn workers(&self) -> &[Worker] {
        &self.workers
    }

    #[inline]
    pub(super) fn is_single(&self) -> bool {
        self.workers.len() == 1
    }

    /// The first worker, by which the loop is known.
    #[inline]
    pub(crate) fn first_ptr(&self) -> *const Worker {
        self.workers.as_ptr()
    }

    /// Who is told of failures. The first that is set counts.
    pub(super) fn set_on_failure(&self, handler: Handler) {
        drop(self.on_failure.set(handler));
    }

    pub(crate) fn on_failure(&self) -> Option<&Handler> {
        self.on_failure.get()
    }

    /// Gives a task that the caller owns to whichever worker comes first; on a thread that is none.
    ///
    /// # Errors
    /// The task, after the end of the loop.
    pub(crate) fn inject(&self, task: NonNull<Header>) -> Result<(), NonNull<Header>> {
        if let [worker] = &*self.workers {
            return worker.send(Mail::Run(Owned(task))).map_err(|_| task);
        }
        self.injector.push(task)?;
        self.notify();
        Ok(())
    }

    /// The same for a task that was just made.
    ///
    /// # Errors
    /// As [`inject`](Self::inject).
    pub(crate) fn inject_new(&self, task: NonNull<Header>) -> Result<(), NonNull<Header>> {
        // Release, as in `Tally`.
        self.outside.spawned.fetch_add(1, Ordering::Release);
        self.inject(task).inspect_err(|_| {
            self.outside.refused.fetch_add(1, Ordering::Release);
        })
    }

    /// A block for a task, on a thread that is no worker.
    pub(crate) fn allocate_outside(this: &Arc<Self>, layout: std::alloc::Layout) -> NonNull<u8> {
        let mut memory = this.outside.slab.lock();
        if matches!(*memory, Memory::Unused) {
            *memory = Memory::Open(Box::new(Outside::new(this.clone(), this.first_ptr().cast())));
        }
        match &*memory {
            Memory::Open(slab) => slab.allocate(layout),
            // For one task that will not run; the slab ends with it.
            _ => Outside::new(this.clone(), this.first_ptr().cast()).allocate(layout),
        }
    }

    /// There is work for whoever has none: wakes one, if none is on its way.
    pub(super) fn notify(&self) {
        if let Some(worker) = self.sleepers.notify() {
            self.wake(worker);
        }
    }

    /// Unparks a worker, or starts its thread.
    pub(super) fn wake(&self, worker: usize) {
        if self.workers[worker].has_begun() {
            self.workers[worker].unpark();
        } else if !self.threads.start(worker) {
            // It counts as awake from now on, and the others do its part.
            if let Some(other) = self.sleepers.stop_searching(worker, || self.has_work()) {
                self.wake(other);
            }
        }
    }

    /// Whether there is a task that any worker may run.
    pub(super) fn has_work(&self) -> bool {
        !self.injector.is_empty()
            || self.workers.iter().any(|worker| worker.ring.as_ref().is_some_and(|ring| !ring.is_empty()))
    }

    /// How many tasks there are that have not ended.
    ///
    /// Zero is certain, if no thread but the workers spawns: ends are counted before spawns, and who sees an end sees
    /// all spawns before it; so if all that were spawned had ended already when the ends were counted, there was nobody
    /// left to spawn.
    pub(super) fn live(&self) -> usize {
        let refused = self.outside.refused.load(Ordering::Acquire);
        let ended = self.workers.iter().fold(refused, |sum, worker| sum.wrapping_add(worker.tally.ended()));
        let outside = self.outside.spawned.load(Ordering::Acquire);
        let spawned = self.workers.iter().fold(outside, |sum, worker| sum.wrapping_add(worker.tally.spawned()));
        spawned.wrapping_sub(ended)
    }

    /// The tasks that may cross threads and have not ended.
    pub(super) fn shared_tasks(&self, tasks: &mut Vec<TaskRef>) {
        // The references are made under the lock of each account; that makes no block free.
        let mut visit = |block| {
            // SAFETY: the blocks of this kind hold such tasks, and stay while they are visited.
            tasks.extend(unsafe { crate::task::in_block(block) }.and_then(|task| unsafe { acquire_running(task) }));
        };
        for worker in &self.workers {
            if let Some(account) = worker.account() {
                account.for_each_mobile(&mut visit);
            }
        }
        let outside = match &*self.outside.slab.lock() {
            Memory::Open(slab) => Some(slab.account()),
            _ => None,
        };
        if let Some(account) = outside {
            account.for_each_mobile(&mut visit);
        }
    }

    pub(super) fn set_closing(&self, by: Deadline) {
        let _ = self.closing_by.set(by);
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        // Relaxed: it is seen before the next park, or the first worker is told by the one after.
        self.closing.load(Ordering::Relaxed)
    }

    /// By when everything is to have ended, if it is closing.
    pub(super) fn closing_by(&self) -> Deadline {
        self.closing_by.get().copied().unwrap_or(Deadline::NEVER)
    }

    /// Has the workers end that run; returns how many these are. No further ones begin.
    pub(super) fn stop_workers(&self) -> usize {
        // Those that never ran are not to be woken any more. If a notifier has just chosen one, it will find another.
        let never = self.threads.close();
        for worker in never {
            let _ = self.sleepers.wake_up(worker);
        }
        self.stopping.store(true, Ordering::Release);
        // By mail: a worker that just begins, and cannot be unparked yet, looks into its mailbox first; either it sees
        // the mail, and `stopping` by that lock, or who sends sees how to unpark it.
        for worker in &self.workers[1..] {
            drop(worker.send(Mail::Call(Box::new(|_| {}))));
        }
        self.threads.running()
    }

    #[inline]
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// A worker has ended, but for its thread.
    pub(super) fn note_stopped(&self) {
        self.stopped.fetch_add(1, Ordering::Release);
        self.workers[0].unpark();
    }

    pub(super) fn stopped(&self) -> usize {
        self.stopped.load(Ordering::Acquire)
    }

    /// Takes no more tasks from other threads, if there is none left.
    pub(super) fn close_if_empty(&self) -> bool {
        // Both or none: while the loop goes on, a wake must not be refused.
        if !self.workers[0].mailbox.close_if_empty_and(|| self.is_single() || self.injector.close_if_empty()) {
            return false;
        }
        let memory = std::mem::replace(&mut *self.outside.slab.lock(), Memory::Closed);
        drop(memory);
        true
    }
}
