//! What this thread is running: which loop, which task, which scope.
//!
//! The pointers are valid while they are here: each is put here for the extent of one call, by a guard that puts the
//! former one back, also when the call unwinds.

use std::cell::Cell;
use std::ptr::{self, NonNull};

use aio_base::waits::TaskPart;

use crate::context::ContextSlot;
use crate::event_loop::{Core, Worker};
use crate::reason::Reason;
use crate::scope::Finalizers;
use crate::task::Header;

struct Current {
    /// The worker that this thread is: only compared, to tell a wake on the thread of a local task from others.
    worker: Cell<*const Worker>,
    /// The first worker of the loop: only compared, to tell which loop this is.
    first: Cell<*const Worker>,
    /// The worker, its part for this thread.
    core: Cell<*const Core>,
    /// Where a cleanup goes.
    scope: Cell<*const Finalizers>,
    /// Why what runs here is being cancelled, if it is.
    reason: Cell<*const Reason>,
    task: Cell<Option<NonNull<Header>>>,
    /// The task-locals of a thread that works for a task.
    context: Cell<*const ContextSlot>,
}

aio_base::thread_local! {
    static CURRENT: Current = Current {
        worker: Cell::new(ptr::null()),
        first: Cell::new(ptr::null()),
        core: Cell::new(ptr::null()),
        scope: Cell::new(ptr::null()),
        reason: Cell::new(ptr::null()),
        task: Cell::new(None),
        context: Cell::new(ptr::null()),
    };
}

/// Puts the former value back.
struct Restore<'a, T: Copy> {
    place: &'a Cell<T>,
    former: T,
}

impl<T: Copy> Drop for Restore<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.place.set(self.former);
    }
}

#[inline]
fn during<T: Copy + 'static, R>(place: fn(&Current) -> &Cell<T>, value: T, run: impl FnOnce() -> R) -> R {
    CURRENT.with(|current| {
        let place = place(current);
        let _restore = Restore { place, former: place.replace(value) };
        run()
    })
}

/// Runs `run` with `core` as the loop of this thread, outside of any scope.
pub(crate) fn enter_loop<R>(core: &Core, run: impl FnOnce() -> R) -> R {
    let enter = || during(|current| &current.core, ptr::from_ref(core), run);
    let enter = || during(|current| &current.worker, core.worker_ptr(), enter);
    let enter = || during(|current| &current.first, core.scheduler().first_ptr(), enter);
    // The loop may stand in a `block_on`: that scope is not the loop's.
    outside(enter)
}

/// Runs `run` outside of any scope.
pub(crate) fn outside<R>(run: impl FnOnce() -> R) -> R {
    let run = || during(|current| &current.reason, ptr::null(), run);
    during(|current| &current.scope, ptr::null(), run)
}

/// Whether this thread is `worker`.
#[inline]
pub(crate) fn is_worker(worker: *const Worker) -> bool {
    CURRENT.with(|current| ptr::eq(current.worker.get(), worker))
}

/// Whether this thread is a worker of the loop whose first worker is `first`.
#[inline]
pub(crate) fn is_loop_of(first: *const Worker) -> bool {
    CURRENT.with(|current| ptr::eq(current.first.get(), first))
}

/// Runs `run` with the loop of this thread, if it has one.
#[inline]
pub(crate) fn with_loop<R>(run: impl FnOnce(&Core) -> R) -> Option<R> {
    let core = CURRENT.with(|current| current.core.get());
    // SAFETY: `enter_loop` holds the reference that this pointer was made from for as long as the pointer is here.
    unsafe { core.as_ref() }.map(run)
}

/// Runs `run` with `scope` as the place for cleanups.
pub(crate) fn enter_scope<R>(scope: &Finalizers, run: impl FnOnce() -> R) -> R {
    during(|current| &current.scope, ptr::from_ref(scope), run)
}

/// Runs `run` with the place for cleanups, if there is one.
pub(crate) fn with_scope<R>(run: impl FnOnce(Option<&Finalizers>) -> R) -> R {
    let scope = CURRENT.with(|current| current.scope.get());
    // SAFETY: as in `with_loop`, by `enter_scope`.
    run(unsafe { scope.as_ref() })
}

/// Runs `run` with `reason` for what is cancelled in it.
pub(crate) fn enter_reason<R>(reason: &Reason, run: impl FnOnce() -> R) -> R {
    during(|current| &current.reason, ptr::from_ref(reason), run)
}

/// Runs `run` with the reason for which things are being cancelled here, if they are.
pub(crate) fn with_reason<R>(run: impl FnOnce(Option<&Reason>) -> R) -> R {
    let reason = CURRENT.with(|current| current.reason.get());
    // SAFETY: as in `with_loop`, by `enter_reason`.
    run(unsafe { reason.as_ref() })
}

/// Runs `run` as a part of `task`, outside of any scope but those it enters itself. The task stays alive meanwhile, or
/// is not asked for any more.
#[inline]
pub(crate) fn enter_task<R>(task: NonNull<Header>, run: impl FnOnce() -> R) -> R {
    // SAFETY: it is alive now.
    let _polled = TaskPart::enter(|| unsafe { task.as_ref() }.meta().id.get());
    during(|current| &current.task, Some(task), run)
}

/// The running task, if there is one.
pub(crate) fn task() -> Option<NonNull<Header>> {
    CURRENT.with(|current| current.task.get())
}

/// Runs `run` with the running task, if there is one.
#[inline]
pub(crate) fn with_task<R>(run: impl FnOnce(Option<&Header>) -> R) -> R {
    let task = CURRENT.with(|current| current.task.get());
    // SAFETY: as in `with_loop`, by `enter_task`.
    run(task.map(|task| unsafe { &*task.as_ptr() }))
}

/// Runs `run` with `context` as the task-locals of this thread.
pub(crate) fn enter_context<R>(context: &ContextSlot, run: impl FnOnce() -> R) -> R {
    during(|current| &current.context, ptr::from_ref(context), run)
}

/// Runs `run` with the task-locals of the running task, or else of what this thread works for; with none where nothing
/// was ever set.
#[inline]
pub(crate) fn with_context<R>(run: impl FnOnce(Option<&ContextSlot>) -> R) -> R {
    with_task(|task| match task {
        Some(task) => run(task.meta().context()),
        None => with_entered(run),
    })
}

/// Runs `run` with the place for task-locals of the running task, or else of what this thread works for; with none
/// where there is no such place.
pub(crate) fn with_context_slot<R>(run: impl FnOnce(Option<&ContextSlot>) -> R) -> R {
    with_task(|task| match task {
        Some(task) => run(Some(task.meta().context_slot())),
        None => with_entered(run),
    })
}

fn with_entered<R>(run: impl FnOnce(Option<&ContextSlot>) -> R) -> R {
    let context = CURRENT.with(|current| current.context.get());
    // SAFETY: as in `with_loop`, by `enter_context`.
    run(unsafe { context.as_ref() })
}
