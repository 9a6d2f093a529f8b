//! Waiting for a future without a loop.

use std::cell::RefCell;
use std::panic::{Location, resume_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_base::Parker;

use crate::current;
use crate::scope::Scope;
use crate::task::step;

aio_base::thread_local! {
    /// A parker for the next call: making one costs more than most futures.
    static KEPT: RefCell<Option<(Parker, Waker)>> = RefCell::new(None);
}

/// Blocks the thread until `future` is finished and its cleanups are done. There is no loop: nothing can be spawned,
/// and timers are driven by a thread of the process.
///
/// ```
/// assert_eq!(aio_core::block_on(async { 1 + 1 }), 2);
/// ```
///
/// # Panics
/// If `future` does. On the thread of a loop, which would stand still: await the future there instead.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let caller = Location::caller();
    current::with_loop(|core| {
        panic!(
            "`block_on` at {caller} would block the loop that was started at {}: await the future instead",
            core.started_at.get()
        )
    });
    // A token left by a former future ends one park early, which is harmless.
    let (mut parker, waker) = KEPT.try_with(RefCell::take).ok().flatten().unwrap_or_else(|| {
        let parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        (parker, waker)
    });
    let mut cx = Context::from_waker(&waker);
    let outcome = {
        let mut scope = pin!(Scope::new(future));
        loop {
            match step(scope.as_mut(), &mut cx) {
                Poll::Ready(outcome) => break outcome,
                Poll::Pending => parker.park(None),
            }
        }
    };
    // The thread may be too far gone to keep it.
    let _ = KEPT.try_with(|kept| kept.replace(Some((parker, waker))));
    outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
