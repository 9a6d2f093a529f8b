//! Futures that wait in line: the part that all primitives share.
//!
//! A [`Line`] is a doubly linked list, first come first served, whose nodes lie inside the waiting futures ([`Wait`]):
//! to wait allocates nothing, and to give up costs the same however long the line is. A primitive keeps its lines, and
//! what belongs to them, in one [`Exclusive`]; for each way to wait for it there is a [`Waiter`], which says in which
//! line, and what is to be done when one is gone that was woken. Who has to wait is decided in [`Wait::poll`] and who
//! is next is taken out by [`Line::wake_first`], both under the lock; the waker is called after it was released.
//!
//! Each waiter goes through these stages; the lock is held for edges 1, 2 and 5.
//!
//! ```text
//!          ──1 enter──▶          ──2 wake──▶
//!    NEW                 QUEUED               GIVEN, DISMISSED
//!     │                    │                    │
//!     │ 3                  │ 5                  │ 4, 6
//!     └────────────────▶ DONE ◀─────────────────┘
//! ```
//! 1. [`Wait::poll`], or [`Wait::try_enter`], joins the line: the primitive said that it must wait.
//! 2. [`Line::wake_first`] takes it out of the line, and gives it something (a lock, a permit, an item, a
//!    notification); [`Line::dismiss_first`] does so and gives it nothing. From here on only the future itself may
//!    touch its node.
//! 3. [`Wait::poll`] need not wait: the primitive said so.
//! 4. [`Wait::poll`], or [`Wait::try_serve`], finds that it was woken.
//! 5. Dropped in the line: it leaves ([`Waiter::leaves`], [`Waiter::left`]).
//! 6. Dropped between being woken and being polled: if it was GIVEN something, [`Waiter::pass_on`] gives that to the
//!    next one.
//!
//! # Why the pointers hold
//!
//! A node is in the line only in stage QUEUED. It gets there through a pinned [`Wait`], so it stays where it is until
//! that is dropped, and dropping it takes the node out first, under the lock. A pinned future that is leaked is never
//! dropped; then its memory is never reused either, and the node may stay in the line for ever (whoever wakes it gets
//! no answer). Nodes point to each other and never to the line, which therefore may move when nothing borrows it.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use aio_base::home::{Exclusive, Word};
use aio_base::live::{Kind, Live};
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Panics, Shared, WakeList, waits};

/// How far a node has come, as its owner knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// QUEUED, GIVEN or DISMISSED: so says the mark.
    Entered,
    Done,
}

const QUEUED: u8 = 0;
const GIVEN: u8 = 1;
const DISMISSED: u8 = 2;

/// One way to wait for a primitive.
///
/// # Safety
/// A waiter names the same lock and in it the same line as long as it exists.
pub(crate) unsafe trait Waiter<H: Home> {
    /// What the lock guards: the line, and what belongs to it.
    type Guarded;
    /// What each waiter brings along, for the others to read. Dropped under the lock.
    type Note;
    /// What it waits for, in a report of who waits for what.
    const WHAT: &'static str;

    /// The lock. While it is held no foreign code runs: no waker may be cloned, woken or dropped.
    fn guarded(&self) -> &H::Exclusive<Self::Guarded>;
    /// The line to wait in.
    fn line(guarded: &mut Self::Guarded) -> &mut Line<H, Self::Note>;
    /// This one was given something and is gone without having noticed. The lock is not held.
    fn pass_on(&self);
    /// This one gives up its place in the line. The lock is held.
    fn leaves(_guarded: &mut Self::Guarded) {}
    /// This one gave up its place in the line. The lock is not held.
    fn left(&self) {}
}

/// Those who wait, first come first served.
pub(crate) struct Line<H: Home, N> {
    /// The nodes form a circle, so that this is all a primitive has to keep: the first has the last one before it.
    first: Option<Link<H, N>>,
}

type Link<H, N> = NonNull<Node<H, N>>;

/// How the waiting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It did not have to wait.
    Passed,
    /// By [`Line::wake_first`].
    Given,
    /// By [`Line::dismiss_first`].
    Dismissed,
}

/// A place in the line.
struct Node<H: Home, N> {
    /// For the future's owner alone, who then has the only reference to the future. (Not atomic, so that the compiler
    /// sees that a future that is done has nothing to drop.)
    stage: Cell<Stage>,
    /// QUEUED, GIVEN or DISMISSED, once the stage is `Entered`. Written by the owner to join the line, and by edge 2,
    /// which takes the node away from the line and is the last that others do to it.
    mark: H::Byte,
    /// There exactly while QUEUED, and then for the holder of the line's lock to read and write. (A node that never
    /// has to wait does not pay for making it.)
    place: UnsafeCell<MaybeUninit<Place<H, N>>>,
    /// As `place`. By itself, since it may share a word with the stage.
    note: UnsafeCell<MaybeUninit<N>>,
    /// Others hold pointers to this.
    _pinned: PhantomPinned,
}

struct Place<H: Home, N> {
    previous: Link<H, N>,
    next: Link<H, N>,
    waker: Waker,
    _live: Live,
}

// SAFETY: a line is a list of nodes, which hold wakers (`Send`) and notes (`Send`, asked for), and whose pointers may
// be followed from any thread: only under the line's lock are nodes reached by them, and that is a real one in this
// home.
unsafe impl<N: Send> Send for Line<Shared, N> {}

// SAFETY: what is `!Send` in a node is its pointers: see `Line`. A future that has moved to another thread goes on to
// reach them only under the line's lock.
unsafe impl<N: Send> Send for Node<Shared, N> {}

// SAFETY: a shared reference to a node reaches its `place` only under the line's lock (as `Line` and `Wait` do); the
// mark is atomic; the stage is written by whoever polls or drops the future, and has no other reference to it then.
unsafe impl<N: Send> Sync for Node<Shared, N> {}

impl<H: Home, N> Line<H, N> {
    pub(crate) const fn new() -> Self {
        Self { first: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// What the first in the line has brought along.
    pub(crate) fn first(&self) -> Option<&N> {
        let first = self.first?;
        // SAFETY: it is in the line, which is borrowed as long as the note: nobody writes to it.
        Some(unsafe { first.as_ref().note.with(|note| (*note).assume_init_ref()) })
    }

    /// Takes the first out of the line and gives it what it waits for (edge 2): should it be dropped before it notices,
    /// it passes that on. The waker is to be called when the lock has been released: [`wake`].
    #[must_use = "the first has lost its place: wake it"]
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        self.take_first(GIVEN)
    }

    /// Takes the first out of the line, and gives it nothing that it would have to pass on (edge 2). The waker is to be
    /// called when the lock has been released.
    #[must_use = "the first has lost its place: wake it"]
    pub(crate) fn dismiss_first(&mut self) -> Option<Waker> {
        self.take_first(DISMISSED)
    }

    /// [Dismisses](Self::dismiss_first) the first ones as long as `may_go` says so of their notes and there is room.
    /// Whether there may be more.
    pub(crate) fn dismiss_batch(&mut self, wakers: &mut WakeList, may_go: impl Fn(&N) -> bool) -> bool {
        while wakers.has_room() {
            match self.first().is_some_and(&may_go).then(|| self.dismiss_first()).flatten() {
                Some(waker) => wakers.push(waker),
                None => return false,
            }
        }
        true
    }

    fn take_first(&mut self, mark: u8) -> Option<Waker> {
        let node = self.first?;
        // SAFETY: it is in the line, and it is marked next.
        let waker = unsafe { self.unlink(node) };
        // SAFETY: the node exists: its owner, who has not seen the new mark yet, cannot free it without the lock,
        // which is held. This store is what lets the owner go, so it is the last thing done to the node, and done by a
        // raw pointer (a reference would have to stay valid until its function returns).
        //
        // Release pairs with the Acquire of `Wait::poll` (`Wait::leave` takes the lock): the one woken sees what was
        // done before, and its node is not freed before the above.
        unsafe { (*node.as_ptr()).mark.store(mark, Ordering::Release) };
        Some(waker)
    }

    /// # Safety
    /// 1. `node` is in no line, and is marked as QUEUED before the lock is released.
    /// 2. It stays where it is, and is taken out of this line before it is freed.
    unsafe fn push_last(&mut self, node: NonNull<Node<H, N>>, note: N, waker: Waker) {
        // The first has the last one before it; if there is none, this one has itself before and after it.
        let (previous, next) = match self.first {
            // SAFETY: both are in the line.
            Some(first) => unsafe {
                let last = Self::place(first, |first| std::mem::replace(&mut (*first).previous, node));
                Self::place(last, |last| (*last).next = node);
                (last, first)
            },
            None => (*self.first.insert(node), node),
        };
        let place = Place { previous, next, waker, _live: Live::new(Kind::Waiter) };
        // SAFETY: the node exists, and the others do not look at it before the lock is released.
        unsafe {
            node.as_ref().place.with_mut(|there| there.write(MaybeUninit::new(place)));
            node.as_ref().note.with_mut(|there| there.write(MaybeUninit::new(note)));
        }
    }

    /// # Safety
    /// `node` is in this line, and before the lock is released is marked as something else than QUEUED, or as good as
    /// dropped.
    unsafe fn unlink(&mut self, node: NonNull<Node<H, N>>) -> Waker {
        // SAFETY: it is in the line. Nobody reads the place after it was moved out: it will not be QUEUED any more.
        let Place { previous, next, waker, .. } = unsafe { Self::place(node, |place| place.read()) };
        // SAFETY: the same. It is dropped under the lock, as `Waiter::Note` says.
        unsafe { node.as_ref().note.with_mut(|note| (*note).assume_init_drop()) };
        if next == node {
            self.first = None;
            return waker;
        }
        // SAFETY: its neighbours in the line.
        unsafe {
            Self::place(previous, |place| (*place).next = next);
            Self::place(next, |place| (*place).previous = previous);
        }
        if self.first == Some(node) {
            self.first = Some(next);
        }
        waker
    }

    /// # Safety
    /// `node` is in this line: then it exists, and its place is there and belongs to the holder of the lock, who is the
    /// caller, having the line. `f` may do as much to it as the caller's reference to the line allows.
    unsafe fn place<R>(node: NonNull<Node<H, N>>, f: impl FnOnce(*mut Place<H, N>) -> R) -> R {
        // SAFETY: the caller vouches for it.
        unsafe { node.as_ref() }.place.with_mut(|place| f(place.cast()))
    }
}

/// Waits in a line until it is woken.
pub(crate) struct Wait<H: Home, W: Waiter<H>> {
    pub(crate) waiter: W,
    node: Node<H, W::Note>,
}

impl<H: Home, W: Waiter<H>> Wait<H, W> {
    /// One that has yet to come.
    #[inline]
    pub(crate) fn new(waiter: W) -> Self {
        let mut wait = MaybeUninit::<Self>::uninit();
        // SAFETY: all is written that has to be. A place and a note need not: they are `MaybeUninit`, and to write even
        // that would fill them with zeros, which takes as many stores as all the rest. (The model's cells have more in
        // them.) The pin marker has no size.
        unsafe {
            let this = wait.as_mut_ptr();
            (&raw mut (*this).waiter).write(waiter);
            (&raw mut (*this).node.stage).write(Cell::new(Stage::New));
            (&raw mut (*this).node.mark).write(Word::new(QUEUED));
            if cfg!(aio_loom) {
                (&raw mut (*this).node.place).write(UnsafeCell::new(MaybeUninit::uninit()));
                (&raw mut (*this).node.note).write(UnsafeCell::new(MaybeUninit::uninit()));
            }
            wait.assume_init()
        }
    }

    /// `Ready` once it has been woken, or if it need not wait.
    ///
    /// The first poll asks twice: `may_pass` without the lock, then `enter` with it, which returns `None` if there is
    /// nothing to wait for, otherwise what to bring along to the back of the line. No foreign code in there.
    ///
    /// # Panics
    /// If it has been `Ready` before.
    #[inline]
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        may_pass: impl FnOnce(&W) -> bool,
        enter: impl FnOnce(&W, &mut W::Guarded) -> Option<W::Note>,
    ) -> Poll<Turn> {
        // Others may hold a pointer to the node: from here on there is only a shared reference to it.
        let this = self.into_ref().get_ref();
        match this.node.stage.get() {
            Stage::New if may_pass(&this.waiter) => this.end(Turn::Passed),
            Stage::New => this.enter(cx, enter),
            Stage::Entered => match this.turn() {
                None => this.stay(cx),
                Some(turn) => this.served(turn),
            },
            Stage::Done => panic!("polled again after it was ready"),
        }
    }

    /// Whether it has yet to come. Who finds that it need not wait may then [`pass`](Self::pass) instead of polling.
    #[inline]
    pub(crate) fn is_new(&self) -> bool {
        self.node.stage.get() == Stage::New
    }

    /// Whether it stands in the line.
    pub(crate) fn is_queued(&self) -> bool {
        // Acquire as in `turn`.
        self.node.stage.get() == Stage::Entered && self.turn().is_none()
    }

    /// Edge 3, of one that is new. (Nothing happens to one that is done already.)
    #[inline]
    pub(crate) fn pass(&self) {
        debug_assert_ne!(self.node.stage.get(), Stage::Entered, "somebody may have a pointer to it");
        self.node.stage.set(Stage::Done);
    }

    /// Edge 1, if it is new and `has_to_wait` says so: what to bring along to the back of the line. Otherwise nothing
    /// is done, also if somebody has the lock just now; then it is to be polled.
    ///
    /// For where most wait. There is no foreign code after the waker was cloned, so it takes no more than it has to.
    ///
    /// # Safety
    /// `has_to_wait` calls no code that its caller has not in view, as [`Exclusive::try_with_leaf`] asks for.
    #[inline]
    pub(crate) unsafe fn try_enter(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        has_to_wait: impl FnOnce(&W::Guarded) -> Option<W::Note>,
    ) -> bool {
        if !self.is_new() {
            return false;
        }
        // As in `poll`.
        let this = self.into_ref().get_ref();
        let waker = cx.waker().clone();
        let join = move |guarded: &mut W::Guarded| {
            let Some(note) = has_to_wait(guarded) else { return Some(waker) };
            // SAFETY: it is a new one, and this function's receiver is pinned.
            unsafe { this.join(guarded, note, waker) };
            None
        };
        // SAFETY: by the caller, and to join the line calls nothing: the waker is moved.
        let is_in_line = matches!(unsafe { this.waiter.guarded().try_with_leaf(join) }, Some(None));
        // (A waker that was not needed has been dropped here, after the lock was released.)
        if waits::is_tracked() && is_in_line {
            this.note_waiting();
        }
        is_in_line
    }

    /// Edge 4, if it has been woken, and that is all. Otherwise nothing is done; then it is to be polled.
    #[inline]
    pub(crate) fn try_serve(&self) -> Option<Turn> {
        if self.node.stage.get() != Stage::Entered || waits::is_tracked() {
            return None;
        }
        let turn = self.turn()?;
        self.node.stage.set(Stage::Done);
        Some(turn)
    }

    /// Whether it has been woken; of one that has entered.
    #[inline]
    fn turn(&self) -> Option<Turn> {
        // Acquire pairs with the Release of `Line::take_first`.
        match self.mark(Ordering::Acquire) {
            QUEUED => None,
            GIVEN => Some(Turn::Given),
            _ => Some(Turn::Dismissed),
        }
    }

    /// Edges 1 and 3.
    #[inline(never)]
    fn enter(&self, cx: &mut Context<'_>, enter: impl FnOnce(&W, &mut W::Guarded) -> Option<W::Note>) -> Poll<Turn> {
        // Cloned before the lock is taken; if it turns out to be a spare one, dropped after it was released.
        let mut waker = Some(cx.waker().clone());
        let poll = self.waiter.guarded().with(|guarded| {
            let Some(note) = enter(&self.waiter, guarded) else { return self.end(Turn::Passed) };
            let waker = waker.take().expect("it is taken once, here");
            // SAFETY: it is a new one, and `poll` has pinned it.
            unsafe { self.join(guarded, note, waker) };
            Poll::Pending
        });
        if let Some(spare) = waker {
            drop_spare(spare);
        }
        if waits::is_tracked() && poll.is_pending() {
            self.note_waiting();
        }
        poll
    }

    /// Edge 1.
    ///
    /// # Safety
    /// It is NEW, and pinned.
    #[inline]
    unsafe fn join(&self, guarded: &mut W::Guarded, note: W::Note, waker: Waker) {
        self.node.stage.set(Stage::Entered);
        // SAFETY: (1) It was NEW, hence in no line, and is QUEUED now. (2) It stays where it is, since it is pinned,
        // and `drop` takes it out of the line, which is the same then.
        unsafe { W::line(guarded).push_last(NonNull::from(&self.node), note, waker) };
    }

    /// For the table of who waits for what.
    #[cold]
    #[inline(never)]
    fn note_waiting(&self) {
        waits::begin(&self.node, self.waiter.guarded(), W::WHAT);
    }

    #[cold]
    #[inline(never)]
    fn note_end(&self) {
        waits::end(&self.node);
    }

    /// Polled in the line, for whatever reason: leaves the waker of this poll in place of the last one.
    #[cold]
    fn stay(&self, cx: &mut Context<'_>) -> Poll<Turn> {
        if !self.with_waker(|old| old.will_wake(cx.waker())).unwrap_or(true) {
            let mut waker = cx.waker().clone();
            self.with_waker(|old| std::mem::swap(old, &mut waker));
            // The old one is dropped here, after the lock was released.
        }
        // It may have been woken meanwhile, by the old waker: then this is the poll it asked for.
        match self.turn() {
            None => Poll::Pending,
            Some(turn) => self.served(turn),
        }
    }

    /// Calls `f` under the lock with the waker in the line, if it is still there.
    fn with_waker<R>(&self, f: impl FnOnce(&mut Waker) -> R) -> Option<R> {
        self.waiter.guarded().with(|_guarded| {
            // Relaxed: edge 2 is made under the lock, which is held.
            let in_line = self.mark(Ordering::Relaxed) == QUEUED;
            // SAFETY: it is in the line.
            in_line.then(|| unsafe { Line::place(NonNull::from(&self.node), |place| f(&mut (*place).waker)) })
        })
    }

    /// Edge 3, and then 4. By the owner of a node that is in no line.
    fn end(&self, turn: Turn) -> Poll<Turn> {
        self.node.stage.set(Stage::Done);
        Poll::Ready(turn)
    }

    /// Edge 4.
    fn served(&self, turn: Turn) -> Poll<Turn> {
        if waits::is_tracked() {
            self.note_end();
        }
        self.end(turn)
    }

    fn mark(&self, order: Ordering) -> u8 {
        self.node.mark.load(order)
    }

    /// Edges 5 and 6.
    #[cold]
    fn leave(&self) {
        let in_the_line = AbortIfDropped;
        if waits::is_tracked() {
            self.note_end();
        }
        let in_line = self.waiter.guarded().with(|guarded| {
            // Relaxed: edge 2 is made under the lock, which is held.
            if self.mark(Ordering::Relaxed) != QUEUED {
                return None;
            }
            // SAFETY: it is in the line, and nobody asks it any more: its owner drops it.
            let waker = unsafe { W::line(guarded).unlink(NonNull::from(&self.node)) };
            W::leaves(guarded);
            Some(waker)
        });
        std::mem::forget(in_the_line);
        let mut panics = Panics::new();
        match in_line {
            Some(waker) => {
                // Whatever its destructor does, the others are told.
                panics.catch(|| drop(waker));
                panics.catch(|| self.waiter.left());
            }
            // Relaxed: it was woken before the lock was taken, and only its owner changes it from there.
            None if self.mark(Ordering::Relaxed) == GIVEN => self.waiter.pass_on(),
            None => {}
        }
        panics.resume();
    }
}

/// For what must not end by a panic. The node would be freed where it is, in the line: so it would be if the owner of
/// the lock, on this thread, is what led to this drop (by the `Ord` of its items, in a local queue).
struct AbortIfDropped;

impl Drop for AbortIfDropped {
    fn drop(&mut self) {
        std::process::abort();
    }
}

impl<H: Home, W: Waiter<H>> Drop for Wait<H, W> {
    #[inline]
    fn drop(&mut self) {
        if self.node.stage.get() == Stage::Entered {
            self.leave();
        }
        // For the model checker: nobody else may be at the node when it is freed.
        self.node.place.with_mut(|_| ());
    }
}

impl<H: Home, W: Waiter<H>> fmt::Debug for Wait<H, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.node.stage.get() {
            Stage::New => "New",
            // Relaxed: a snapshot for people.
            Stage::Entered if self.mark(Ordering::Relaxed) == QUEUED => "Queued",
            Stage::Entered => "Woken",
            Stage::Done => "Done",
        })
    }
}

/// Drops the waker of one that has passed. If that panics, it is for the panic hook to report: if it went on, nobody
/// would have what was passed for.
#[cold]
fn drop_spare(waker: Waker) {
    let mut panics = Panics::new();
    panics.catch(|| drop(waker));
    // (The destructor of the payload may panic, too.)
    std::mem::forget(panics.take());
}

/// Calls a waker that came out of a line, the lock having been released. If it panics while the thread is unwinding
/// already, that first panic goes on instead of an abort.
#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker
        && let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake()))
    {
        let_out(payload);
    }
}

#[cold]
#[inline(never)]
fn let_out(payload: Box<dyn Any + Send>) {
    let mut panics = Panics::new();
    panics.keep(payload);
    panics.resume();
}

/// [`wake`], for where it is compiled into what is polled.
#[inline(never)]
pub(crate) fn wake_apart(waker: Waker) {
    wake(Some(waker));
}

/// Calls wakers in batches: `take` fills one under the lock, and says whether there may be more. A panic of one goes on
/// after all have been called.
pub(crate) fn wake_batches(mut take: impl FnMut(&mut WakeList) -> bool) {
    let mut wakers = WakeList::new();
    let mut panics = Panics::new();
    loop {
        let has_more = take(&mut wakers);
        panics.catch(|| wakers.wake_all());
        if !has_more {
            return panics.resume();
        }
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
