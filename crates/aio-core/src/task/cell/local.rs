//! Tasks that stay on their thread.
//!
//! A local task is run, joined and cancelled on one thread, so its state is a plain word. Only its wakers, and
//! references to it, may be anywhere: they share a count, and one bit that says whether another thread has already
//! asked for a wake.
//!
//! # Who may touch what
//!
//! 1. The stage and the audience: the thread of the worker. The stage is borrowed mutably during a poll; the poll
//!    cannot come back to it, since a loop does not run inside itself and a handle takes the outcome only when
//!    [`COMPLETED`] is set.
//! 2. The state word: written by the thread of the worker (and by that of the handle, which is the same) with plain
//!    stores. Other threads read [`COMPLETED`].
//! 3. The count: everybody, as said there.
//! 4. The rest of the header never changes, or is the business of the running task.
//!
//! # When it is freed
//!
//! When nobody refers to it. The thread of the worker has *claims*: that the task has not completed, that it stands in
//! the run queue ([`SCHEDULED`]), and that its handle exists ([`HANDLE`]). Each waker and each reference counts one.
//! When the last claim is given up, the count is settled; from then on the last reference, on whatever thread, frees
//! the cell.

mod count;
mod waker;

use std::alloc::Layout;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

use aio_base::footprint::touch;
use aio_base::sync::atomic::Ordering;

pub(super) use self::count::Count;
use super::{
    CANCELLED, CLEANUP, COMPLETED, GIVEN_UP, HANDLE, Header, REASON, REASON_SHIFT, SCHEDULED, TAKEN, TaskCell, VTable,
    WATCHED, free,
};
use crate::current;
use crate::event_loop::{BlockKind, Core, Mail};
use crate::failure;
use crate::reason::Reason;
use crate::task::home::{Handle, Report, discard};
use crate::task::step::step;
use crate::task::watchers::Watcher;
use crate::task::{Meta, OnExit, Outcome, TaskRef};

/// When a task begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
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
#[inline]
pub(crate) unsafe fn spawn<F, E>(core: &Core, future: F, exit: E, meta: Meta, begin: Begin) -> LocalHandle<E::Output>
where
    F: Future,
    E: OnExit<F::Output>,
{
    let word = match begin {
        Begin::Next => HANDLE | SCHEDULED,
        Begin::Now => HANDLE,
        Begin::AsCleanup => HANDLE | SCHEDULED | CLEANUP,
    };
    let block = core.slab.allocate(BlockKind::Pinned, Layout::new::<TaskCell<F, E>>());
    // SAFETY: the block is fresh and has this layout.
    let header = unsafe { TaskCell::write(block, Header::new(Local::<F, E>::VTABLE, word, meta), future, exit) };
    core.note_spawn();
    touch(header.as_ptr());
    if begin == Begin::Now {
        // SAFETY: the claim HANDLE keeps the cell alive, and the task has not completed; it is in no queue.
        current::outside(|| unsafe { Local::<F, E>::turn(header, word) });
    } else {
        core.push(header);
    }
    LocalHandle { header, _output: PhantomData }
}

/// What local tasks do with a header; `is_here` has been seen to be true, where it says "on the thread of the worker".
impl Header {
    /// Whether this is the thread of the worker, and its loop exists.
    #[inline]
    pub(super) fn is_here(&self) -> bool {
        current::is_worker(self.owner_ptr())
    }

    /// The state, on the thread of the worker.
    #[inline]
    fn has(&self, bits: u64) -> bool {
        touch(self);
        // Relaxed: this thread wrote it.
        self.word.load(Ordering::Relaxed) & bits != 0
    }

    /// Not a locked operation: one thread writes. Returns what is there then.
    #[inline]
    fn change(&self, clear: u64, set: u64) -> u64 {
        touch(self);
        let word = self.word.load(Ordering::Relaxed) & !clear | set;
        // Release pairs with the Acquire of `is_finished` on other threads.
        self.word.store(word, Ordering::Release);
        word
    }

    /// Whether the caller has to put the task into the run queue: not if it is there, or has completed. On the thread
    /// of the worker.
    #[inline]
    #[must_use = "it is marked as being in the queue"]
    pub(super) fn schedule_local(&self) -> bool {
        let schedules = !self.has(SCHEDULED | COMPLETED);
        if schedules {
            self.change(0, SCHEDULED);
        }
        schedules
    }

    /// Cancels it, unless it is a cleanup. The first reason counts. Returns what
    /// [`schedule_local`](Self::schedule_local) does. On the thread of the worker.
    #[must_use = "it is marked as being in the queue"]
    fn cancel_local(&self, reason: Reason) -> bool {
        let cancels = !self.has(CANCELLED | COMPLETED | CLEANUP);
        if cancels {
            self.change(REASON, CANCELLED | u64::from(reason.code()) << REASON_SHIFT);
            if let Reason::Other(text) = reason {
                self.owner().scheduler().reasons.lock().insert(self.meta.id, text);
            }
        }
        cancels && self.schedule_local()
    }

    /// Has it end at its next turn, whatever it is and whatever it still has to do. Returns what
    /// [`schedule_local`](Self::schedule_local) does. On the thread of the worker.
    #[must_use = "it is marked as being in the queue"]
    fn give_up_local(&self) -> bool {
        let gives_up = !self.has(GIVEN_UP | COMPLETED);
        if gives_up {
            // Cleanups have not been cancelled before.
            let reason = if self.has(CANCELLED) { 0 } else { u64::from(Reason::Shutdown.code()) << REASON_SHIFT };
            self.change(0, GIVEN_UP | CANCELLED | reason);
        }
        gives_up && self.schedule_local()
    }
}

/// Settles the count, if the worker's thread has no claim left.
///
/// # Safety
/// On the thread of the worker, after a claim was given up; the caller does not use the cell afterwards.
#[inline]
unsafe fn release_claim(header: NonNull<Header>) {
    // SAFETY: the count has not been settled: a claim just existed.
    let this = unsafe { header.as_ref() };
    if this.word.load(Ordering::Relaxed) & (COMPLETED | SCHEDULED | HANDLE) == COMPLETED && this.count.settle() {
        // SAFETY: nobody refers to it.
        unsafe { free(header) };
    }
}

/// Gives up one count, and frees the cell if it was the last.
///
/// # Safety
/// The caller has a count, and does not use the cell afterwards.
#[inline]
pub(super) unsafe fn release(header: NonNull<Header>) {
    // SAFETY: by the caller's count the cell is alive.
    let this = unsafe { header.as_ref() };
    this.alive.with(|_| ());
    if this.count.release(this.is_here()) {
        // SAFETY: nobody refers to it.
        unsafe { free(header) };
    }
}

/// The functions of a local cell with these types.
struct Local<F, E>(PhantomData<(F, E)>);

impl<F: Future, E: OnExit<F::Output>> Local<F, E> {
    const VTABLE: &'static VTable = &VTable {
        run: Self::run,
        outcome: TaskCell::<F, E>::erased_outcome,
        refuse: |_| unreachable!("a local task is spawned on its loop"),
        is_local: true,
    };

    /// # Safety
    /// As [`VTable::run`].
    unsafe fn run(header: NonNull<Header>) {
        // SAFETY: the claim SCHEDULED kept it alive; from here on, as long as the task has not completed, its other
        // claim.
        let this = unsafe { header.as_ref() };
        let word = this.change(SCHEDULED, 0);
        if word & COMPLETED != 0 {
            // It was woken in its last turn.
            // SAFETY: a claim was given up; nothing of the cell is used afterwards.
            unsafe { release_claim(header) };
        } else {
            // SAFETY: it has not completed.
            unsafe { Self::turn(header, word) };
        }
    }

    /// # Safety
    /// On the thread of the worker; the task has not completed, and this is its state.
    #[inline]
    unsafe fn turn(header: NonNull<Header>, word: u64) {
        // SAFETY: the cell is alive: it has not completed. This is a shared reference, and the stage in a cell.
        let this = unsafe { header.cast::<TaskCell<F, E>>().as_ref() };
        let waker = waker::borrowed(header);
        let mut cx = Context::from_waker(&waker);
        let completed = current::enter_task(header, || {
            // SAFETY: rule 1 of the module: nobody else touches the stage during a poll.
            let mut scope = unsafe { Pin::new_unchecked(&mut *this.scope()) };
            if word & CANCELLED != 0 {
                this.header.cut(word, scope.as_mut());
            }
            // SAFETY: rule 1.
            unsafe {
                match step(scope, &mut cx) {
                    Poll::Pending => return false,
                    Poll::Ready(Ok(output)) => this.end(Ok(output)),
                    Poll::Ready(Err(error)) => this.fail(error),
                }
                // After the foreign code of `end`, which may have dropped the handle.
                if !this.header.has(HANDLE) {
                    this.discard();
                }
            }
            true
        });
        if completed {
            // SAFETY: it has not completed yet, and does so here.
            unsafe { complete(header) };
        }
    }
}

/// Marks the task as completed, and wakes who waits for that.
///
/// # Safety
/// On the thread of the worker; the task has not completed; its stage holds the outcome for the handle, or nothing.
#[inline]
unsafe fn complete(header: NonNull<Header>) {
    current::with_loop(|core| {
        // Not a reference that a call was given: those would have to stay valid until it returns.
        // SAFETY: it has not completed, so the worker's claim exists.
        let this = unsafe { header.as_ref() };
        let word = this.change(0, COMPLETED);
        core.note_end();
        // SAFETY: rule 1.
        if word & (WATCHED | REASON) == 0 && !unsafe { this.has_awaiter() } {
            // SAFETY: the claim "not completed" is given up, and this is the last use.
            unsafe { release_claim(header) };
        } else {
            // SAFETY: as above.
            unsafe { tell_end(core, header, word) };
        }
    });
}

/// Wakes who awaits the handle, and whoever waits for the end beside it.
///
/// # Safety
/// As [`complete`], which has made it `word`. The cell is not used afterwards.
#[inline(never)]
unsafe fn tell_end(core: &Core, header: NonNull<Header>, word: u64) {
    // SAFETY: the worker's claim is given up below.
    let this = unsafe { header.as_ref() };
    // SAFETY: rule 1.
    let awaiter = unsafe { this.take_awaiter() };
    let others = match awaiter.map(|awaiter| waker::wake_here(core, awaiter)) {
        None | Some(Ok(())) if word & (WATCHED | REASON) == 0 => {
            // SAFETY: by the caller.
            return unsafe { release_claim(header) };
        }
        None | Some(Ok(())) => None,
        Some(Err(awaiter)) => Some(awaiter),
    };
    // SAFETY: by the caller.
    unsafe { tell_others(core, header, word, others) };
}

/// # Safety
/// As [`tell_end`].
#[inline(never)]
unsafe fn tell_others(core: &Core, header: NonNull<Header>, word: u64, awaiter: Option<Waker>) {
    // SAFETY: the worker's claim is given up below.
    let this = unsafe { header.as_ref() };
    if (word & REASON) >> REASON_SHIFT == u64::from(Reason::OTHER) {
        // If the future was finished before it could be cut.
        drop(core.scheduler().reasons.take(this.meta.id));
    }
    let watchers = if word & WATCHED == 0 { Vec::new() } else { core.watchers.borrow_mut().take(this.meta.id) };
    let who = this.meta.anonymous();
    // The cell is not used any more when a waker, foreign code, runs: it may drop the handle.
    // SAFETY: by the caller.
    unsafe { release_claim(header) };
    for waker in awaiter.into_iter().chain(watchers.into_iter().map(|watcher| watcher.waker)) {
        failure::contain(core.worker(), &who, "ended, and a waker panicked", || waker.wake());
    }
}

/// The handle of a local task.
#[allow(missing_debug_implementations, reason = "internal")]
pub struct LocalHandle<T> {
    header: NonNull<Header>,
    _output: PhantomData<T>,
}

impl<T> LocalHandle<T> {
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the claim HANDLE keeps the cell alive until `release`, the last call.
        unsafe { self.header.as_ref() }
    }

    #[inline]
    fn take(&self) -> Option<Outcome<T>> {
        // SAFETY: as `outcome` says; the handle stays on the thread of the worker, so nobody else uses the place.
        unsafe { self.outcome().as_mut() }.take()
    }

    /// Has the task `report` when it completes, without anybody who awaits it.
    #[cold]
    fn leave(&self, report: Option<Report<T>>) {
        let header = self.header();
        // SAFETY: rule 1; the report is for the type that the cell was spawned with.
        unsafe {
            drop(header.take_awaiter());
            header.set_report(report);
        }
    }

    /// Drops the outcome, which is there.
    #[cold]
    fn discard(&self, report: Option<Report<T>>) {
        let header = self.header();
        discard(header.owner(), &header.meta, self.take(), report);
    }

    /// The task has not completed; `waker` is for whoever completes it.
    #[inline(never)]
    fn await_with(&self, waker: &Waker) {
        let header = self.header();
        // SAFETY: rule 1.
        if !unsafe { header.is_awaited_by(waker) } {
            let awaiter = waker::clone_here(waker);
            // SAFETY: as above.
            drop(unsafe { header.set_awaiter(awaiter) });
        }
    }

    /// Where the outcome is. The task has completed.
    #[inline]
    fn outcome(&self) -> NonNull<Option<Outcome<T>>> {
        debug_assert!(self.header().has(COMPLETED), "a task that runs has no outcome");
        // SAFETY: the caller has seen COMPLETED, and this is the handle. The type is that which the cell was spawned
        // with.
        unsafe { (self.header().vtable.outcome)(self.header) }.cast()
    }
}

impl<T> Handle<T> for LocalHandle<T> {
    fn meta(&self) -> &Meta {
        &self.header().meta
    }

    #[inline]
    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.header().has(COMPLETED) {
            return Poll::Ready(());
        }
        self.await_with(cx.waker());
        Poll::Pending
    }

    #[inline]
    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        ready!(self.poll_finished(cx));
        self.header().change(0, TAKEN);
        Poll::Ready(self.take().expect("the outcome of a task was taken twice"))
    }

    fn failed(&mut self, is_failure: fn(&Outcome<T>) -> bool) -> bool {
        // SAFETY: as `outcome` says; the handle stays on the thread of the worker, so nobody else uses the place.
        self.is_finished() && unsafe { self.outcome().as_ref() }.as_ref().is_some_and(is_failure)
    }

    fn cancel(&self, reason: Reason) {
        self.task_ref().cancel_local(reason);
    }

    #[inline]
    fn is_finished(&self) -> bool {
        self.header().has(COMPLETED)
    }

    fn task_ref(&self) -> TaskRef {
        // SAFETY: the handle keeps the cell alive.
        unsafe { TaskRef::new(self.header) }
    }

    #[inline]
    fn release(&mut self, report: Option<Report<T>>) {
        let header = self.header();
        if !header.has(COMPLETED) {
            // SAFETY: rule 1.
            if report.is_some() || unsafe { header.has_awaiter() } {
                self.leave(report);
            }
        } else if !header.has(TAKEN) {
            self.discard(report);
        }
        header.change(HANDLE, 0);
        // SAFETY: a claim was given up, and this is the last use.
        unsafe { release_claim(self.header) };
    }
}

/// A reference to a local task, for any thread.
impl TaskRef {
    /// Wakes the task after another thread asked for it. On the thread of the worker.
    pub(crate) fn wake_asked(&self, core: &Core) {
        self.header().count.answer();
        if self.header().schedule_local() {
            core.push(self.raw());
        }
    }

    pub(in crate::task) fn cancel_local(&self, reason: Reason) {
        if !self.header().is_finished() {
            self.on_its_worker(|core, task| {
                if task.header().cancel_local(reason) {
                    core.push(task.raw());
                }
            });
        }
    }

    pub(in crate::task) fn wake_local(&self) {
        if !self.header().is_finished() {
            self.on_its_worker(|core, task| {
                if task.header().schedule_local() {
                    core.push(task.raw());
                }
            });
        }
    }

    pub(in crate::task) fn give_up_local(&self) {
        if !self.header().is_finished() {
            self.on_its_worker(|core, task| {
                if task.header().give_up_local() {
                    core.push(task.raw());
                }
            });
        }
    }

    /// Wakes the watcher when the task ends; whether it will.
    pub(in crate::task) fn watch_local(&self, watcher: Watcher) -> bool {
        // On another thread the worker is told to look, and wakes the watcher if the task has ended meanwhile.
        self.on_its_worker(|core, task| {
            if task.header().is_finished() {
                let wake = || watcher.waker.wake();
                failure::contain(core.worker(), task.header().meta(), "ended, and a waker panicked", wake);
            } else {
                task.header().change(0, WATCHED);
                core.watchers.borrow_mut().insert(task.id(), watcher);
            }
        });
        // A loop that has ended left no task behind that has not.
        !self.header().is_finished()
    }

    pub(in crate::task) fn unwatch_local(&self, key: u64) {
        let id = self.id();
        self.on_its_worker(move |core, task| {
            let former = core.watchers.borrow_mut().remove(id, key);
            // After the borrow: a waker is foreign code, and so is its destructor.
            failure::contain(core.worker(), task.header().meta(), "had a waker that panicked", || drop(former));
        });
    }

    /// Calls `f` on the thread of the worker: now, if this is it; else when the worker reads its mail; never, if the
    /// loop has ended.
    fn on_its_worker(&self, f: impl FnOnce(&Core, &Self) + Send + 'static) {
        if self.header().is_here() {
            current::with_loop(|core| f(core, self));
        } else {
            let this = self.clone();
            // After the end of the loop there is nothing left to call it for.
            drop(self.header().owner().send(Mail::Call(Box::new(move |core| f(core, &this)))));
        }
    }
}
