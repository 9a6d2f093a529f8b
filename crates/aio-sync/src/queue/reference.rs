//! How a waiter refers to its queue.

use std::marker::PhantomData;
use std::ops::Deref;

use aio_base::Home;

use super::Queue;
use super::order::Order;
use crate::wait_queue::Waiter;

/// A reference to a queue, borrowed or counted.
///
/// # Safety
/// It refers to the same queue as long as it exists, wherever it moves, and that queue does not move.
pub(crate) unsafe trait QueueRef: Deref {}

// SAFETY: what is borrowed stays where it is.
unsafe impl<T, H: Home, O: Order<T>> QueueRef for &Queue<T, H, O> {}

/// While it exists, a panic passes on what was given to a waiter.
pub(super) struct PassOn<'a, H: Home, W: Waiter<H>>(&'a W, PhantomData<H>);

impl<'a, H: Home, W: Waiter<H>> PassOn<'a, H, W> {
    pub(super) fn new(waiter: &'a W) -> Self {
        Self(waiter, PhantomData)
    }

    /// It was used.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

impl<H: Home, W: Waiter<H>> Drop for PassOn<'_, H, W> {
    #[cold]
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

/// One of the ways to wait for a queue: by whom in which line, with what, and what is done with what it was given.
macro_rules! waiter {
    ($(#[$doc:meta])* $waiter:ident, $detail:literal, $line:ident: $note:ty, |$state:ident| $pass_on:expr) => {
        $(#[$doc])*
        pub(crate) struct $waiter<T, O, Q> {
            pub(crate) queue: Q,
            _queue: PhantomData<fn() -> (T, O)>,
        }

        impl<T, O, Q> $waiter<T, O, Q> {
            #[inline]
            pub(crate) fn new(queue: Q) -> Self {
                Self { queue, _queue: PhantomData }
            }
        }

        // SAFETY: the queue that it refers to has one lock, and one line for this purpose.
        unsafe impl<T, H: Home, O: Order<T>, Q: QueueRef<Target = Queue<T, H, O>>> Waiter<H> for $waiter<T, O, Q> {
            type Guarded = State<T, H, O>;
            type Note = $note;
            const WHAT: &'static str = "Queue";
            const DETAIL: &'static str = $detail;

            #[inline]
            fn guarded(&self) -> &H::Exclusive<State<T, H, O>> {
                &self.queue.state
            }

            #[inline]
            fn line(state: &mut State<T, H, O>) -> &mut Line<H, $note> {
                &mut state.$line
            }

            fn pass_on(&self) {
                let next: Option<Waker> = self.queue.state.with(|$state| $pass_on);
                wake(next);
            }
        }
    };
}
pub(super) use waiter;
