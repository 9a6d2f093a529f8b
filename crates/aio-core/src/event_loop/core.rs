//! A loop's part for its own thread.

use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc; // facade: the count of `Shared` is settled by hand, see `account`
use std::task::Waker;

use aio_base::Deadline;

use super::locals::Locals;
use super::memory::Memory;
use super::queue::{Queue, Ready};
use super::shared::{Mail, Shared};
use crate::task::{self, Header, IdBlock, Reasons, Runnable, TaskList, TaskRef, Watchers};

pub(crate) struct Core {
    queue: Queue,
    shared: Arc<Shared>,
    pub(crate) local_tasks: TaskList,
    pub(crate) watchers: Watchers,
    pub(crate) reasons: Reasons,
    pub(crate) memory: Memory,
    /// How many cells this thread has made, less those it has freed; see [`account`](Self::account).
    pub(crate) cells: Cell<isize>,
    pub(crate) ids: IdBlock,
    pub(super) locals: Locals,
    /// Where it was started, or its last run was.
    pub(super) started_at: Cell<&'static Location<'static>>,
    /// By when everything is to have ended, while it ends.
    pub(super) closing_by: Cell<Option<Deadline>>,
}

impl Core {
    pub(super) fn new(unparker: Waker, started_at: &'static Location<'static>) -> Self {
        Self {
            queue: Queue::new(),
            shared: Arc::new(Shared::new(unparker)),
            local_tasks: TaskList::new(),
            watchers: Watchers::default(),
            reasons: Reasons::default(),
            memory: Memory::new(),
            cells: Cell::new(0),
            ids: IdBlock::new(),
            locals: Locals::default(),
            started_at: Cell::new(started_at),
            closing_by: Cell::new(None),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn shared_ptr(&self) -> *const Shared {
        Arc::as_ptr(&self.shared)
    }

    #[inline]
    pub(crate) fn push_local(&self, task: NonNull<Header>) {
        self.queue.push(Ready::Local(task));
    }

    #[inline]
    pub(crate) fn push_shared(&self, task: Runnable) {
        self.queue.push(Ready::Shared(task));
    }

    /// Whether only something from outside can give it anything to do.
    pub(super) fn is_idle(&self) -> bool {
        !self.has_ready() && !self.shared.has_mail()
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Runs what is ready now, not what becomes so meanwhile; returns how many turns that was.
    pub(super) fn run_batch(&self) -> usize {
        let batch = self.queue.len();
        for _ in 0..batch {
            match self.queue.pop() {
                // SAFETY: it came out of the run queue.
                Some(Ready::Local(task)) => unsafe { task::run_cell(task) },
                Some(Ready::Shared(task)) => {
                    task.run();
                }
                None => break,
            }
        }
        batch
    }

    /// Does what other threads asked for.
    #[inline]
    pub(super) fn read_mail(&self) {
        if self.shared.has_mail() {
            self.read_all_mail();
        }
    }

    #[cold]
    fn read_all_mail(&self) {
        for mail in self.shared.take_mail() {
            match mail {
                Mail::Wake(task) => task.wake_asked(self),
                Mail::Run(task) => self.push_shared(task),
                Mail::Call(call) => call(self),
            }
        }
    }

    /// The tasks that have not ended, in the order of their spawns.
    pub(crate) fn all_tasks(&self) -> Vec<TaskRef> {
        let mut tasks: Vec<_> = self.local_tasks.all().into_iter().map(TaskRef::local).collect();
        tasks.extend(self.shared.tasks.lock().iter().map(|(_, task)| TaskRef::shared(task.clone())));
        tasks.sort_by_key(TaskRef::id);
        tasks
    }

    /// Takes no more mail, if there is nothing left to do.
    pub(super) fn close_if_idle(&self) -> bool {
        self.read_mail();
        let idle = !self.has_ready() && self.local_tasks.is_empty() && self.shared.tasks.lock().is_empty();
        idle && self.shared.close_if_empty()
    }

    /// Leaves the cells that are still referred to, by wakers and [`TaskRef`]s, to the last of those.
    fn account(&self) {
        // SAFETY: the count that is given away here is taken back in `settle`, by whoever brings the balance to zero.
        unsafe { Shared::settle(Arc::into_raw(self.shared.clone()), Shared::OPEN - self.cells.get()) };
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.account();
    }
}
