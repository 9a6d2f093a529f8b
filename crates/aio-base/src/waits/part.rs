//! What is polled by itself.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering}; // facade: a counter that orders nothing

use super::switch::{HOLDERS, is_tracked};
use super::table;

crate::thread_local! {
    /// What is being polled on this thread.
    static CURRENT: Cell<Option<Part>> = Cell::new(None);
}

/// The name of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Task(u64),
    #[cfg_attr(not(debug_assertions), expect(dead_code, reason = "its owner has no number then"))]
    Own(u64),
}

/// That which is being polled on this thread, if it is known to be polled by itself.
pub(super) fn current() -> Option<Part> {
    CURRENT.try_with(Cell::get).ok().flatten()
}

/// A task as a part, by its number. Without size; the task says itself when it [has ended](Self::ended).
#[derive(Debug)]
pub struct TaskPart(());

impl TaskPart {
    /// The task with this number is polled as long as the result exists. What was [polled](super::poll_at) in its last
    /// turn is forgotten.
    #[inline]
    pub fn enter(id: impl FnOnce() -> u64) -> Entered {
        if HOLDERS && is_tracked() { Entered::new(Part::Task(id())) } else { Entered::NOTHING }
    }

    /// It waits for nothing any more.
    #[inline]
    pub fn ended(id: impl FnOnce() -> u64) {
        if HOLDERS && is_tracked() {
            table::forget_part(Part::Task(id()));
        }
    }
}

/// A part of a task, or what a thread blocks on. When it is dropped, it waits for nothing any more. Without size in
/// builds without debug assertions.
pub struct OwnPart {
    #[cfg(debug_assertions)]
    number: u64,
}

impl OwnPart {
    /// A new one.
    #[inline]
    pub fn new() -> Self {
        #[cfg(debug_assertions)]
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            // Relaxed: only the number matters.
            #[cfg(debug_assertions)]
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// It waits for nothing any more.
    #[inline]
    pub fn ended(&self) {
        #[cfg(debug_assertions)]
        if is_tracked() {
            table::forget_part(Part::Own(self.number));
        }
    }

    /// It is polled as long as the result exists. What was [polled](super::poll_at) in it the last time is forgotten.
    #[inline]
    pub fn enter(&self) -> Entered {
        #[cfg(debug_assertions)]
        if is_tracked() {
            return Entered::new(Part::Own(self.number));
        }
        Entered::NOTHING
    }
}

#[cfg(debug_assertions)]
impl Drop for OwnPart {
    fn drop(&mut self) {
        self.ended();
    }
}

impl Default for OwnPart {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for OwnPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnPart").finish_non_exhaustive()
    }
}

/// A part is being polled.
#[derive(Debug)]
#[must_use = "the part is polled as long as it exists"]
pub struct Entered {
    /// What was polled before, if this has changed anything.
    #[cfg(debug_assertions)]
    former: Option<Option<Part>>,
    /// It stays on its thread.
    _thread: PhantomData<*const ()>,
}

impl Entered {
    const NOTHING: Self = Self {
        #[cfg(debug_assertions)]
        former: None,
        _thread: PhantomData,
    };

    #[cold]
    fn new(part: Part) -> Self {
        table::forget_part(part);
        let former = CURRENT.try_with(|current| current.replace(Some(part))).ok();
        #[cfg(not(debug_assertions))]
        let _ = former;
        Self {
            #[cfg(debug_assertions)]
            former,
            _thread: PhantomData,
        }
    }
}

#[cfg(debug_assertions)]
impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(former) = self.former {
            let _ = CURRENT.try_with(|current| current.set(former));
        }
    }
}
