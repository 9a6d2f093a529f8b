//! The line, and the places in it.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::task::Waker;

use aio_base::home::Word;
use aio_base::live::{Kind, Live};
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;
use aio_base::waits;
use aio_base::{Home, Shared, WakeList};

/// How far a node has come, as its owner knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    New,
    /// QUEUED, GIVEN or DISMISSED: so says the mark.
    Entered,
    Done,
}

pub(super) const QUEUED: u8 = 0;
pub(super) const GIVEN: u8 = 1;
pub(super) const DISMISSED: u8 = 2;

/// Those who wait, first come first served.
pub(crate) struct Line<H: Home, N> {
    /// The nodes form a circle, so that this is all a primitive has to keep: the first has the last one before it.
    first: Option<Link<H, N>>,
}

type Link<H, N> = NonNull<Node<H, N>>;

/// A place in the line.
pub(super) struct Node<H: Home, N> {
    /// For the future's owner alone, who then has the only reference to the future. (Not atomic, so that the compiler
    /// sees that a future that is done has nothing to drop.)
    pub(super) stage: Cell<Stage>,
    /// QUEUED, GIVEN or DISMISSED, once the stage is `Entered`. Written by the owner to join the line, and by edge 2,
    /// which takes the node away from the line and is the last that others do to it.
    pub(super) mark: H::Byte,
    /// There exactly while QUEUED, and then for the holder of the line's lock to read and write. (A node that never
    /// has to wait does not pay for making it.)
    pub(super) place: UnsafeCell<MaybeUninit<Place<H, N>>>,
    /// As `place`. By itself, since it may share a word with the stage.
    pub(super) note: UnsafeCell<MaybeUninit<N>>,
    /// Others hold pointers to this.
    _pinned: PhantomPinned,
}

pub(super) struct Place<H: Home, N> {
    pub(super) previous: Link<H, N>,
    pub(super) next: Link<H, N>,
    pub(super) waker: Waker,
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
    /// it passes that on. The waker is to be called when the lock has been released: [`wake`](super::wake()).
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
        // It has what it waits for, though it has yet to run.
        waits::end_at(waits::Place::of_pointer(node.as_ptr()));
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
    pub(super) unsafe fn push_last(&mut self, node: NonNull<Node<H, N>>, note: N, waker: Waker) {
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
    pub(super) unsafe fn unlink(&mut self, node: NonNull<Node<H, N>>) -> Waker {
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
    pub(super) unsafe fn place<R>(node: NonNull<Node<H, N>>, f: impl FnOnce(*mut Place<H, N>) -> R) -> R {
        // SAFETY: the caller vouches for it.
        unsafe { node.as_ref() }.place.with_mut(|place| f(place.cast()))
    }
}
