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
    /// Relaxed throughout: it only tells a thread what that thread itself did. What travels between threads travels
    /// with the generator, by whatever moves it.
    polled_by: AtomicUsize,
    /// To be touched by the thread whose token is in `polled_by`, by nobody else, and for the extent of one
    /// [`Slot::with`], in which nothing foreign is called.
    contents: UnsafeCell<Contents<T>>,
}

struct Contents<T> {
    item: Option<T>,
    /// The address of the `Context` of this poll: compared, never followed. An emit that gets the same one is polled
    /// whenever the generator is; any other must be woken.
    cx: usize,
    /// Whether there is anything in the two below. That is rare, and this flag all that it costs otherwise.
    is_crowded: bool,
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
                item: None,
                cx: 0,
                is_crowded: false,
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
        // SAFETY: the callers have seen that this thread is inside `poll_next` (`Poll::begin` made it so, `emit`
        // checks), so no other thread is in here; and `f` calls nothing foreign, so neither is this thread a second
        // time.
        self.contents.with_mut(|contents| f(unsafe { &mut *contents }))
    }

    /// Hands over `item`. Whoever does so waits for the next poll of the body, and is woken before it if need be.
    ///
    /// # Panics
    /// Outside of the generator's poll.
    #[inline]
    #[track_caller]
    pub(crate) fn emit(&self, item: T, cx: &Context<'_>) {
        assert!(self.is_polled_here(), "`emit` called outside of its generator");
        let is_direct = self.with(|contents| {
            if contents.item.is_none() {
                contents.item = Some(item);
            } else {
                contents.crowd(item);
            }
            contents.cx == address(cx)
        });
        if !is_direct {
            self.wait(cx);
        }
    }

    #[cold]
    fn wait(&self, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        self.with(|contents| {
            contents.waiting.push(waker);
            contents.is_crowded = true;
        });
    }
}

impl<T> Contents<T> {
    #[cold]
    fn crowd(&mut self, item: T) {
        self.further.push_back(item);
        self.is_crowded = true;
    }

    fn n_left(&self) -> usize {
        usize::from(self.item.is_some()) + self.further.len()
    }
}

fn address(cx: &Context<'_>) -> usize {
    ptr::from_ref(cx).addr()
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

    /// Takes an item that is left from the last poll of the body. If there is none, the body is about to be polled.
    #[inline]
    pub(crate) fn begin_turn(&self, cx: &Context<'_>) -> Option<T> {
        let is_crowded = self.slot.with(|contents| {
            contents.cx = address(cx);
            contents.is_crowded
        });
        if is_crowded { self.thin_out() } else { None }
    }

    /// Takes the item that the body has emitted, the first one if there are more.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        self.slot.with(|contents| contents.item.take())
    }

    /// How many items have not been taken.
    pub(crate) fn n_left(&self) -> usize {
        self.slot.with(|contents| contents.n_left())
    }

    #[cold]
    fn thin_out(&self) -> Option<T> {
        let further = self.slot.with(|contents| contents.further.pop_front());
        if further.is_some() {
            return further;
        }
        let waiting = self.slot.with(|contents| {
            contents.is_crowded = false;
            std::mem::take(&mut contents.waiting)
        });
        let mut panics = Panics::new();
        for waker in waiting {
            panics.catch(|| waker.wake());
        }
        panics.resume();
        None
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
                assert_eq!(visit.begin_turn(&cx), None);
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
                assert_eq!(visit.begin_turn(&cx), None);
                slot.emit(1, &cx);
                slot.emit(2, &cx);
                assert_eq!(visit.take(), Some(1));
            }
            let theirs = slot.clone();
            let other =
                thread::spawn("", move || Visit::begin(&theirs).begin_turn(&Context::from_waker(Waker::noop())));
            // This thread was inside, and is no more.
            assert!(catch_unwind(AssertUnwindSafe(|| slot.emit(3, &cx))).is_err(), "got in after its poll");
            assert_eq!(other.unwrap().join().unwrap(), Some(2));
        });
    }
}
