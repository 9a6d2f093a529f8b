//! The cell of a task: one block of memory with its state, its future and then its outcome.
//!
//! All cells begin with the same [`Header`], so that queues, wakers and [`TaskRef`](super::TaskRef)s are single
//! pointers. What differs between the two homes is who may touch it when:
//!
//! - [`local`]: a task that stays on its thread. Its state is a plain word, which that thread writes.
//! - [`shared`]: a task that may cross threads. Its state is changed with locked operations, as few as will do.
//!
//! The block comes from the slab of the worker that spawned the task. It is also the list of the worker's tasks: who
//! visits the blocks of a slab finds in the [state word](Header::word) of each whether there is a task in it.

pub(super) mod local;
pub(super) mod shared;

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::Waker;

use aio_base::footprint::touch;
use aio_base::live::{Kind, Live};
use aio_base::sync;
use aio_base::sync::atomic::{AtomicU64, Ordering};
use aio_base::waits::TaskPart;

use self::local::Count;
use super::home::sealed::Here;
use super::home::{Report, discard};
use super::step::cut;
use super::{JoinError, Meta, OnExit, Outcome};
use crate::context::ContextSlot;
use crate::current;
use crate::event_loop::{Slab, Worker};
use crate::failure::{self, Failure, FailureKind};
use crate::reason::Reason;
use crate::scope::Scope;

/// Stands in a run queue, or is about to be put into one.
const SCHEDULED: u64 = 1;
/// The outcome is there, or has been taken; the future is gone. Never cleared.
const COMPLETED: u64 = 1 << 1;
/// The handle exists.
const HANDLE: u64 = 1 << 2;
/// The future is to be dropped at the next turn. Never cleared.
const CANCELLED: u64 = 1 << 3;
/// Somebody waits for the end beside the handle, see [`Watchers`](super::Watchers).
const WATCHED: u64 = 1 << 4;
/// A cleanup: it cannot be cancelled.
const CLEANUP: u64 = 1 << 5;
/// The handle has taken the outcome. Never cleared.
const TAKEN: u64 = 1 << 6;
/// Cleanups and all are to be dropped at the next turn. Never cleared.
const GIVEN_UP: u64 = 1 << 7;
/// Where the code of the [`Reason`] for which it was cancelled begins.
const REASON_SHIFT: u32 = 8;
const REASON: u64 = (Reason::OTHER as u64) << REASON_SHIFT;
/// There is a task: the state of a cell is never zero.
const EXISTS: u64 = 1 << 15;

/// What all tasks have in common; it begins the cell.
#[repr(C)]
pub(crate) struct Header {
    vtable: &'static VTable,
    /// Whether there ever was a task in this block. The model checker's atomics cannot be read before they are made.
    #[cfg(aio_loom)]
    used: std::sync::atomic::AtomicU64, // facade: see above
    /// The bits above; and what the home adds.
    word: AtomicU64,
    /// Of local tasks.
    count: Count,
    /// Emptied before the cell is freed.
    audience: sync::UnsafeCell<ManuallyDrop<Audience>>,
    meta: Meta,
    /// Read where the cell is used and written where it is freed, so that the model checker sees whether the one comes
    /// before the other.
    alive: sync::UnsafeCell<()>,
    _live: Live,
}

#[cfg(not(aio_loom))]
const _: () = {
    assert!(std::mem::offset_of!(Header, word) == 8 || size_of::<usize>() != 8);
    // With the smallest future a task has 80 bytes. (The live counter takes room in builds that have it.)
    assert!(aio_base::live::ENABLED || size_of::<Header>() == 56 || size_of::<usize>() != 8);
};

/// Who is told of the end.
enum Audience {
    /// Who awaits the handle.
    Awaiter(Waker),
    /// Nobody. Once the handle is gone: the [`Report`] to be made, its type forgotten.
    Nobody(Option<fn()>),
}

// The report takes the place of the waker.
const _: () = assert!(size_of::<Audience>() == size_of::<Waker>());

pub(super) struct VTable {
    /// Gives the task its turn. It came out of a run queue.
    run: unsafe fn(NonNull<Header>),
    /// Where the outcome is, an `Option<Outcome<T>>`. The task has completed, and the caller is the one who may take
    /// it.
    outcome: unsafe fn(NonNull<Header>) -> NonNull<()>,
    /// Ends the task before its first turn, since there is no loop to run it. The caller has taken it from no queue.
    refuse: unsafe fn(NonNull<Header>),
    is_local: bool,
}

#[repr(C)]
struct TaskCell<F: Future, E: OnExit<F::Output>> {
    header: Header,
    stage: sync::UnsafeCell<Stage<F, E>>,
}

/// The state word says which of the two it is: it runs until [`COMPLETED`] is set, or just before.
union Stage<F: Future, E: OnExit<F::Output>> {
    running: ManuallyDrop<Running<F, E>>,
    /// Emptied before the cell is freed.
    ended: ManuallyDrop<Option<Outcome<E::Output>>>,
}

struct Running<F, E>
where
    F: Future,
{
    scope: Scope<F>,
    /// Taken once, when the task ends.
    exit: ManuallyDrop<E>,
}

impl Header {
    /// `word` without its [`EXISTS`].
    fn new(vtable: &'static VTable, word: u64, meta: Meta) -> Self {
        Self {
            vtable,
            #[cfg(aio_loom)]
            used: std::sync::atomic::AtomicU64::new(1), // facade: see there
            word: AtomicU64::new(word | EXISTS),
            count: Count::new(),
            audience: sync::UnsafeCell::new(ManuallyDrop::new(Audience::Nobody(None))),
            meta,
            alive: sync::UnsafeCell::new(()),
            _live: Live::new(Kind::Task),
        }
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Whether it has ended; from any thread.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        touch(self);
        // Acquire pairs with the Release of whoever completes it.
        self.word.load(Ordering::Acquire) & COMPLETED != 0
    }

    /// Whether it was cancelled; from any thread.
    pub(crate) fn is_cancelled(&self) -> bool {
        touch(self);
        // Relaxed: nothing follows from it.
        self.word.load(Ordering::Relaxed) & CANCELLED != 0
    }

    pub(crate) fn is_local(&self) -> bool {
        self.vtable.is_local
    }

    /// Of a local task: the worker it stays with. Of a shared one: the first worker of its loop.
    #[inline]
    fn owner_ptr(&self) -> *const Worker {
        Slab::owner(NonNull::from(self).cast()).cast()
    }

    fn owner(&self) -> &Worker {
        // SAFETY: it lives as long as any block of its slab is in use, and this is in one.
        unsafe { &*self.owner_ptr() }
    }

    fn audience(&self) -> *mut Audience {
        self.audience.with_mut(|audience| audience.cast())
    }

    /// Who awaits the handle; nobody does afterwards.
    ///
    /// # Safety
    /// The audience is the caller's, by the rules of the home.
    unsafe fn take_awaiter(&self) -> Option<Waker> {
        // SAFETY: by the caller.
        match unsafe { std::mem::replace(&mut *self.audience(), Audience::Nobody(None)) } {
            Audience::Awaiter(awaiter) => Some(awaiter),
            Audience::Nobody(_) => None,
        }
    }

    /// # Safety
    /// As [`take_awaiter`](Self::take_awaiter).
    #[inline]
    unsafe fn has_awaiter(&self) -> bool {
        // SAFETY: by the caller.
        matches!(unsafe { &*self.audience() }, Audience::Awaiter(_))
    }

    /// # Safety
    /// As [`take_awaiter`](Self::take_awaiter).
    #[inline]
    unsafe fn is_awaited_by(&self, waker: &Waker) -> bool {
        // SAFETY: by the caller.
        matches!(unsafe { &*self.audience() }, Audience::Awaiter(awaiter) if awaiter.will_wake(waker))
    }

    /// Returns who awaited the handle before.
    ///
    /// # Safety
    /// As [`take_awaiter`](Self::take_awaiter).
    #[inline]
    unsafe fn set_awaiter(&self, awaiter: Waker) -> Option<Waker> {
        // SAFETY: by the caller.
        match unsafe { std::mem::replace(&mut *self.audience(), Audience::Awaiter(awaiter)) } {
            Audience::Awaiter(former) => Some(former),
            Audience::Nobody(_) => None,
        }
    }

    /// # Safety
    /// As [`set_awaiter`](Self::set_awaiter). The output of the task is a `T`.
    unsafe fn set_report<T>(&self, report: Option<Report<T>>) {
        // SAFETY: only the type of a pointer changes, and `take_report` changes it back before the call.
        let report = report.map(|report| unsafe { std::mem::transmute::<Report<T>, fn()>(report) });
        // SAFETY: by the caller.
        unsafe { *self.audience() = Audience::Nobody(report) };
    }

    /// The report to be made of an output.
    ///
    /// # Safety
    /// As [`take_awaiter`](Self::take_awaiter). The output of the task is a `T`.
    unsafe fn take_report<T>(&self) -> Option<Report<T>> {
        // SAFETY: by the caller.
        match unsafe { std::mem::replace(&mut *self.audience(), Audience::Nobody(None)) } {
            // SAFETY: `set_report` made it from a `Report` of this very type: a handle has the type of its cell.
            Audience::Nobody(Some(report)) => Some(unsafe { std::mem::transmute::<fn(), Report<T>>(report) }),
            _ => None,
        }
    }

    /// Drops the values of its context variables, which may be anything: on the loop, while the task still counts. Only
    /// for the running task, or for who owns it. There are none afterwards, so nothing foreign runs when the cell is
    /// freed.
    #[inline]
    fn drop_context(&self) {
        /// A destructor may set others, for ever: those of the last round are leaked.
        const ROUNDS: usize = 8;
        #[cold]
        fn drop_it(header: &Header, context: &ContextSlot) {
            for _ in 0..ROUNDS {
                let values = context.take();
                if values.is_empty() {
                    return;
                }
                failure::contain(header.owner(), &header.meta, "panicked in dropping its context", || drop(values));
            }
            std::mem::forget(context.take());
        }
        if let Some(context) = self.meta.context() {
            drop_it(self, context);
        }
    }

    /// Cuts the future off before a turn, and if the task was given up, its cleanups as well.
    #[cold]
    fn cut<F: Future>(&self, word: u64, mut scope: Pin<&mut Scope<F>>) {
        if scope.is_running() {
            let code = ((word & REASON) >> REASON_SHIFT) as u32;
            let reason = Reason::from_code(code, || self.owner().scheduler().reasons.take(self.meta.id));
            cut(scope.as_mut(), reason);
        }
        if word & GIVEN_UP != 0 {
            let what = scope.give_up();
            // A task without cleanups has just been cancelled; it is nothing that would not end.
            if !what.is_empty() || word & CLEANUP != 0 {
                failure::report(self.owner(), &Failure::new(Some(&self.meta), FailureKind::Overran(&what)));
            }
        }
    }
}

impl<F: Future, E: OnExit<F::Output>> TaskCell<F, E> {
    /// Writes the cell into a block, which others may look at meanwhile: whether there is a task in it is the last
    /// thing that they see.
    ///
    /// It takes the parts, so that each is written in its place. A cell that is put together elsewhere is copied in
    /// larger pieces than it was just written in, and a processor waits for that.
    ///
    /// # Safety
    /// The block is the caller's, and large enough.
    #[inline]
    unsafe fn write(block: NonNull<u8>, header: Header, future: F, exit: E) -> NonNull<Header> {
        let cell = block.cast::<Self>();
        let word = header.word.load(Ordering::Relaxed);
        let running = Running { scope: Scope::new(future), exit: ManuallyDrop::new(exit) };
        let stage = Stage { running: ManuallyDrop::new(running) };
        // SAFETY: by the caller. The header is written without its word, which others may be reading; a word like it
        // is there from a former task, or the zero that the slab has put there.
        unsafe {
            (&raw mut (*cell.as_ptr()).stage).write(sync::UnsafeCell::new(stage));
            write_header(&raw mut (*cell.as_ptr()).header, header);
            (*cell.as_ptr()).header.word.store(word, Ordering::Release);
        }
        cell.cast()
    }
}

/// # Safety
/// `place` is the caller's, but for its word.
#[inline]
unsafe fn write_header(place: *mut Header, header: Header) {
    let header = ManuallyDrop::new(header);
    // SAFETY: by the caller; each field is moved once.
    unsafe {
        macro_rules! move_fields {
            ($($field:ident)*) => { $((&raw mut (*place).$field).write((&raw const header.$field).read());)* };
        }
        move_fields!(vtable count audience meta alive _live);
        // The model checker's atomic is made anew.
        #[cfg(aio_loom)]
        move_fields!(used word);
    }
}

impl<F: Future, E: OnExit<F::Output>> TaskCell<F, E> {
    /// Where it is what runs.
    #[inline]
    fn running(&self) -> *mut Running<F, E> {
        // SAFETY: the stage is there, whatever is in it. A `ManuallyDrop` is laid out as what is in it.
        self.stage.with_mut(|stage| unsafe { &raw mut (*stage).running }).cast()
    }

    /// Where it is the outcome.
    #[inline]
    fn ended(&self) -> *mut Option<Outcome<E::Output>> {
        // SAFETY: as above.
        self.stage.with_mut(|stage| unsafe { &raw mut (*stage).ended }).cast()
    }

    /// Its future, with the cleanups. It is pinned: while it runs the stage is never moved, only dropped in its place.
    #[inline]
    fn scope(&self) -> *mut Scope<F> {
        // SAFETY: this makes a pointer into the cell, and no reference.
        unsafe { &raw mut (*self.running()).scope }
    }

    /// Puts the outcome in the place of the future.
    ///
    /// # Safety
    /// The stage is the caller's, by the rules of the home, and is running, but its scope has
    /// [ended](super::step::step). The context of the task is this thread's.
    #[inline]
    unsafe fn end(&self, outcome: Outcome<F::Output>) {
        // SAFETY: by the caller; it is taken once, since the stage has ended when this is done.
        let kept = unsafe { ManuallyDrop::take(&mut (*self.running()).exit) }.contained(outcome, Here);
        self.header.drop_context();
        TaskPart::ended(|| self.header.meta.id.get());
        // SAFETY: by the caller. Nothing in the scope needs a destructor any more.
        unsafe {
            debug_assert!((*self.scope()).is_empty(), "a task ends when its scope has");
            // Not at once, for the reason that `write` has.
            match kept {
                Ok(output) => self.ended().write(Some(Ok(output))),
                Err(error) => self.ended().write(Some(Err(error))),
            }
        }
    }

    /// [`end`](Self::end) of what has failed.
    ///
    /// # Safety
    /// As there.
    #[inline(never)]
    unsafe fn fail(&self, error: JoinError) {
        // SAFETY: by the caller.
        unsafe { self.end(Err(error)) };
    }

    /// Drops the future, which was never polled, and puts in its place that it was cancelled.
    ///
    /// # Safety
    /// The stage is the caller's, by the rules of the home, and is running.
    ///
    /// # Panics
    /// If the destructor of the future does, when all of that is done.
    unsafe fn end_unpolled(&self) {
        // SAFETY: by the caller; each is taken or dropped once, and the stage holds nothing then.
        let (exit, dropped) = unsafe {
            let exit = ManuallyDrop::take(&mut (*self.running()).exit);
            let dropped = catch_unwind(AssertUnwindSafe(|| std::ptr::drop_in_place(self.scope())));
            self.ended().write(Some(Err(JoinError::cancelled_by(Reason::Shutdown))));
            (exit, dropped)
        };
        drop(exit);
        dropped.unwrap_or_else(|payload| resume_unwind(payload));
    }

    /// Drops the outcome, which nobody will take.
    ///
    /// # Safety
    /// The stage and the audience are the caller's.
    #[inline]
    unsafe fn discard(&self) {
        // SAFETY: by the caller.
        let (ended, audience) = unsafe { (&mut *self.ended(), &*self.header.audience()) };
        let is_plain = matches!(ended, Some(Ok(_))) && !std::mem::needs_drop::<E::Output>();
        if is_plain && matches!(audience, Audience::Nobody(None)) {
            *ended = None;
        } else {
            // SAFETY: by the caller.
            unsafe { self.discard_with(ended.take()) };
        }
    }

    /// # Safety
    /// As [`discard`](Self::discard).
    #[inline(never)]
    unsafe fn discard_with(&self, outcome: Option<Outcome<E::Output>>) {
        let header = &self.header;
        // SAFETY: by the caller.
        discard(header.owner(), &header.meta, outcome, unsafe { header.take_report() });
        // The destructor of the output may have set something.
        header.drop_context();
    }

    /// # Safety
    /// As [`VTable::outcome`].
    unsafe fn erased_outcome(header: NonNull<Header>) -> NonNull<()> {
        // SAFETY: by the caller.
        unsafe { NonNull::new_unchecked(header.cast::<Self>().as_ref().ended()) }.cast()
    }
}

/// Gives the task its turn.
///
/// # Safety
/// `header` came out of a run queue of this thread's loop.
#[inline]
pub(crate) unsafe fn run(header: NonNull<Header>) {
    // SAFETY: by the caller; a task in a queue is alive.
    unsafe { (header.as_ref().vtable.run)(header) }
}

/// Frees the cell.
///
/// # Safety
/// Nobody has a count or a claim, so nobody else has a pointer. (The task has completed, so the stage holds nothing:
/// without a handle, the outcome was taken or dropped.)
#[inline(never)]
unsafe fn free(header: NonNull<Header>) {
    // SAFETY: by the caller. The word stays as it is, for those who visit the blocks of the slab.
    unsafe {
        header.as_ref().alive.with_mut(|_| ());
        debug_assert!(header.as_ref().meta.holds_nothing_foreign(), "a destructor would run anywhere");
        debug_assert!(matches!(*header.as_ref().audience(), Audience::Nobody(_)), "a waker would be leaked");
        std::ptr::drop_in_place(header.as_ptr());
    }
    let block = header.cast();
    let freed = current::with_loop(|core| {
        let is_here = core.slab.owns(block);
        if is_here {
            // SAFETY: by the caller; a cell begins its block.
            unsafe { core.slab.free(block) };
        }
        is_here
    });
    if freed != Some(true) {
        // SAFETY: as above.
        unsafe { Slab::free_elsewhere(block) };
    }
}

/// One reference more. The caller has one, or keeps the cell alive by other means.
#[inline]
pub(super) fn acquire(header: &Header) {
    if header.is_local() { header.count.acquire(header.is_here()) } else { shared::acquire(header) }
}

/// One reference less; frees the cell if it was the last.
///
/// # Safety
/// The caller has one, and does not use the cell afterwards.
#[inline]
pub(super) unsafe fn release(header: NonNull<Header>) {
    // SAFETY: by the caller.
    unsafe { if header.as_ref().is_local() { local::release(header) } else { shared::release_count(header) } }
}

/// A task that lies in a block of a slab, if there is one that has not completed.
///
/// # Safety
/// The block holds a cell, or held one, or none yet; it is not handed out again meanwhile to another kind of cell.
pub(crate) unsafe fn in_block(block: NonNull<u8>) -> Option<NonNull<Header>> {
    let header = block.cast::<Header>();
    #[cfg(aio_loom)]
    // SAFETY: the slab has put a zero there.
    if unsafe { &(*header.as_ptr()).used }.load(Ordering::SeqCst) == 0 {
        return None;
    }
    // SAFETY: the word is there as long as the block, and changed as an atomic only.
    let word = unsafe { &(*header.as_ptr()).word };
    let word = word.load(Ordering::Acquire);
    (word & (EXISTS | COMPLETED) == EXISTS).then_some(header)
}

/// Not a waker of its own count: lent to a poll.
type BorrowedWaker = ManuallyDrop<Waker>;
