//! Tasks that may cross threads.
//!
//! Any worker of the loop may run such a task, any thread may wake it, cancel it, wait for it, and drop its handle. All
//! of that meets in one word:
//!
//! ```text
//!   bits 0 to 15: the state         the rest: how many wakers and references there are
//! ```
//!
//! # Who runs it
//!
//! ```text
//!            ┌────────────── 2 a wake ───────────────┐
//!            ▼                                       │
//!   OWNED | SCHEDULED ── 1 its turn ──▶ OWNED ── 3 pending ──▶ neither
//!            ▲                            │
//!            └──── 2 a wake meanwhile ────┘──── 4 ready ────▶ COMPLETED
//! ```
//! [`OWNED`] means that one has it: a queue, or the thread that runs it. [`SCHEDULED`] means that it is to have a turn.
//!
//! 1. It is taken out of its queue. `SCHEDULED` is cleared before the poll, so that a wake during the poll counts.
//! 2. Who sets `SCHEDULED` and finds `OWNED` not set sets both and puts it into a queue. If it was set, its owner will
//!    see. A wake is a locked operation also if both were set: so the poll sees what was written before the wake.
//! 3. The poll is over. If it was woken meanwhile, the owner puts it back into a queue; else it gives it up.
//! 4. The outcome is there. A completed task is in no queue.
//!
//! # Who may touch what
//!
//! 1. The stage: the owner, until [`COMPLETED`] is set. Then the handle, if it was there at that moment; else it has
//!    been emptied before.
//! 2. The audience: the handle, while neither [`AWAITED`] is set nor the task has completed. With `AWAITED` the waker
//!    in it is for whoever completes the task; the handle may clear the bit to have the audience back. Without a handle
//!    it belongs to the owner.
//! 3. The rest of the header never changes, or is the business of the running task.
//!
//! # When it is freed
//!
//! When the task has completed, its handle is gone, and nobody refers to it. The three stand in one word, so whoever
//! makes it so knows it, and frees the cell.

use std::alloc::Layout;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker, ready};

use aio_base::footprint::touch;
use aio_base::sync::atomic::{AtomicU64, Ordering};

use super::{
    BorrowedWaker, CANCELLED, COMPLETED, GIVEN_UP, HANDLE, Header, REASON, REASON_SHIFT, SCHEDULED, TaskCell, VTable,
    WATCHED, free,
};
use crate::current;
use crate::event_loop::{BlockKind, Core, Scheduler};
use crate::failure;
use crate::reason::Reason;
use crate::task::home::{Handle, Report, discard};
use crate::task::step::step;
use crate::task::watchers::Watcher;
use crate::task::{Meta, OnExit, Outcome, TaskRef};

/// Somebody has it: a queue, or the thread that runs it.
const OWNED: u64 = 1 << 11;
/// There is an awaiter for whoever completes the task.
const AWAITED: u64 = 1 << 12;
/// One waker or reference. There is no room for an overflow: 2^48 of them do not fit into memory.
const ONE: u64 = 1 << 16;

/// Makes the cell of a task. The caller puts it into a queue, or gives it its first turn.
fn new<F, E>(allocate: impl FnOnce(Layout) -> NonNull<u8>, future: F, exit: E, meta: Meta) -> NonNull<Header>
where
    F: Future + Send + 'static,
    F::Output: Send,
    E: OnExit<F::Output> + Send + 'static,
    E::Output: Send + 'static,
{
    let block = allocate(Layout::new::<TaskCell<F, E>>());
    let header = Header::new(Shared::<F, E>::VTABLE, HANDLE | SCHEDULED | OWNED, meta);
    // SAFETY: the block is fresh and has this layout.
    unsafe { TaskCell::write(block, header, future, exit) }
}

/// Starts a task on a worker of the loop of this thread; now, if it is eager.
#[inline]
pub(crate) fn spawn<F, E>(core: &Core, future: F, exit: E, meta: Meta, eager: bool) -> SharedHandle<E::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
    E: OnExit<F::Output> + Send + 'static,
    E::Output: Send + 'static,
{
    let allocate = |layout| core.slab.allocate(BlockKind::Mobile, layout);
    let header = new(allocate, future, exit, meta);
    core.note_spawn();
    touch(header.as_ptr());
    if eager {
        // SAFETY: nobody else has it: it is in no queue yet.
        current::outside(|| unsafe { super::run(header) });
    } else {
        core.push_shared(header);
    }
    SharedHandle { header, _output: PhantomData }
}

/// Starts a task from a thread that is no worker of the loop. If the loop has ended, so has the task.
pub(crate) fn spawn_on<F, E>(scheduler: &Arc<Scheduler>, future: F, exit: E, meta: Meta) -> SharedHandle<E::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
    E: OnExit<F::Output> + Send + 'static,
    E::Output: Send + 'static,
{
    let allocate = |layout| Scheduler::allocate_outside(scheduler, layout);
    let header = new(allocate, future, exit, meta);
    if let Err(header) = scheduler.inject_new(header) {
        // SAFETY: no queue has taken it.
        unsafe { (header.as_ref().vtable.refuse)(header) };
    }
    SharedHandle { header, _output: PhantomData }
}

/// Changes the state to what `next` gives, if it gives something; returns what it was, and whether it was changed.
///
/// Of the cell it has the word alone: once that was changed the cell may be freed, and a reference to it, given to a
/// call, would have to stay valid until that returns.
#[inline]
fn update(word: &AtomicU64, mut next: impl FnMut(u64) -> Option<u64>) -> (u64, bool) {
    let mut state = word.load(Ordering::Acquire);
    loop {
        let Some(new) = next(state) else { return (state, false) };
        // AcqRel: what this thread did before is visible to whoever comes next, and what those before did, here.
        match word.compare_exchange_weak(state, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return (state, true),
            Err(now) => state = now,
        }
    }
}

impl Header {
    fn update(&self, next: impl FnMut(u64) -> Option<u64>) -> (u64, bool) {
        touch(self);
        update(&self.word, next)
    }

    /// Has it get a turn, unless it has completed; edge 2. `set` is set as well, and nothing happens where `unless` is.
    /// Whether the caller has to put it into a queue.
    #[inline]
    #[must_use = "it is marked as being in a queue"]
    fn rouse(&self, set: u64, unless: u64) -> bool {
        let schedule = |word| (word & (COMPLETED | unless) == 0).then_some(word | SCHEDULED | OWNED | set);
        let (word, roused) = self.update(schedule);
        roused && word & OWNED == 0
    }

    /// Cancels it. The first reason counts. Returns what [`rouse`](Self::rouse) does.
    #[must_use = "it is marked as being in a queue"]
    fn cancel_shared(&self, reason: Reason) -> bool {
        let cancelled = CANCELLED | u64::from(reason.code()) << REASON_SHIFT;
        let Reason::Other(text) = reason else { return self.rouse(cancelled, CANCELLED) };
        // Who wants to know the reason has to wait for the lock. The push comes after it: it may wake a thread.
        let mut reasons = self.owner().scheduler().reasons.lock();
        let cancel = |word| (word & (COMPLETED | CANCELLED) == 0).then_some(word | SCHEDULED | OWNED | cancelled);
        let (word, roused) = self.update(cancel);
        if roused {
            reasons.insert(self.meta.id, text);
        }
        roused && word & OWNED == 0
    }

    /// Returns what [`rouse`](Self::rouse) does.
    #[must_use = "it is marked as being in a queue"]
    fn give_up_shared(&self) -> bool {
        // For the same reason as others, if it is being cancelled already; the code of none is zero.
        let shutdown = u64::from(Reason::Shutdown.code()) << REASON_SHIFT;
        let give_up = |word| {
            let reason = if word & CANCELLED == 0 { shutdown } else { 0 };
            (word & (COMPLETED | GIVEN_UP) == 0).then_some(word | SCHEDULED | OWNED | GIVEN_UP | CANCELLED | reason)
        };
        let (word, roused) = self.update(give_up);
        roused && word & OWNED == 0
    }
}

/// Puts it into a queue. The caller has set `OWNED`, and refers to it: the queue may let go of it at once.
#[inline]
fn push(header: NonNull<Header>) {
    // SAFETY: by the caller.
    let owner = unsafe { header.as_ref() }.owner_ptr();
    if current::is_loop_of(owner) {
        current::with_loop(|core| core.push_shared(header));
    } else {
        // A loop that has ended has no task left to run.
        // SAFETY: the owner lives as long as the cell, to which the caller refers.
        let _ = unsafe { &*owner }.scheduler().inject(header);
    }
}

/// One count less; frees the cell if that was the last.
///
/// # Safety
/// The caller has what it gives up (a count, or the handle of a task that has completed), and does not use the cell
/// afterwards.
#[inline]
unsafe fn release(header: NonNull<Header>, what: u64) {
    // SAFETY: by what the caller has the cell is alive.
    let this = unsafe { header.as_ref() };
    this.alive.with(|_| ());
    // AcqRel: what others did with the cell comes before it is freed, and what this thread did too.
    let word = this.word.fetch_sub(what, Ordering::AcqRel) - what;
    if word & (COMPLETED | HANDLE) == COMPLETED && word < ONE {
        // SAFETY: nobody refers to it.
        unsafe { free(header) };
    }
}

/// The functions of a shared cell with these types.
struct Shared<F, E>(PhantomData<(F, E)>);

impl<F, E> Shared<F, E>
where
    F: Future + Send + 'static,
    E: OnExit<F::Output>,
{
    const VTABLE: &'static VTable =
        &VTable { run: Self::run, outcome: TaskCell::<F, E>::erased_outcome, refuse: Self::refuse, is_local: false };

    /// # Safety
    /// As [`VTable::run`].
    unsafe fn run(header: NonNull<Header>) {
        touch(header.as_ptr());
        // SAFETY: the cell is alive: it has not completed.
        // Edge 1. Acquire pairs with the Release of wakes, and of the turn before.
        let word = unsafe { header.as_ref() }.word.fetch_and(!SCHEDULED, Ordering::AcqRel);
        let waker = borrowed(header);
        let mut cx = Context::from_waker(&waker);
        let completed = current::enter_task(header, || {
            let cell = header.cast::<TaskCell<F, E>>();
            // Not a reference that a call was given, see `update`.
            // SAFETY: as above. This is a shared reference, and the stage in a cell.
            let this = unsafe { cell.as_ref() };
            // SAFETY: rule 1 of the module: this thread is the owner.
            let mut scope = unsafe { Pin::new_unchecked(&mut *this.scope()) };
            if word & CANCELLED != 0 {
                this.header.cut(word, scope.as_mut());
            }
            // SAFETY: rule 1; the stage has ended then.
            let word = unsafe {
                match step(scope, &mut cx) {
                    Poll::Pending => return None,
                    Poll::Ready(Ok(output)) => this.end(Ok(output)),
                    Poll::Ready(Err(error)) => this.fail(error),
                }
                complete(cell)
            };
            // After the destructor of an output that nobody takes, which may spawn.
            current::with_loop(Core::note_end);
            Some(word)
        });
        match completed {
            // SAFETY: it came from there, and is told once.
            Some(word) => unsafe { tell_end(header, word) },
            None => {
                // Edge 3. Not if it was woken: then it stays this thread's, to be put into a queue.
                // SAFETY: this thread has it until then.
                let word = unsafe { &(*header.as_ptr()).word };
                let (_, given_up) = update(word, |word| (word & SCHEDULED == 0).then_some(word & !OWNED));
                if !given_up {
                    push(header);
                }
            }
        }
    }

    /// # Safety
    /// As [`VTable::refuse`].
    unsafe fn refuse(header: NonNull<Header>) {
        // SAFETY: the caller owns it, and has its handle; rule 1.
        unsafe {
            let this = header.cast::<TaskCell<F, E>>().as_ref();
            let during = "was spawned after the end of its loop, and panicked in dropping its future";
            failure::contain(this.header.owner(), &this.header.meta, during, || this.end_unpolled());
            this.header.drop_context();
            tell_end(header, complete(header.cast::<TaskCell<F, E>>()));
        }
    }
}

/// Marks the task as completed; edge 4. Returns the state, with a count for the caller if somebody is to be told.
///
/// # Safety
/// The caller owns the task, whose stage has ended. It does not use the cell afterwards, but by [`tell_end`].
unsafe fn complete<F: Future, E: OnExit<F::Output>>(cell: NonNull<TaskCell<F, E>>) -> u64 {
    // SAFETY: it has not completed yet.
    let this = unsafe { cell.as_ref() };
    touch(&raw const this.header);
    let mut word = this.header.word.load(Ordering::Acquire);
    loop {
        if word & HANDLE == 0 {
            // The destructor of the output runs before anybody is told that the task has ended.
            // SAFETY: rules 1 and 2: without a handle both are the owner's.
            unsafe { this.discard() };
        }
        let told = if word & (AWAITED | WATCHED | REASON) == 0 { 0 } else { ONE };
        let new = (word | COMPLETED) & !(OWNED | SCHEDULED);
        match this.header.word.compare_exchange_weak(word, new + told, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return new + told,
            Err(now) => word = now,
        }
    }
}

/// Wakes who waits for the end, and frees the cell if nobody refers to it.
///
/// # Safety
/// [`complete`] has returned `word`. The caller does not use the cell afterwards.
#[inline]
unsafe fn tell_end(header: NonNull<Header>, word: u64) {
    if word & (AWAITED | WATCHED | REASON) != 0 {
        // SAFETY: by the caller; this has a count, which `complete` took.
        unsafe {
            tell_all(header, word);
            release(header, ONE);
        }
    } else if word & HANDLE == 0 && word < ONE {
        // SAFETY: nobody referred to it when it was completed, so nobody can by now.
        unsafe { free(header) };
    }
}

/// # Safety
/// As [`tell_end`]; the caller has a count.
unsafe fn tell_all(header: NonNull<Header>, word: u64) {
    // SAFETY: by the caller.
    let this = unsafe { header.as_ref() };
    this.alive.with(|_| ());
    let scheduler = this.owner().scheduler();
    if (word & REASON) >> REASON_SHIFT == u64::from(Reason::OTHER) {
        // If the future was finished before it could be cut.
        drop(scheduler.reasons.take(this.meta.id));
    }
    let wake = |waker: Waker| {
        failure::contain(this.owner(), &this.meta, "ended, and a waker panicked", || waker.wake());
    };
    if word & AWAITED != 0 {
        // SAFETY: rule 2.
        unsafe { this.take_awaiter() }.into_iter().for_each(wake);
    }
    if word & WATCHED != 0 {
        let watchers = scheduler.watchers.lock_unseen().take(this.meta.id);
        watchers.into_iter().for_each(|watcher| wake(watcher.waker));
    }
}

/// The handle of a task that may cross threads.
#[allow(missing_debug_implementations, reason = "internal")]
pub struct SharedHandle<T> {
    header: NonNull<Header>,
    _output: PhantomData<T>,
}

// SAFETY: what a handle reaches is meant for all threads, and the outcome moves to the thread that takes it.
unsafe impl<T: Send> Send for SharedHandle<T> {}
// SAFETY: a shared reference to it gives no access to the outcome.
unsafe impl<T: Send> Sync for SharedHandle<T> {}

impl<T> SharedHandle<T> {
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: HANDLE keeps the cell alive until `release`, the last call.
        unsafe { self.header.as_ref() }
    }

    /// Where the outcome is. The task has completed.
    fn outcome(&mut self) -> &mut Option<Outcome<T>> {
        debug_assert!(self.header().is_finished(), "a task that runs has no outcome");
        // SAFETY: the caller has seen COMPLETED, and this is the handle: rule 1. The type is that which the cell was
        // spawned with.
        unsafe { (self.header().vtable.outcome)(self.header).cast::<Option<Outcome<T>>>().as_mut() }
    }

    /// Takes the audience back, if the task has not completed.
    #[must_use]
    fn reclaim_audience(&self) -> bool {
        let reclaim = |word| (word & COMPLETED == 0).then_some(word & !AWAITED);
        let word = self.header().word.load(Ordering::Acquire);
        // Nearly always there is nothing to be taken back.
        if word & (AWAITED | COMPLETED) == 0 { true } else { self.header().update(reclaim).1 }
    }
}

impl<T> Handle<T> for SharedHandle<T> {
    fn meta(&self) -> &Meta {
        &self.header().meta
    }

    #[inline]
    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let header = self.header();
        if header.is_finished() || !self.reclaim_audience() {
            return Poll::Ready(());
        }
        // SAFETY: rule 2, here and below.
        if !unsafe { header.is_awaited_by(cx.waker()) } {
            // Empty first, in case that foreign code panics: without AWAITED nobody takes out what is there.
            // SAFETY: as above.
            drop(unsafe { header.take_awaiter() });
            let awaiter = cx.waker().clone();
            // SAFETY: as above.
            unsafe { header.set_awaiter(awaiter) };
        }
        // Release pairs with the Acquire of `complete`.
        if header.word.fetch_or(AWAITED, Ordering::AcqRel) & COMPLETED != 0 {
            // It has completed without having seen the awaiter.
            // SAFETY: as above.
            drop(unsafe { header.take_awaiter() });
            return Poll::Ready(());
        }
        Poll::Pending
    }

    #[inline]
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        ready!(self.poll_finished(cx));
        Poll::Ready(self.outcome().take().expect("the outcome of a task was taken twice"))
    }

    fn failed(&mut self, is_failure: fn(&Outcome<T>) -> bool) -> bool {
        self.is_finished() && self.outcome().as_ref().is_some_and(is_failure)
    }

    fn cancel(&self, reason: Reason) {
        if self.header().cancel_shared(reason) {
            push(self.header);
        }
    }

    #[inline]
    fn is_finished(&self) -> bool {
        self.header().is_finished()
    }

    fn task_ref(&self) -> TaskRef {
        // SAFETY: the handle keeps the cell alive.
        unsafe { TaskRef::new(self.header) }
    }

    #[inline]
    fn release(&mut self, report: Option<Report<T>>) {
        while !self.is_finished() {
            if !self.reclaim_audience() {
                break;
            }
            let header = self.header();
            // SAFETY: rule 2; the report is for the type that the cell was spawned with.
            unsafe {
                drop(header.take_awaiter());
                header.set_report(report);
            }
            let (_, given_up) = update(&header.word, |word| (word & COMPLETED == 0).then_some(word & !HANDLE));
            if given_up {
                return;
            }
        }
        let outcome = self.outcome().take();
        if outcome.is_some() {
            discard(self.header().owner(), &self.header().meta, outcome, report);
        }
        // SAFETY: the task has completed, and the handle is given up, with this last use.
        unsafe { release(self.header, HANDLE) };
    }
}

/// A reference to a shared task.
impl TaskRef {
    pub(in crate::task) fn cancel_shared(&self, reason: Reason) {
        if self.header().cancel_shared(reason) {
            push(self.raw());
        }
    }

    pub(in crate::task) fn wake_shared(&self) {
        if self.header().rouse(0, 0) {
            push(self.raw());
        }
    }

    pub(in crate::task) fn give_up_shared(&self) {
        if self.header().give_up_shared() {
            push(self.raw());
        }
    }

    /// Wakes the watcher when the task ends; whether it will.
    pub(in crate::task) fn watch_shared(&self, watcher: Watcher) -> bool {
        let mut watchers = self.header().owner().scheduler().watchers.lock_unseen();
        let (_, watched) = self.header().update(|word| (word & COMPLETED == 0).then_some(word | WATCHED));
        if watched {
            watchers.insert(self.id(), watcher);
        } else {
            // A waker is foreign code.
            drop(watchers);
            drop(watcher);
        }
        watched
    }

    pub(in crate::task) fn unwatch_shared(&self, key: u64) {
        let former = self.header().owner().scheduler().watchers.lock_unseen().remove(self.id(), key);
        drop(former);
    }
}

/// One reference more, if the task has not completed: for who has come by the pointer without one.
///
/// # Safety
/// The block is there.
pub(crate) unsafe fn acquire_running(header: NonNull<Header>) -> Option<TaskRef> {
    // SAFETY: by the caller. Nothing but the word is touched before there is a reference.
    let word = unsafe { &(*header.as_ptr()).word };
    let mut state = word.load(Ordering::Acquire);
    loop {
        if state & (COMPLETED | super::EXISTS) != super::EXISTS {
            return None;
        }
        match word.compare_exchange_weak(state, state + ONE, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: the count was just taken.
            Ok(_) => return Some(unsafe { TaskRef::from_raw(header) }),
            Err(now) => state = now,
        }
    }
}

/// One count more; the caller has one.
#[inline]
pub(super) fn acquire(header: &Header) {
    // Relaxed: as in `Arc`, a reference is only made from another one.
    header.word.fetch_add(ONE, Ordering::Relaxed);
}

/// One count less.
///
/// # Safety
/// The caller has one, and does not use the cell afterwards.
#[inline]
pub(super) unsafe fn release_count(header: NonNull<Header>) {
    // SAFETY: by the caller.
    unsafe { release(header, ONE) };
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake_and_release, wake_raw, release_raw);

/// A waker for the time of a poll, which costs nothing to make.
#[inline]
fn borrowed(header: NonNull<Header>) -> BorrowedWaker {
    // SAFETY: the functions of the vtable keep the contract of `RawWaker`: they are thread-safe, and `clone` and `drop`
    // count. This one was not counted, and is not dropped.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(header.as_ptr().cast_const().cast(), &VTABLE)) })
}

fn header(data: *const ()) -> NonNull<Header> {
    // SAFETY: `borrowed` put a non-null pointer there.
    unsafe { NonNull::new_unchecked(data.cast::<Header>().cast_mut()) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps the cell alive.
    acquire(unsafe { header(data).as_ref() });
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake_and_release(data: *const ()) {
    // The count is given up last: it keeps the loop's part for all threads alive during the wake.
    // SAFETY: the waker has a count.
    unsafe {
        wake_raw(data);
        release(header(data), ONE);
    }
}

unsafe fn wake_raw(data: *const ()) {
    // SAFETY: the waker keeps the cell alive.
    let this = unsafe { header(data).as_ref() };
    this.alive.with(|_| ());
    if this.rouse(0, 0) {
        push(header(data));
    }
}

unsafe fn release_raw(data: *const ()) {
    // SAFETY: the waker's count is given up.
    unsafe { release(header(data), ONE) };
}

#[cfg(all(test, aio_loom))]
mod tests;
