//! Waiting for a cell: to be set, or for the turn to set it.

use std::fmt;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::choice;
use aio_base::{Home, Shared};

use super::{OnceCell, Waiting};
use crate::wait_queue::{Line, Turn, Wait, Waiter};

/// Waits until a [`OnceCell`] is set: made by [`OnceCell::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct OnceCellFuture<'a, T, H: Home = Shared> {
    wait: Wait<H, Observer<'a, T, H>>,
}

impl<'a, T, H: Home> OnceCellFuture<'a, T, H> {
    #[inline]
    pub(super) fn new(cell: &'a OnceCell<T, H>) -> Self {
        Self { wait: Wait::new(Observer(cell)) }
    }
}

impl<'a, T, H: Home> Future for OnceCellFuture<'a, T, H> {
    type Output = &'a T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        let cell = self.wait.waiter.0;
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        ready!(wait.poll(cx, |_| cell.is_set(), |_, _| (!cell.is_set()).then_some(())));
        Poll::Ready(cell.get().expect("that is what it waited for"))
    }
}

impl<T, H: Home> fmt::Debug for OnceCellFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceCellFuture").field(&self.wait).finish()
    }
}

struct Observer<'a, T, H: Home>(&'a OnceCell<T, H>);

// SAFETY: the cell that it refers to has one lock, and one line for these.
unsafe impl<T, H: Home> Waiter<H> for Observer<'_, T, H> {
    type Guarded = Waiting<H>;
    type Note = ();
    const WHAT: &'static str = "OnceCell";

    fn guarded(&self) -> &H::Exclusive<Waiting<H>> {
        &self.0.waiting
    }

    fn line(waiting: &mut Waiting<H>) -> &mut Line<H, ()> {
        &mut waiting.observers
    }

    /// All are dismissed: nothing is given to one of them.
    fn pass_on(&self) {}
}

/// Waits for the turn to make the value; `None` if there is one.
pub(super) struct Begin<'a, T, H: Home> {
    wait: Wait<H, Initializer<'a, T, H>>,
}

impl<'a, T, H: Home> Begin<'a, T, H> {
    pub(super) fn new(cell: &'a OnceCell<T, H>) -> Self {
        Self { wait: Wait::new(Initializer(cell)) }
    }
}

impl<'a, T, H: Home> Future for Begin<'a, T, H> {
    type Output = Option<Making<'a, T, H>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        let cell = self.wait.waiter.0;
        // SAFETY: as in `OnceCellFuture`.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        let mut has_begun = false;
        let turn = ready!(wait.poll(
            cx,
            |_| cell.is_set(),
            |_, _| {
                has_begun = cell.begin();
                (!has_begun && !cell.is_set()).then_some(())
            },
        ));
        let is_next = has_begun || turn == Turn::Given;
        Poll::Ready(is_next.then(|| Making(cell)))
    }
}

struct Initializer<'a, T, H: Home>(&'a OnceCell<T, H>);

// SAFETY: the cell that it refers to has one lock, and one line for these.
unsafe impl<T, H: Home> Waiter<H> for Initializer<'_, T, H> {
    type Guarded = Waiting<H>;
    type Note = ();
    const WHAT: &'static str = "OnceCell";

    fn guarded(&self) -> &H::Exclusive<Waiting<H>> {
        &self.0.waiting
    }

    fn line(waiting: &mut Waiting<H>) -> &mut Line<H, ()> {
        &mut waiting.initializers
    }

    fn pass_on(&self) {
        self.0.give_up();
    }
}

/// The turn to make the value: there is one at a time. Dropping it gives it to the next.
pub(super) struct Making<'a, T, H: Home>(pub(super) &'a OnceCell<T, H>);

impl<'a, T, H: Home> Making<'a, T, H> {
    /// Ends it with a value.
    pub(super) fn finish(self, value: T) -> &'a T {
        let cell = ManuallyDrop::new(self).0;
        // SAFETY: this was the only one of its kind, and before the cell is set nobody else is at the value.
        cell.value.with_mut(|slot| unsafe { *slot = Some(value) });
        cell.publish();
        cell.get().expect("it has been set")
    }
}

impl<T, H: Home> Drop for Making<'_, T, H> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}
