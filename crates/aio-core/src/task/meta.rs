//! What a task is called, and where it comes from.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering}; // facade: a counter that orders nothing

use aio_base::host::TaskLabel;

use super::origin::Origin;
use crate::context::{Context, ContextSlot};

/// The number of a task: unique in the process, and never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(NonZeroU64);

impl TaskId {
    /// A new one, where there is no stock.
    pub(crate) fn single() -> Self {
        Self::from_counter(take_numbers(1))
    }

    fn from_counter(number: u64) -> Self {
        Self(NonZeroU64::new(number).expect("a process does not spawn 2^64 tasks"))
    }

    /// The number itself.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task-{}", self.0)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Numbers of which a loop has a stock, so that a spawn is not a locked operation.
pub(crate) struct IdBlock {
    next: Cell<u64>,
    end: Cell<u64>,
}

impl IdBlock {
    const SIZE: u64 = 256;

    pub(crate) const fn new() -> Self {
        Self { next: Cell::new(0), end: Cell::new(0) }
    }

    #[inline]
    pub(crate) fn next(&self) -> TaskId {
        if self.next.get() == self.end.get() {
            self.refill();
        }
        TaskId::from_counter(self.next.replace(self.next.get() + 1))
    }

    #[cold]
    fn refill(&self) {
        let start = take_numbers(Self::SIZE);
        self.next.set(start);
        self.end.set(start + Self::SIZE);
    }
}

/// The first of `n` numbers that nobody else gets.
fn take_numbers(n: u64) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: only the number matters.
    NEXT.fetch_add(n, Ordering::Relaxed)
}

/// What a task is called, and where it comes from.
pub struct Meta {
    pub(crate) id: TaskId,
    origin: Origin,
}

impl Meta {
    #[inline]
    pub(crate) fn new(
        id: TaskId,
        name: Option<String>,
        spawned_at: &'static Location<'static>,
        context: Context,
    ) -> Self {
        Self { id, origin: Origin::new(name, spawned_at, context) }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.origin.details()?.name.as_deref()
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.origin.spawned_at()
    }

    pub(crate) fn label(&self) -> TaskLabel {
        TaskLabel { id: self.id.get(), name: self.name().map(str::to_owned), spawned_at: self.spawned_at() }
    }

    /// The task-locals, if there were ever any. Only for the running task.
    #[inline]
    pub(crate) fn context(&self) -> Option<&ContextSlot> {
        Some(&self.origin.details()?.context)
    }

    /// The place for task-locals. Only for the running task.
    pub(crate) fn context_slot(&self) -> &ContextSlot {
        &self.origin.make_details().context
    }

    /// Whether the context variables have no values. Only for who has the task for himself.
    pub(crate) fn holds_nothing_foreign(&self) -> bool {
        self.context().is_none_or(ContextSlot::is_empty)
    }

    /// The same task, without its name.
    pub(crate) fn anonymous(&self) -> Self {
        Self { id: self.id, origin: Origin::new(None, self.spawned_at(), Context::default()) }
    }
}

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "task `{name}` ({}, spawned at {})", self.id, self.spawned_at()),
            None => write!(f, "{} (spawned at {})", self.id, self.spawned_at()),
        }
    }
}

impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
