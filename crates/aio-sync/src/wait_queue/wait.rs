//! Waiting in a line.

use std::cell::Cell;
use std::fmt;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use aio_base::home::{Exclusive, Word};
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;
use aio_base::waits::{self, Place};
use aio_base::{Home, Panics};

use super::line::{GIVEN, Line, Node, QUEUED, Stage};
use super::{Turn, Waiter};

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
        waits::begin(&self.node, self.waiter.guarded(), W::WHAT, W::DETAIL);
    }

    #[cold]
    #[inline(never)]
    fn note_end(&self) {
        waits::end(&self.node);
    }

    /// Polled in the line, for whatever reason: leaves the waker of this poll in place of the last one.
    #[cold]
    fn stay(&self, cx: &mut Context<'_>) -> Poll<Turn> {
        waits::again_at(Place::of(&self.node));
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
