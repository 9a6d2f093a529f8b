//! A worker's part for its own thread.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc; // facade: shared data without a protocol

use aio_base::Deadline;
use aio_base::footprint::touch;

use super::locals::KnownLocals;
use super::mailbox::{Mail, Owned};
use super::queue::Queue;
use super::scheduler::Scheduler;
use super::slab::{Kind, Slab};
use super::steal_queue::Pushed;
use super::worker::{RING, Ring, Worker};
use crate::driver::Driver;
use crate::task::{self, Header, IdBlock, TaskRef, Watchers};

/// How many polls may pass before the worker looks at what comes from outside while tasks are ready: its mail, its
/// drivers, tasks that no worker has yet. That may take a look at the clock, or a system call, which cost as much as
/// several polls.
pub(super) const POLLS_BETWEEN_LOOKS: usize = 64;

/// How many tasks that no worker has yet are run at each of these looks: so many that what waits there gets on, and so
/// few that their lock is rarely taken.
const INJECTED_AT_ONCE: usize = 8;

/// For how much mail memory is kept.
const MAIL_KEPT: usize = 256;

pub(crate) struct Core {
    /// The tasks of this worker; where it is the only one, also those that may cross threads.
    queue: Queue,
    scheduler: Arc<Scheduler>,
    /// In the scheduler.
    worker: NonNull<Worker>,
    index: usize,
    pub(crate) slab: Slab,
    /// Of local tasks.
    pub(crate) watchers: RefCell<Watchers>,
    pub(crate) ids: IdBlock,
    pub(super) known_locals: KnownLocals,
    /// Where it was started, or its last run was.
    pub(super) started_at: Cell<&'static Location<'static>>,
    /// How many tasks of this turn have not run yet: of those that stay on this worker, and of the others.
    staying: Cell<usize>,
    crossing: Cell<usize>,
    /// How many polls there were since it last looked outside, when its last run ended.
    pub(super) polls: Cell<usize>,
    /// Whether it counts as searching, see `Sleepers`.
    searching: Cell<bool>,
    /// Where it looks first for something to steal.
    victim: Cell<usize>,
    /// Room for the next mail.
    read_mail: Cell<Vec<Mail>>,
    /// Whether it is in a blocking call, see [`block_in_place`](super::block_in_place()).
    is_blocked: Cell<bool>,
    /// Whether there is a lookout, as far as it depends on this worker.
    has_lookout: Cell<bool>,
}

impl Core {
    pub(super) fn new(
        scheduler: Arc<Scheduler>,
        index: usize,
        driver: &impl Driver,
        started_at: &'static Location<'static>,
    ) -> Self {
        let worker = NonNull::from(&scheduler.workers()[index]);
        let slab = Slab::new(scheduler.clone(), [worker.as_ptr().cast_const().cast(), scheduler.first_ptr().cast()]);
        let stand_in = if scheduler.is_single() { None } else { driver.stand_in() };
        scheduler.workers()[index].begin(driver.unparker(), stand_in, slab.account().clone());
        Self {
            queue: Queue::new(),
            scheduler,
            worker,
            index,
            slab,
            watchers: RefCell::default(),
            ids: IdBlock::new(),
            known_locals: KnownLocals::default(),
            started_at: Cell::new(started_at),
            polls: Cell::new(0),
            staying: Cell::new(0),
            crossing: Cell::new(0),
            searching: Cell::new(false),
            victim: Cell::new(index + 1),
            read_mail: Cell::default(),
            is_blocked: Cell::new(false),
            has_lookout: Cell::new(false),
        }
    }

    #[inline]
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    pub(crate) fn scheduler_arc(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    #[inline]
    pub(crate) fn worker(&self) -> &Worker {
        // SAFETY: it is in the scheduler, which lives as long as this.
        unsafe { self.worker.as_ref() }
    }

    #[inline]
    pub(crate) fn worker_ptr(&self) -> *const Worker {
        self.worker.as_ptr()
    }

    #[inline]
    pub(crate) fn note_spawn(&self) {
        // Who was spawned before whom is seen in the numbers of tasks, and in the order of `all_tasks`.
        touch(&raw const self.ids);
        self.worker().tally.note_spawn();
    }

    #[inline]
    pub(crate) fn note_end(&self) {
        self.worker().tally.note_end();
    }

    /// Puts a task of this worker last.
    #[inline]
    pub(crate) fn push(&self, task: NonNull<Header>) {
        self.queue.push(task);
    }

    /// Puts a task last that may cross threads, and that the caller owns.
    #[inline]
    pub(crate) fn push_shared(&self, task: NonNull<Header>) {
        match &self.worker().ring {
            None => self.queue.push(task),
            Some(ring) => self.push_to_ring(ring, task),
        }
    }

    #[inline]
    fn push_to_ring(&self, ring: &Ring, task: NonNull<Header>) {
        // SAFETY: this thread is the worker's, as it has its core.
        match unsafe { ring.push(task, &self.scheduler.injector) } {
            // The end of the batch may be far away, and what is pushed here what the blocking call waits for.
            Pushed::Kept if self.is_blocked.get() => self.scheduler.notify(),
            // A task alone comes next here, and hardly sooner elsewhere: two that wake each other stay together.
            Pushed::Kept if ring.len() < 2 => {}
            // What this misses, the look at the end of the batch does not.
            Pushed::Kept => {
                if let Some(worker) = self.scheduler.sleepers.notify_soon() {
                    self.scheduler.wake(worker);
                }
            }
            Pushed::Spilled => self.scheduler.notify(),
        }
    }

    /// Whether only something from outside can give it anything to do.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        !self.has_ready() && !self.worker().mailbox.has_mail()
    }

    #[inline]
    pub(super) fn has_ready(&self) -> bool {
        !self.queue.is_empty() || self.worker().ring.as_ref().is_some_and(|ring| !ring.is_empty())
    }

    /// Whether some of what was ready when the turn began has not run yet. A loop does not end in the middle of a turn:
    /// as in asyncio, what became ready with that which ends it runs as well.
    #[inline]
    pub(super) fn is_in_turn(&self) -> bool {
        self.staying.get() + self.crossing.get() > 0
    }

    /// Begins a turn, or goes on with one: runs what was ready when it began, not what becomes so meanwhile, but not
    /// much more than `limit` at a time. Returns how many polls that was.
    #[inline]
    pub(super) fn run_some(&self, limit: usize) -> usize {
        match &self.worker().ring {
            None => self.run_queue(limit),
            Some(ring) => self.run_both(ring, limit),
        }
    }

    #[inline]
    fn run_queue(&self, limit: usize) -> usize {
        let left = if self.staying.get() > 0 { self.staying.get() } else { self.queue.len() };
        let polls = left.min(limit);
        self.staying.set(left - polls);
        for _ in 0..polls {
            let Some(task) = self.queue.pop() else { break };
            // SAFETY: it came out of the run queue.
            unsafe { task::run_cell(task) };
        }
        polls
    }

    /// Tasks that stay and tasks that may cross threads take turns.
    fn run_both(&self, ring: &Ring, limit: usize) -> usize {
        if !self.is_in_turn() {
            self.staying.set(self.queue.len());
            self.crossing.set(ring.len());
        }
        if self.searching.get() && self.is_in_turn() {
            self.stop_searching();
        }
        let mut polls = 0;
        while self.is_in_turn() && polls < limit {
            if let Some(left) = self.staying.get().checked_sub(1) {
                self.staying.set(left);
                if let Some(task) = self.queue.pop() {
                    polls += 1;
                    // SAFETY: it came out of the run queue.
                    unsafe { task::run_cell(task) };
                }
            }
            if let Some(left) = self.crossing.get().checked_sub(1) {
                // SAFETY: this thread is the worker's.
                if let Some(task) = unsafe { ring.pop() } {
                    self.crossing.set(left);
                    polls += 1;
                    // SAFETY: it came out of a run queue.
                    unsafe { task::run_cell(task) };
                } else {
                    // Others were faster.
                    self.crossing.set(0);
                }
            }
        }
        if ring.len() > 1 {
            self.scheduler.notify();
        }
        polls
    }

    /// How many tasks are ready, where there is one worker.
    pub(crate) fn n_ready(&self) -> usize {
        self.queue.len()
    }

    /// How much there is to do, where there is one worker: while it waits, this changes with whatever comes.
    pub(crate) fn n_arrived(&self) -> usize {
        self.queue.len() + usize::from(self.worker().mailbox.has_mail())
    }

    /// The task at that place of the queue.
    pub(crate) fn ready_task(&self, place: usize) -> TaskRef {
        let task = self.queue.get(place).expect("there are not so many tasks that are ready");
        // SAFETY: what is in the queue is alive.
        unsafe { TaskRef::new(task) }
    }

    /// Gives the task at that place of the queue its turn, whatever stands before it. Afterwards only tasks that have
    /// not ended are in the queue, if it was so before.
    pub(super) fn run_ready(&self, place: usize) -> TaskRef {
        let task = self.ready_task(place);
        let run = |place| {
            if let Some(task) = self.queue.remove(place) {
                // SAFETY: it came out of the run queue.
                unsafe { task::run_cell(task) };
            }
        };
        run(place);
        if task.is_finished() {
            // It was woken in its last turn, which does nothing but end that.
            let is_it = |place: &usize| self.queue.get(*place) == Some(task.raw());
            if let Some(place) = (0..self.queue.len()).find(is_it) {
                run(place);
            }
        }
        task
    }

    /// Does what other threads asked for.
    #[inline]
    pub(super) fn read_mail(&self) {
        if self.worker().mailbox.has_mail() {
            self.read_all_mail();
        }
    }

    #[cold]
    pub(super) fn read_all_mail(&self) {
        let mut mail = self.worker().mailbox.take(self.read_mail.take());
        for mail in mail.drain(..) {
            match mail {
                Mail::Wake(task) => task.wake_asked(self),
                Mail::Run(Owned(task)) => self.push_shared(task),
                Mail::Call(call) => call(self),
            }
        }
        if mail.capacity() <= MAIL_KEPT {
            self.read_mail.set(mail);
        }
    }

    /// Runs some of the tasks that no worker has, although there are others: they have waited long enough. Returns how
    /// many polls that was.
    ///
    /// What goes into the ring on the way stays in its older half, which is never spilled: what was taken out of the
    /// injector does not go back there unpolled, each time anew.
    pub(super) fn look_outside(&self) -> usize {
        if self.index != 0 && self.scheduler.is_closing() {
            // What ends must not wait for those who begin.
            self.scheduler.workers()[0].unpark();
        }
        let Some(ring) = &self.worker().ring else { return 0 };
        let injector = &self.scheduler.injector;
        for polls in 0..INJECTED_AT_ONCE {
            let len = injector.len();
            if len == 0 {
                return polls;
            }
            let share = match (RING / 2).saturating_sub(ring.len()) {
                0 => usize::MAX,
                room => self.scheduler.workers().len().max(len.div_ceil(room)),
            };
            // SAFETY: this thread is the worker's, as it has its core.
            let Some(task) = (unsafe { injector.pop_into(ring, share) }) else { return polls };
            if !self.searching.get() && !ring.is_empty() {
                self.scheduler.notify();
            }
            // SAFETY: it came out of a run queue.
            unsafe { task::run_cell(task) };
        }
        INJECTED_AT_ONCE
    }

    /// Looks for work elsewhere, and runs the first task that it finds: it has waited longest. Returns how many polls
    /// that was.
    pub(super) fn find_work(&self) -> usize {
        let Some(ring) = &self.worker().ring else { return 0 };
        if !self.searching.get() {
            self.searching.set(self.scheduler.sleepers.start_searching(self.index));
        }
        if !self.searching.get() {
            return 0;
        }
        // SAFETY: this thread is the worker's, as it has its core.
        let injected = unsafe { self.scheduler.injector.pop_into(ring, self.scheduler.workers().len()) };
        let Some(task) = injected.or_else(|| self.steal(ring)) else { return 0 };
        self.stop_searching();
        // SAFETY: it came out of a run queue.
        unsafe { task::run_cell(task) };
        1
    }

    /// The first, to be run at once; the others are in the ring then.
    fn steal(&self, ring: &Ring) -> Option<NonNull<Header>> {
        let workers = self.scheduler.workers();
        (0..workers.len()).find_map(|offset| {
            let index = (self.victim.get() + offset) % workers.len();
            let other = workers[index].ring.as_ref().filter(|_| index != self.index)?;
            // SAFETY: this thread is the worker's, as it has its core.
            let task = unsafe { other.steal_into(ring, usize::MAX) }?;
            // Who had something may have more.
            self.victim.set(index);
            Some(task)
        })
    }

    fn stop_searching(&self) {
        self.searching.set(false);
        if let Some(other) = self.scheduler.sleepers.stop_searching(self.index, || self.scheduler.has_work()) {
            self.scheduler.wake(other);
        }
    }

    /// Waits for what comes from outside. The worker is idle, and has found nothing.
    pub(super) fn park(&self, driver: &mut impl Driver, deadline: Deadline) {
        if self.scheduler.is_single() {
            driver.park(deadline);
            return;
        }
        if self.index != 0 && self.scheduler.is_closing() {
            self.scheduler.workers()[0].unpark();
        }
        if self.scheduler.sleepers.fall_asleep(self.index, || self.scheduler.has_work()) {
            self.have_lookout();
            self.scheduler.lookout.while_parked(&self.worker().visits, || driver.park(deadline));
            self.searching.set(self.scheduler.sleepers.wake_up(self.index));
        } else {
            self.searching.set(true);
        }
    }

    /// Sees to it that somebody looks after the workers, if there is anything to do for them.
    #[inline]
    pub(super) fn have_lookout(&self) {
        if !self.has_lookout.replace(true) && self.worker().can_be_stood_in_for() {
            let scheduler = self.scheduler.clone();
            self.scheduler.lookout.start(move || scheduler.lookout.look_after(scheduler.workers()));
        }
    }

    /// Runs `f`, which blocks the thread; others are to take over what they can.
    pub(super) fn while_blocked<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Unblock<'a>(&'a Cell<bool>, bool);
        impl Drop for Unblock<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let _unblock = Unblock(&self.is_blocked, self.is_blocked.replace(true));
        if !self.scheduler.is_single() {
            self.have_lookout();
        }
        if self.scheduler.has_work() {
            self.scheduler.notify();
        }
        f()
    }

    /// Whether this thread is in [`while_blocked`](Self::while_blocked).
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.get()
    }

    /// Takes part in what the workers do; until [`step_back`](Self::step_back).
    pub(super) fn step_up(&self) {
        if !self.scheduler.is_single() {
            self.searching.set(self.scheduler.sleepers.wake_up(self.index));
            self.scheduler.lookout.note_awake();
        }
    }

    /// Leaves what this worker has to the others. It does not sleep, and is not looked for.
    pub(super) fn step_back(&self) {
        if self.searching.get() {
            self.stop_searching();
        }
        if !self.scheduler.is_single() && self.scheduler.has_work() {
            self.scheduler.notify();
        }
    }

    /// The tasks that have not ended, in the order of their spawns; of the local ones, those of this worker.
    pub(crate) fn all_tasks(&self) -> Vec<TaskRef> {
        let mut tasks = self.local_tasks();
        self.scheduler.shared_tasks(&mut tasks);
        tasks.sort_by_key(TaskRef::id);
        tasks
    }

    /// The local tasks that have not ended.
    pub(super) fn local_tasks(&self) -> Vec<TaskRef> {
        let mut tasks = Vec::new();
        self.slab.for_each(Kind::Pinned, |block| {
            // SAFETY: the blocks of this kind hold such tasks; those that have not completed stay, on this thread.
            tasks.extend(unsafe { task::in_block(block).map(|task| TaskRef::new(task)) });
        });
        tasks
    }

    /// Takes no more mail, if there is nothing left to do; of a worker that is not the first.
    pub(super) fn close_if_idle(&self) -> bool {
        self.read_mail();
        !self.has_ready() && self.local_tasks().is_empty() && self.worker().mailbox.close_if_empty()
    }

    /// Takes no more tasks, if there is nothing left to do; of the first worker.
    pub(super) fn close_loop_if_idle(&self) -> bool {
        self.read_mail();
        !self.has_ready() && self.scheduler.live() == 0 && self.scheduler.close_if_empty()
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests;
