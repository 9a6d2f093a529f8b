//! The cell of a local task: one block of memory with its state, its future and then its outcome.
//!
//! async-task, which serves the tasks that may cross threads, pays for that with locked operations on each spawn, wake
//! and run; the benchmark `spawn_join_local` shows what they cost. A local task is run, joined and cancelled on one
//! thread, so its state is a plain word. Only its wakers, and references to it, may be anywhere: they share a count,
//! and one bit that says whether another thread has already asked for a wake.
//!
//! # Who may touch what
//!
//! 1. `stage` and the links of the list: the thread of the loop. `stage` is borrowed mutably during a poll; the poll
//!    cannot come back to it, since a loop does not run inside itself and a handle takes the outcome only when
//!    [`COMPLETED`] is set.
//! 2. `state`: written by the thread of the loop (and by that of the handle, which is the same) with plain stores.
//!    Other threads read [`COMPLETED`].
//! 3. `count`: everybody, as said there.
//! 4. The rest of the header never changes, or is the business of the running task.
//!
//! # When it is freed
//!
//! When nobody refers to it. The thread of the loop has *claims*: that the task has not completed, that it stands in
//! the run queue ([`SCHEDULED`]), and that its handle exists ([`HANDLE`]). Each waker and each [`CellRef`] counts one.
//! When the last claim is given up, the count is settled; from then on the last reference, on whatever thread, frees
//! the cell.

mod count;
mod list;
mod reasons;
mod waker;
mod watchers;

use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker, ready};

use aio_base::live::{Kind, Live};
use aio_base::sync;
use aio_base::sync::atomic::{AtomicU32, Ordering};

use self::count::Count;
pub(crate) use self::list::TaskList;
pub(crate) use self::reasons::Reasons;
pub(crate) use self::watchers::Watchers;
use super::home::{Handle, Report, discard, tell};
use super::step::{cut, step};
use super::{Identity, Meta, OnExit, Outcome, TaskRef};
use crate::context::ContextSlot;
use crate::current;
use crate::event_loop::{Core, Mail, Shared};
use crate::failure::{self, Failure, FailureKind};
use crate::reason::Reason;
use crate::scope::Scope;

/// Stands in the run queue.
const SCHEDULED: u32 = 1;
/// The outcome is there, or has been taken; the future is gone. Never cleared.
const COMPLETED: u32 = 1 << 1;
/// The handle exists.
const HANDLE: u32 = 1 << 2;
/// The future is to be dropped at the next turn. Never cleared.
const CANCELLED: u32 = 1 << 3;
/// Somebody waits for the end beside the handle, see [`Watchers`].
const WATCHED: u32 = 1 << 4;
/// A cleanup: it cannot be cancelled.
const CLEANUP: u32 = 1 << 5;
/// The handle has taken the outcome. Never cleared.
const TAKEN: u32 = 1 << 6;
/// Cleanups and all are to be dropped at the next turn. Never cleared.
const GIVEN_UP: u32 = 1 << 7;
/// Where the code of the [`Reason`] for which it was cancelled begins.
const REASON_SHIFT: u32 = 8;
const REASON: u32 = Reason::OTHER << REASON_SHIFT;

/// What all local tasks have in common; it begins the cell.
pub(crate) struct Header {
    count: Count,
    state: AtomicU32,
    vtable: &'static VTable,
    /// The loop's part for all threads. It lives as long as any of its cells, see `Core::account`.
    owner: *const Shared,
    links: list::Links,
    audience: Cell<Audience>,
    context: ContextSlot,
    meta: Meta,
    /// Read where the cell is used and written where it is freed, so that the model checker sees whether the one comes
    /// before the other.
    alive: sync::UnsafeCell<()>,
    _live: Live,
}

/// Who is told of the end.
enum Audience {
    /// Who awaits the handle.
    Awaiter(Waker),
    /// Nobody. Once the handle is gone: the [`Report`] to be made, its type forgotten.
    Nobody(Option<fn()>),
}

// The report takes the place of the waker.
const _: () = assert!(size_of::<Audience>() == size_of::<Waker>());

struct VTable {
    /// Gives the future its turn. The task has not completed.
    run: unsafe fn(NonNull<Header>),
    /// Where the outcome is, an `Option<Outcome<T>>`. The task has completed, and its handle exists.
    outcome: unsafe fn(NonNull<Header>) -> NonNull<()>,
    layout: Layout,
}

#[repr(C)]
struct TaskCell<F: Future, E: OnExit<F::Output>> {
    header: Header,
    stage: UnsafeCell<Stage<F, E>>,
}

enum Stage<F: Future, E: OnExit<F::Output>> {
    Running { scope: Scope<F>, exit: Option<E> },
    Ended(Option<Outcome<E::Output>>),
}

impl Header {
    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Whether this is the thread of the loop, and the loop exists.
    #[inline]
    fn is_here(&self) -> bool {
        current::is_loop(self.owner)
    }

    /// The state, on the thread of the loop.
    fn has(&self, bits: u32) -> bool {
        // Relaxed: this thread wrote it.
        self.state.load(Ordering::Relaxed) & bits != 0
    }

    /// Not a locked operation: one thread writes.
    fn change(&self, clear: u32, set: u32) {
        let state = self.state.load(Ordering::Relaxed);
        // Release pairs with the Acquire of `is_finished` on other threads.
        self.state.store(state & !clear | set, Ordering::Release);
    }

    /// Whether it has ended; from any thread.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.load(Ordering::Acquire) & COMPLETED != 0
    }

    /// Puts the task into the run queue, unless it is there or has completed. On the thread of the loop.
    fn schedule(&self, core: &Core) {
        if !self.has(SCHEDULED | COMPLETED) {
            self.change(0, SCHEDULED);
            core.push_local(NonNull::from(self));
        }
    }

    /// Cancels it, unless it is a cleanup. The first reason counts. On the thread of the loop.
    fn cancel(&self, core: &Core, reason: Reason) {
        if !self.has(CANCELLED | COMPLETED | CLEANUP) {
            self.change(REASON, CANCELLED | reason.code() << REASON_SHIFT);
            core.reasons.insert(self.meta.id, reason);
            self.schedule(core);
        }
    }

    /// Has it end at its next turn, whatever it is and whatever it still has to do. On the thread of the loop.
    pub(crate) fn give_up(&self, core: &Core) {
        if !self.has(GIVEN_UP | COMPLETED) {
            // Cleanups have not been cancelled before.
            let reason = if self.has(CANCELLED) { 0 } else { Reason::Shutdown.code() << REASON_SHIFT };
            self.change(0, GIVEN_UP | CANCELLED | reason);
            self.schedule(core);
        }
    }

    /// Why it is cancelled. Asked once.
    #[cold]
    fn take_reason(&self) -> Reason {
        let code = (self.state.load(Ordering::Relaxed) & REASON) >> REASON_SHIFT;
        current::with_loop(|core| core.reasons.take(self.meta.id, code)).unwrap_or(Reason::Requested)
    }

    /// The loop's part for all threads.
    fn owner(&self) -> &Shared {
        // SAFETY: it lives as long as any of its cells, and this is in one.
        unsafe { &*self.owner }
    }
}

/// When a task begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// At the next turn.
    Next,
    /// Before `spawn` returns.
    Now,
    /// At the next turn, and nothing cancels it.
    AsCleanup,
}

/// Makes the cell of a task and puts it into the run queue, or runs it.
///
/// # Safety
/// What `future` and `exit` borrow must live until the task has completed.
pub(super) unsafe fn spawn<F, E>(
    core: &Core,
    future: F,
    exit: E,
    meta: Meta,
    context: crate::Context,
    begin: Begin,
) -> CellHandle<E::Output>
where
    F: Future,
    E: OnExit<F::Output>,
{
    let state = HANDLE | if begin == Begin::AsCleanup { CLEANUP } else { 0 };
    let cell = TaskCell {
        header: Header {
            count: Count::new(),
            state: AtomicU32::new(state),
            vtable: TaskCell::<F, E>::VTABLE,
            owner: core.shared_ptr(),
            links: list::Links::new(),
            audience: Cell::new(Audience::Nobody(None)),
            context: ContextSlot::new(context),
            meta,
            alive: sync::UnsafeCell::new(()),
            _live: Live::new(Kind::Task),
        },
        stage: UnsafeCell::new(Stage::Running { scope: Scope::new(future), exit: Some(exit) }),
    };
    let memory = core.memory.allocate(Layout::for_value(&cell)).cast::<TaskCell<F, E>>();
    // SAFETY: the block is fresh and has this layout.
    unsafe { memory.write(cell) };
    let header = memory.cast::<Header>();
    core.cells.set(core.cells.get() + 1);
    // SAFETY: the cell is alive until it is taken off the list, since it has not completed before.
    unsafe { core.local_tasks.insert(header) };
    if begin == Begin::Now {
        // SAFETY: the claim HANDLE keeps the cell alive, and the task has not completed; it is in no queue.
        current::outside(|| unsafe { (header.as_ref().vtable.run)(header) });
    } else {
        // SAFETY: it was just written.
        unsafe { header.as_ref() }.schedule(core);
    }
    CellHandle { header, _output: PhantomData }
}

/// Gives the task its turn. It has been taken out of the run queue.
///
/// # Safety
/// `header` came out of the run queue of this thread's loop.
pub(crate) unsafe fn run(header: NonNull<Header>) {
    // SAFETY: the claim SCHEDULED kept it alive; from here on, as long as the task has not completed, its other claim.
    let this = unsafe { header.as_ref() };
    this.change(SCHEDULED, 0);
    if this.has(COMPLETED) {
        // It was woken in its last turn.
        // SAFETY: a claim was given up; nothing of the cell is used afterwards.
        unsafe { release_claim(header) };
    } else {
        // SAFETY: as the vtable demands.
        unsafe { (this.vtable.run)(header) };
    }
}

/// Settles the count, if the loop's thread has no claim left.
///
/// # Safety
/// On the thread of the loop, after a claim was given up; the caller does not use the cell afterwards.
#[inline]
unsafe fn release_claim(header: NonNull<Header>) {
    // SAFETY: the count has not been settled: a claim just existed.
    let this = unsafe { header.as_ref() };
    if this.has(COMPLETED) && !this.has(SCHEDULED | HANDLE) && this.count.settle() {
        // SAFETY: nobody refers to it.
        unsafe { free(header) };
    }
}

/// Gives up one count, and frees the cell if it was the last.
///
/// # Safety
/// The caller has a count, and does not use the cell afterwards.
#[inline]
unsafe fn release(header: NonNull<Header>) {
    // SAFETY: by the caller's count the cell is alive.
    let this = unsafe { header.as_ref() };
    this.alive.with(|_| ());
    if this.count.release(this.is_here()) {
        // SAFETY: nobody refers to it.
        unsafe { free(header) };
    }
}

/// Frees the cell.
///
/// # Safety
/// Nobody has a count or a claim, so nobody else has a pointer. (The task has completed, so `stage` holds nothing:
/// without a handle, the outcome was taken or dropped.)
unsafe fn free(header: NonNull<Header>) {
    // SAFETY: by the caller.
    let (owner, layout) = unsafe { (header.as_ref().owner, header.as_ref().vtable.layout) };
    // SAFETY: as above.
    unsafe {
        header.as_ref().alive.with_mut(|_| ());
        ptr::drop_in_place(header.as_ptr());
    }
    if current::is_loop(owner) {
        current::with_loop(|core| {
            core.cells.set(core.cells.get() - 1);
            // SAFETY: it came from this allocator, with this layout.
            unsafe { core.memory.free(header.cast(), layout) };
        });
    } else {
        // SAFETY: the same; blocks may be freed anywhere. The owner is alive until this cell is accounted for.
        unsafe {
            crate::event_loop::Memory::free_elsewhere(header.cast(), layout);
            Shared::settle(owner, 1);
        }
    }
}

impl<F: Future, E: OnExit<F::Output>> TaskCell<F, E> {
    const VTABLE: &'static VTable = &VTable { run: Self::run, outcome: Self::outcome, layout: Layout::new::<Self>() };

    /// # Safety
    /// As [`VTable::run`].
    unsafe fn run(header: NonNull<Header>) {
        let cell = header.cast::<Self>();
        // SAFETY: the cell is alive: it has not completed. This is a shared reference, and `stage` an `UnsafeCell`.
        let this = unsafe { cell.as_ref() };
        let waker = waker::borrowed(header);
        let mut cx = Context::from_waker(&waker);
        // SAFETY: rule 1 of the module: nobody else touches `stage` during a poll. The reference is pinned: the stage
        // is never moved while it runs, only dropped in its place.
        let Stage::Running { scope, exit } = (unsafe { &mut *this.stage.get() }) else {
            unreachable!("a task that has not completed is running")
        };
        // SAFETY: as above.
        let mut scope = unsafe { Pin::new_unchecked(scope) };
        let completed = current::enter_task(&this.header, || {
            if this.header.has(CANCELLED) {
                this.header.cut(scope.as_mut());
            }
            match step(scope, &mut cx) {
                Poll::Pending => false,
                Poll::Ready(outcome) => {
                    this.end(exit.take(), outcome);
                    true
                }
            }
        });
        if completed {
            // SAFETY: it has not completed yet, and does so here.
            unsafe { complete(header) };
        }
    }

    /// Puts the outcome in the place of the future, or drops it if nobody wants it.
    #[inline]
    fn end(&self, exit: Option<E>, outcome: Outcome<F::Output>) {
        let header = &self.header;
        let mut kept = exit.map(|exit| tell(exit, outcome));
        if !header.context.is_empty() {
            // Values of context variables may be anything: dropped here, on the loop, while the task still counts.
            let drop_context = || drop(header.context.take());
            failure::contain(header.owner(), &header.meta, "panicked in dropping its context", drop_context);
        }
        // Asked after the foreign code above, which may have dropped the handle.
        if !header.has(HANDLE) {
            discard(header.owner(), &header.meta, kept.take(), header.take_report());
        }
        // SAFETY: rule 1. The assignment drops the scope in its place; its future is gone already.
        unsafe { *self.stage.get() = Stage::Ended(kept) };
    }

    /// # Safety
    /// As [`VTable::outcome`].
    unsafe fn outcome(header: NonNull<Header>) -> NonNull<()> {
        // SAFETY: the handle keeps the cell alive.
        let this = unsafe { header.cast::<Self>().as_ref() };
        // SAFETY: rule 1: it has completed, so nothing polls.
        match unsafe { &mut *this.stage.get() } {
            Stage::Ended(outcome) => NonNull::from(outcome).cast(),
            Stage::Running { .. } => unreachable!("a task that has completed does not run"),
        }
    }
}

/// Marks the task as completed, and wakes who waits for that.
///
/// # Safety
/// On the thread of the loop; the task has not completed; its stage holds the outcome for the handle, or nothing.
unsafe fn complete(header: NonNull<Header>) {
    // SAFETY: it has not completed, so the loop's count exists.
    let this = unsafe { header.as_ref() };
    current::with_loop(|core| {
        // SAFETY: it was inserted at its spawn.
        unsafe { core.local_tasks.remove(header) };
        this.change(0, COMPLETED);
        let awaiter = this.take_awaiter();
        if this.has(REASON) {
            // If the future was finished before it could be cut.
            drop(this.take_reason());
        }
        let watchers = if this.has(WATCHED) { core.watchers.take(this.meta.id) } else { Vec::new() };
        // A waker is foreign code, and may drop the handle: the cell is not used any more when they run.
        let who = this.meta.anonymous();
        // SAFETY: the claim "not completed" is given up, and this is the last use.
        unsafe { release_claim(header) };
        let wake = |waker: Waker| failure::contain(core.shared(), &who, "ended, and a waker panicked", || waker.wake());
        if let Some(awaiter) = awaiter {
            wake(awaiter);
        }
        watchers.into_iter().for_each(wake);
    });
}

/// The handle of a local task.
#[allow(missing_debug_implementations, reason = "internal")]
pub struct CellHandle<T> {
    header: NonNull<Header>,
    _output: PhantomData<T>,
}

impl<T> CellHandle<T> {
    fn header(&self) -> &Header {
        // SAFETY: the claim HANDLE keeps the cell alive until `release`, the last call.
        unsafe { self.header.as_ref() }
    }

    fn take(&self) -> Option<Outcome<T>> {
        // SAFETY: as `outcome` says; the handle stays on the thread of the loop, so nobody else uses the place.
        unsafe { self.outcome().as_mut() }.take()
    }

    /// Where the outcome is. The task has completed.
    fn outcome(&self) -> NonNull<Option<Outcome<T>>> {
        debug_assert!(self.header().has(COMPLETED), "a task that runs has no outcome");
        // SAFETY: the caller has seen COMPLETED, and this is the handle. The type is that which the cell was spawned
        // with.
        unsafe { (self.header().vtable.outcome)(self.header) }.cast()
    }
}

impl<T> Handle<T> for CellHandle<T> {
    fn meta(&self) -> &Meta {
        &self.header().meta
    }

    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let header = self.header();
        if header.has(COMPLETED) {
            return Poll::Ready(());
        }
        let former = header.take_awaiter();
        let awaiter = match former {
            Some(former) if former.will_wake(cx.waker()) => former,
            _ => cx.waker().clone(),
        };
        header.audience.set(Audience::Awaiter(awaiter));
        Poll::Pending
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        ready!(self.poll_finished(cx));
        self.header().change(0, TAKEN);
        Poll::Ready(self.take().expect("the outcome of a task was taken twice"))
    }

    fn failed(&self, is_failure: fn(&Outcome<T>) -> bool) -> bool {
        // SAFETY: as `outcome` says; the handle stays on the thread of the loop, so nobody else uses the place.
        self.is_finished() && unsafe { self.outcome().as_ref() }.as_ref().is_some_and(is_failure)
    }

    fn cancel(&self, reason: Reason) {
        CellRef::new(self.header()).cancel(reason);
    }

    fn is_finished(&self) -> bool {
        self.header().has(COMPLETED)
    }

    fn task_ref(&self) -> TaskRef {
        TaskRef::local(CellRef::new(self.header()))
    }

    fn release(&mut self, report: Option<Report<T>>) {
        let header = self.header();
        if !header.has(COMPLETED) {
            drop(header.take_awaiter());
            header.audience.set(Audience::Nobody(report.map(forget_type)));
        } else if !header.has(TAKEN) {
            discard(header.owner(), &header.meta, self.take(), report);
        }
        header.change(HANDLE, 0);
        // SAFETY: a claim was given up, and this is the last use.
        unsafe { release_claim(self.header) };
    }
}

impl Header {
    /// Who awaits the handle; nobody does afterwards.
    fn take_awaiter(&self) -> Option<Waker> {
        match self.audience.replace(Audience::Nobody(None)) {
            Audience::Awaiter(awaiter) => Some(awaiter),
            Audience::Nobody(_) => None,
        }
    }

    /// The report to be made of an output. `T` is the type that the cell was spawned with.
    fn take_report<T>(&self) -> Option<Report<T>> {
        match self.audience.replace(Audience::Nobody(None)) {
            // SAFETY: `release` made it from a `Report` of this very type: a handle has the type of its cell.
            Audience::Nobody(Some(report)) => Some(unsafe { std::mem::transmute::<fn(), Report<T>>(report) }),
            _ => None,
        }
    }

    /// Cuts the future off, and if the task was given up, its cleanups as well.
    #[cold]
    fn cut<F: Future>(&self, mut scope: Pin<&mut Scope<F>>) {
        if scope.is_running() {
            cut(scope.as_mut(), self.take_reason());
        }
        if self.has(GIVEN_UP) {
            let what = scope.give_up();
            // A task without cleanups has just been cancelled; it is nothing that would not end.
            if !what.is_empty() || self.has(CLEANUP) {
                failure::report(self.owner(), &Failure::new(Some(&self.meta), FailureKind::Overran(&what)));
            }
        }
    }
}

fn forget_type<T>(report: Report<T>) -> fn() {
    // SAFETY: only the type of a pointer changes, and `take_report` changes it back before the call.
    unsafe { std::mem::transmute::<Report<T>, fn()>(report) }
}

impl Identity for Header {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn context(&self) -> &ContextSlot {
        &self.context
    }

    fn task_ref(&self) -> TaskRef {
        TaskRef::local(CellRef::new(self))
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.load(Ordering::Relaxed);
        let names = [
            (SCHEDULED, "Scheduled"),
            (COMPLETED, "Completed"),
            (HANDLE, "Handle"),
            (CANCELLED, "Cancelled"),
            (WATCHED, "Watched"),
            (CLEANUP, "Cleanup"),
            (TAKEN, "Taken"),
            (GIVEN_UP, "GivenUp"),
        ];
        let names = names.iter().filter(|(bit, _)| state & bit != 0).map(|(_, name)| *name);
        f.debug_struct("Header").field("state", &names.collect::<Vec<_>>()).field("meta", &self.meta).finish()
    }
}

/// A counted reference to a local task, for any thread.
pub(crate) struct CellRef(NonNull<Header>);

// SAFETY: what a reference can reach is meant for all threads: the count, the atomic state, what never changes. The
// methods that need the thread of the loop check for it.
unsafe impl Send for CellRef {}
// SAFETY: the same.
unsafe impl Sync for CellRef {}

impl CellRef {
    pub(crate) fn new(header: &Header) -> Self {
        header.count.acquire(header.is_here());
        Self(NonNull::from(header))
    }

    /// Takes over a count.
    ///
    /// # Safety
    /// The caller has a count, and gives it away.
    unsafe fn from_raw(header: NonNull<Header>) -> Self {
        Self(header)
    }

    /// Wakes the task; from any thread.
    pub(crate) fn wake(&self) {
        // SAFETY: this has a count.
        unsafe { waker::wake(self.0) };
    }

    /// Wakes the task after another thread asked for it. On the thread of the loop.
    pub(crate) fn wake_asked(&self, core: &Core) {
        self.count.answer();
        self.schedule(core);
    }

    /// Cancels the task; from any thread.
    pub(crate) fn cancel(&self, reason: Reason) {
        if !self.is_finished() {
            self.on_its_loop(|core, task| Header::cancel(task, core, reason));
        }
    }

    /// Calls `f` on the thread of the loop: now, if this is it; else when the loop reads its mail; never, if the loop
    /// has ended.
    pub(crate) fn on_its_loop(&self, f: impl FnOnce(&Core, &CellRef) + Send + 'static) {
        if current::is_loop(self.owner) {
            current::with_loop(|core| f(core, self));
        } else {
            let this = self.clone();
            // SAFETY: the owner is alive, since the cell is not accounted for.
            let owner = unsafe { &*self.owner };
            // After the end of the loop there is nothing left to call it for.
            drop(owner.send(Mail::Call(Box::new(move |core| f(core, &this)))));
        }
    }

    /// Notes who is to be woken at the end, under `key`. On the thread of the loop; the task has not ended.
    pub(crate) fn watch(&self, core: &Core, key: u64, waker: Waker) {
        self.change(0, WATCHED);
        core.watchers.insert(self.meta.id, key, waker);
    }
}

impl std::ops::Deref for CellRef {
    type Target = Header;

    fn deref(&self) -> &Header {
        // SAFETY: this has a count.
        let header = unsafe { self.0.as_ref() };
        header.alive.with(|_| ());
        header
    }
}

impl Clone for CellRef {
    fn clone(&self) -> Self {
        Self::new(self)
    }
}

impl Drop for CellRef {
    fn drop(&mut self) {
        // SAFETY: this has a count, and gives it up.
        unsafe { release(self.0) };
    }
}

impl fmt::Debug for CellRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Not a waker of its own count: lent to a poll.
type BorrowedWaker = ManuallyDrop<Waker>;
