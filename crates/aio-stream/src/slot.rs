//! Where an item lies on its way from the generator's body to whoever polls it.
//!
//! The body runs inside the generator's `poll_next`, on the same thread, so what they share needs neither lock nor
//! fence. But the body may hand its [`Emitter`](crate::Emitter) to another task or thread, and nothing in the types
//! forbids that. So the slot notes which thread is inside `poll_next` ([`polled_by`](Slot::polled_by)), and whoever
//! wants to touch the contents must show that it is this thread:
//!
//! - Only a thread itself ever stores its own [token](thread::token), and takes it back before it leaves `poll_next`.
//! - So a thread that reads its own token is inside `poll_next` of this very generator, further down its own stack. A
//!   stale value cannot deceive it, since no thread reads a value older than the last one it wrote itself.
//! - Two threads cannot be inside at once, since `poll_next` has the generator for itself.

use std::collections::VecDeque;
use std::ptr;
use std::task::{Context, Waker};

use aio_base::Panics;
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::thread;

const NOBODY: usize = 0;

pub(crate) struct Slot<T> {
    /// The token of the thread that is inside `poll_next`, or [`NOBODY`].
    ///
    /// Relaxed throughout: it only tells a thread what that thread itself did. What travels between threads travels with
    /// the generator, by whatever moves it.
    polled_by: AtomicUsize,
    /// To be touched by the thread whose token is in `polled_by`, by nobody else, and for the extent of one
    /// [`Slot::with`], in which nothing foreign is called.
    contents: UnsafeCell<Contents<T>>,
}

struct Contents<T> {
    /// Which poll of the body this is.
    turn: u64,
    /// The address of the waker of this poll: compared, never followed.
    waker: usize,
    item: Option<T>,
    /// Items that were emitted when there was one already: a body may wait for several emits at once.
    further: VecDeque<T>,
    /// Who must be woken before the next poll of the body: emits inside something that polls its parts only when they
    /// were woken.
    waiting: Vec<Waker>,
}

// SAFETY: all access to the contents goes through `Slot::with`, which lets in only the one thread that is inside
// `poll_next`, so never two at once; that thread changes with the generator, whose move orders the accesses. Items and
// wakers are moved in on one thread and out on another: hence `T: Send`; wakers are.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self {
            polled_by: AtomicUsize::new(NOBODY),
            contents: UnsafeCell::new(Contents {
                turn: 0,
                waker: 0,
                item: None,
                further: VecDeque::new(),
                waiting: Vec::new(),
            }),
        }
    }

    /// Whether the caller is inside `poll_next` of this generator.
    #[inline]
    fn is_polled_here(&self) -> bool {
        let here = thread::token();
        here != NOBODY && self.polled_by.load(Ordering::Relaxed) == here
    }

    /// Lends the contents to `f`, which must not call anything that could come back here.
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Contents<T>) -> R) -> R {
        debug_assert!(self.is_polled_here());
        // SAFETY: the callers have seen that this thread is inside `poll_next` (`Poll::begin` made it so, `emit` checks),
        // so no other thread is in here; and `f` calls nothing foreign, so neither is this thread a second time.
        self.contents.with_mut(|contents| f(unsafe { &mut *contents }))
    }

    /// Hands over `item`. The turn in which that happened; the emit must wait for the [next](Self::is_past).
    ///
    /// # Panics
    /// Outside of the generator's poll.
    #[inline]
    #[track_caller]
    pub(crate) fn emit(&self, item: T, cx: &Context<'_>) -> u64 {
        self.assert_polled_here();
        let (turn, is_direct) = self.with(|contents| {
            if contents.item.is_none() {
                contents.item = Some(item);
            } else {
                contents.further.push_back(item);
            }
            (contents.turn, contents.is_woken_by(cx))
        });
        if !is_direct {
            self.wait(cx);
        }
        turn
    }

    /// Whether another turn has begun since `turn`: then all items handed over in `turn` have been taken. If not, the
    /// waker of `cx` will be woken.
    ///
    /// # Panics
    /// Outside of the generator's poll.
    #[inline]
    #[track_caller]
    pub(crate) fn is_past(&self, turn: u64, cx: &Context<'_>) -> bool {
        self.assert_polled_here();
        let (is_past, is_direct) = self.with(|contents| (contents.turn != turn, contents.is_woken_by(cx)));
        if !is_past && !is_direct {
            self.wait(cx);
        }
        is_past
    }

    #[inline]
    #[track_caller]
    fn assert_polled_here(&self) {
        assert!(self.is_polled_here(), "`emit` called outside of its generator");
    }

    #[cold]
    fn wait(&self, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        self.with(|contents| contents.waiting.push(waker));
    }
}

impl<T> Contents<T> {
    /// Whether the emit is polled with the very waker of `poll_next`: then it is polled whenever the generator is.
    #[inline]
    fn is_woken_by(&self, cx: &Context<'_>) -> bool {
        self.waker == ptr::from_ref(cx.waker()).addr()
    }
}

/// One call of `poll_next`, from the side of the generator. Dropped, it closes the slot, also when the body panics.
pub(crate) struct Visit<'a, T> {
    slot: &'a Slot<T>,
}

impl<'a, T> Visit<'a, T> {
    /// Opens the slot to this thread.
    ///
    /// # Panics
    /// In a thread that has no thread-locals any more.
    #[inline]
    pub(crate) fn begin(slot: &'a Slot<T>) -> Self {
        let here = thread::token();
        assert!(here != NOBODY, "a generator was polled by a thread that is ending");
        debug_assert_eq!(slot.polled_by.load(Ordering::Relaxed), NOBODY, "`poll_next` has the generator for itself");
        slot.polled_by.store(here, Ordering::Relaxed);
        Self { slot }
    }

    /// A poll of the body is about to begin: all items have been taken.
    #[inline]
    pub(crate) fn begin_turn(&self, cx: &Context<'_>) {
        let is_awaited = self.slot.with(|contents| {
            contents.turn = contents.turn.wrapping_add(1);
            contents.waker = ptr::from_ref(cx.waker()).addr();
            !contents.waiting.is_empty()
        });
        if is_awaited {
            self.wake_waiting();
        }
    }

    /// Takes the oldest item.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        self.slot.with(|contents| {
            let item = contents.item.take();
            if !contents.further.is_empty() {
                contents.item = contents.further.pop_front();
            }
            item
        })
    }

    /// How many items have not been taken.
    pub(crate) fn n_left(&self) -> usize {
        self.slot.with(|contents| usize::from(contents.item.is_some()) + contents.further.len())
    }

    #[cold]
    fn wake_waiting(&self) {
        let waiting = self.slot.with(|contents| std::mem::take(&mut contents.waiting));
        let mut panics = Panics::new();
        for waker in waiting {
            panics.catch(|| waker.wake());
        }
        panics.resume();
    }
}

impl<T> Drop for Visit<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.slot.polled_by.store(NOBODY, Ordering::Relaxed);
    }
}

#[cfg(all(test, aio_loom))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use aio_base::sync::Arc;

    use super::*;

    /// The emitter has escaped: another thread emits while this one is inside `poll_next` and emits too. The other is
    /// refused whenever it comes, and touches nothing (loom would see it).
    #[test]
    fn an_emit_from_another_thread_is_refused_at_any_moment() {
        loom::model(|| {
            let slot = Arc::new(Slot::new());
            let theirs = slot.clone();
            let cx = Context::from_waker(Waker::noop());
            let other = thread::spawn("", move || {
                let cx = Context::from_waker(Waker::noop());
                catch_unwind(AssertUnwindSafe(|| theirs.emit(7, &cx))).is_err()
            });
            for item in 0..2 {
                let visit = Visit::begin(&slot);
                visit.begin_turn(&cx);
                slot.emit(item, &cx);
                assert_eq!(visit.take(), Some(item));
                assert_eq!(visit.take(), None);
            }
            assert!(other.unwrap().join().unwrap(), "a foreign thread got in");
        });
    }

    /// The generator moves from one thread to another, as in a pool: what moves it orders the accesses.
    #[test]
    fn a_generator_may_change_its_thread_between_polls() {
        loom::model(|| {
            let slot = Arc::new(Slot::new());
            let cx = Context::from_waker(Waker::noop());
            {
                let visit = Visit::begin(&slot);
                visit.begin_turn(&cx);
                slot.emit(1, &cx);
                slot.emit(2, &cx);
                assert_eq!(visit.take(), Some(1));
            }
            let theirs = slot.clone();
            let other = thread::spawn("", move || Visit::begin(&theirs).take());
            assert_eq!(other.unwrap().join().unwrap(), Some(2));
            assert!(catch_unwind(AssertUnwindSafe(|| slot.emit(3, &cx))).is_err(), "nobody polls");
        });
    }
}
