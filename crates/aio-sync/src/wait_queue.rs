//! Futures that wait in line: the part that all primitives share.
//!
//! A [`WaitQueue`] is a doubly linked list, first come first served, whose nodes lie inside the waiting futures
//! ([`Wait`]): to wait allocates nothing, and to give up costs the same however long the line is. A primitive is a
//! [`Primitive`]: what the queue's lock guards besides the line, what each waiter brings along, and what is to be done
//! when one is gone that was woken. Who has to wait is decided in [`Wait::poll`] and who is next is taken out by
//! [`Line::wake_first`], both under the lock; the waker is called after it was released.
//!
//! Each waiter goes through these stages; the queue's lock is held for edges 1, 2 and 5.
//!
//! ```text
//!          ──1 enter──▶          ──2 wake──▶
//!    NEW                 QUEUED               WOKEN
//!     │                    │                    │
//!     │ 3                  │ 5                  │ 4, 6
//!     └────────────────▶ DONE ◀─────────────────┘
//! ```
//! 1. [`Wait::poll`] joins the line: the primitive said that it must wait.
//! 2. [`Line::wake_first`] takes it out of the line. From here on only the future itself may touch its node.
//! 3. [`Wait::poll`] need not wait: the primitive said so.
//! 4. [`Wait::poll`] finds that it was woken.
//! 5. Dropped in the line: it leaves.
//! 6. Dropped between being woken and being polled: [`Primitive::pass_on`] gives the next one what it got.
//!
//! # Why the pointers hold
//!
//! A node is in the line only in stage QUEUED. It gets there through a pinned [`Wait`], so it stays where it is until
//! that is dropped, and dropping it takes the node out first, under the lock. A pinned future that is leaked is never
//! dropped; then its memory is never reused either, and the node may stay in the line for ever (whoever wakes it gets
//! no answer). Nodes point to each other and never to the queue, which therefore may move when nothing borrows it.

use std::fmt;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use aio_base::home::{Exclusive, Word};
use aio_base::live::{Kind, Live};
#[cfg(not(aio_loom))]
use aio_base::sync::Mutex;
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Panics, Shared};

const NEW: usize = 0;
const QUEUED: usize = 1;
const WOKEN: usize = 2;
const DONE: usize = 3;

/// What a primitive adds to a queue.
pub(crate) trait Primitive<H: Home>: Sized {
    /// What the lock guards besides the line.
    type State;
    /// What each waiter brings along, for the others to read. Dropped under the lock.
    type Note;

    /// Somebody was woken and is gone without having noticed. The lock is not held.
    fn pass_on(queue: &WaitQueue<H, Self>);
}

/// A primitive and those who wait for it.
pub(crate) struct WaitQueue<H: Home, P: Primitive<H>> {
    pub(crate) primitive: P,
    line: H::Exclusive<Line<H, P>>,
}

/// Those who wait, first come first served, and the state under the same lock.
pub(crate) struct Line<H: Home, P: Primitive<H>> {
    pub(crate) state: P::State,
    first: Link<H, P>,
    last: Link<H, P>,
}

type Link<H, P> = Option<NonNull<Node<H, <P as Primitive<H>>::Note>>>;

/// A place in the line.
struct Node<H: Home, N> {
    /// NEW, QUEUED, WOKEN or DONE. Written by the future's owner, except for edge 2, which takes the node away from
    /// the queue and is the last that others do to it.
    stage: H::Word,
    /// There exactly while QUEUED, and then for the holder of the queue's lock to read and write. (A node that never
    /// has to wait does not pay for making it.)
    place: UnsafeCell<MaybeUninit<Place<H, N>>>,
    /// Others hold pointers to this.
    _pinned: PhantomPinned,
}

struct Place<H: Home, N> {
    previous: Option<NonNull<Node<H, N>>>,
    next: Option<NonNull<Node<H, N>>>,
    note: N,
    waker: Waker,
    _live: Live,
}

// SAFETY: a line is a list of nodes, which hold wakers (`Send`) and notes (`Send`, asked for), and whose pointers may
// be followed from any thread: only under the queue's lock are nodes reached by them, and that is a real one in this
// home.
unsafe impl<P: Primitive<Shared>> Send for Line<Shared, P>
where
    P::State: Send,
    P::Note: Send,
{
}

// SAFETY: what is `!Send` in a node is its pointers: see `Line`. A future that has moved to another thread goes on to
// reach them only under the queue's lock.
unsafe impl<N: Send> Send for Node<Shared, N> {}

// SAFETY: a shared reference to a node reaches its `place` only under the queue's lock (as `Line` and `Wait` do); the
// stage is atomic.
unsafe impl<N: Send> Sync for Node<Shared, N> {}

impl<H: Home, P: Primitive<H>> WaitQueue<H, P> {
    pub(crate) fn new(primitive: P, state: P::State) -> Self {
        Self { primitive, line: Exclusive::new(Line::new(state)) }
    }

    /// Runs `f` under the lock. No foreign code in there: no waker may be cloned, woken or dropped.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Line<H, P>) -> R) -> R {
        self.line.with(f)
    }

    /// A waiter that has yet to come.
    #[inline]
    pub(crate) fn wait(&self) -> Wait<'_, H, P> {
        let place = UnsafeCell::new(MaybeUninit::uninit());
        Wait { queue: self, node: Node { stage: Word::new(NEW), place, _pinned: PhantomPinned } }
    }
}

/// Loom's locks are not made in constants.
#[cfg(not(aio_loom))]
impl<P: Primitive<Shared>> WaitQueue<Shared, P> {
    pub(crate) const fn const_new(primitive: P, state: P::State) -> Self {
        Self { primitive, line: Mutex::new(Line::new(state)) }
    }
}

impl<H: Home, P: Primitive<H>> Line<H, P> {
    const fn new(state: P::State) -> Self {
        Self { state, first: None, last: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// What the first in the line has brought along.
    pub(crate) fn first(&self) -> Option<&P::Note> {
        let first = self.first?;
        // SAFETY: it is in the line, which is borrowed as long as the note: nobody writes to it.
        Some(unsafe { Self::place(first, |place| &(*place).note) })
    }

    /// Takes the first out of the line and marks it as woken (edge 2). The waker is to be called when the lock has been
    /// released: [`wake`].
    #[must_use = "the first has lost its place: wake it"]
    pub(crate) fn wake_first(&mut self) -> Option<Waker> {
        let node = self.first?;
        // SAFETY: it is in the line, and it is marked as WOKEN next.
        let waker = unsafe { self.unlink(node) };
        // SAFETY: the node exists: its owner, who has not seen it WOKEN yet, cannot free it without the lock, which is
        // held. This store is what lets the owner go, so it is the last thing done to the node, and done by a raw
        // pointer (a reference would have to stay valid until its function returns).
        //
        // Release pairs with the Acquire of `Wait::poll` (`Wait::leave` takes the lock): the one woken sees what was
        // done before, and its node is not freed before the above.
        unsafe { (*node.as_ptr()).stage.store(WOKEN, Ordering::Release) };
        Some(waker)
    }

    /// # Safety
    /// 1. `node` is in no line, and is marked as QUEUED before the lock is released.
    /// 2. It stays where it is, and is taken out of this line before it is freed.
    unsafe fn push_last(&mut self, node: NonNull<Node<H, P::Note>>, note: P::Note, waker: Waker) {
        let previous = self.last.replace(node);
        let place = Place { previous, next: None, note, waker, _live: Live::new(Kind::Waiter) };
        // SAFETY: the node exists and nobody else knows it.
        unsafe { node.as_ref() }.place.with_mut(|there| unsafe { there.write(MaybeUninit::new(place)) });
        match previous {
            // SAFETY: it is in the line.
            Some(previous) => unsafe { Self::place(previous, |place| (*place).next = Some(node)) },
            None => self.first = Some(node),
        }
    }

    /// # Safety
    /// `node` is in this line, and is marked as something else than QUEUED before the lock is released.
    unsafe fn unlink(&mut self, node: NonNull<Node<H, P::Note>>) -> Waker {
        // SAFETY: it is in the line. Nobody reads the place after it was moved out: it will not be QUEUED any more.
        let Place { previous, next, waker, .. } = unsafe { Self::place(node, |place| place.read()) };
        match previous {
            // SAFETY: its neighbour in the line.
            Some(previous) => unsafe { Self::place(previous, |place| (*place).next = next) },
            None => self.first = next,
        }
        match next {
            // SAFETY: its neighbour in the line.
            Some(next) => unsafe { Self::place(next, |place| (*place).previous = previous) },
            None => self.last = previous,
        }
        waker
    }

    /// # Safety
    /// `node` is in this line: then it exists, and its place is there and belongs to the holder of the lock, who is the
    /// caller, having the line. `f` may do as much to it as the caller's reference to the line allows.
    unsafe fn place<R>(node: NonNull<Node<H, P::Note>>, f: impl FnOnce(*mut Place<H, P::Note>) -> R) -> R {
        // SAFETY: the caller vouches for it.
        unsafe { node.as_ref() }.place.with_mut(|place| f(place.cast()))
    }
}

/// Waits in a queue until it is woken.
pub(crate) struct Wait<'a, H: Home, P: Primitive<H>> {
    queue: &'a WaitQueue<H, P>,
    node: Node<H, P::Note>,
}

impl<H: Home, P: Primitive<H>> Wait<'_, H, P> {
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
        may_pass: impl FnOnce(&P) -> bool,
        enter: impl FnOnce(&P, &mut Line<H, P>) -> Option<P::Note>,
    ) -> Poll<()> {
        // Others may hold a pointer to the node: from here on there is only a shared reference to it.
        let this = self.into_ref().get_ref();
        // Acquire pairs with the Release of `Line::wake_first`.
        match this.stage(Ordering::Acquire) {
            NEW if may_pass(&this.queue.primitive) => this.end(),
            NEW => this.enter(cx, enter),
            QUEUED => this.stay(cx),
            WOKEN => this.end(),
            _ => panic!("polled again after it was ready"),
        }
    }

    /// Edges 1 and 3.
    #[inline(never)]
    fn enter(&self, cx: &mut Context<'_>, enter: impl FnOnce(&P, &mut Line<H, P>) -> Option<P::Note>) -> Poll<()> {
        // Cloned before the lock is taken; if it turns out not to be needed, dropped after it was released.
        let mut waker = Some(cx.waker().clone());
        self.queue.with(|line| {
            let Some(note) = enter(&self.queue.primitive, line) else { return self.end() };
            let waker = waker.take().expect("it is taken once, here");
            self.node.stage.store(QUEUED, Ordering::Relaxed);
            // SAFETY: (1) It was NEW, hence in no line, and is QUEUED now. (2) It stays where it is, since `poll` has
            // pinned it, and `drop` takes it out of the line.
            unsafe { line.push_last(NonNull::from(&self.node), note, waker) };
            Poll::Pending
        })
    }

    /// Polled in the line, for whatever reason: leaves the waker of this poll in place of the last one.
    #[cold]
    fn stay(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.with_waker(|old| old.will_wake(cx.waker())).unwrap_or(true) {
            let mut waker = cx.waker().clone();
            self.with_waker(|old| std::mem::swap(old, &mut waker));
            // The old one is dropped here, after the lock was released.
        }
        // Acquire as in `poll`. It may have been woken meanwhile, by the old waker: then this is the poll it asked for.
        if self.stage(Ordering::Acquire) == WOKEN { self.end() } else { Poll::Pending }
    }

    /// Calls `f` under the lock with the waker in the line, if it is still there.
    fn with_waker<R>(&self, f: impl FnOnce(&mut Waker) -> R) -> Option<R> {
        self.queue.with(|_line| {
            // Relaxed: edge 2 is made under the lock, which is held.
            let in_line = self.stage(Ordering::Relaxed) == QUEUED;
            // SAFETY: it is in the line.
            in_line.then(|| unsafe { Line::<H, P>::place(NonNull::from(&self.node), |place| f(&mut (*place).waker)) })
        })
    }

    /// Edges 3 and 4. By the owner of a node that is in no line.
    fn end(&self) -> Poll<()> {
        self.node.stage.store(DONE, Ordering::Relaxed);
        Poll::Ready(())
    }

    fn stage(&self, order: Ordering) -> usize {
        self.node.stage.load(order)
    }

    /// Edges 5 and 6.
    #[cold]
    fn leave(&self) {
        let waker = self.queue.with(|line| {
            // Relaxed: edge 2 is made under the lock, which is held.
            let in_line = self.stage(Ordering::Relaxed) == QUEUED;
            in_line.then(|| {
                // SAFETY: it is in the line, and is marked as DONE.
                let waker = unsafe { line.unlink(NonNull::from(&self.node)) };
                self.node.stage.store(DONE, Ordering::Relaxed);
                waker
            })
        });
        match waker {
            Some(waker) => drop(waker),
            None => P::pass_on(self.queue),
        }
    }
}

impl<H: Home, P: Primitive<H>> Drop for Wait<'_, H, P> {
    #[inline]
    fn drop(&mut self) {
        // Relaxed: NEW and DONE were written by the owner; for the others, `leave` looks again under the lock.
        if let QUEUED | WOKEN = self.stage(Ordering::Relaxed) {
            self.leave();
        }
        // For the model checker: nobody else may be at the node when it is freed.
        self.node.place.with_mut(|_| ());
    }
}

impl<H: Home, P: Primitive<H>> fmt::Debug for Wait<'_, H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot for people.
        f.write_str(match self.stage(Ordering::Relaxed) {
            NEW => "New",
            QUEUED => "Queued",
            WOKEN => "Woken",
            _ => "Done",
        })
    }
}

/// Calls a waker that came out of a line, the lock having been released. If it panics while the thread is unwinding
/// already, that first panic goes on instead of an abort.
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        let mut panics = Panics::new();
        panics.catch(|| waker.wake());
        panics.resume();
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
