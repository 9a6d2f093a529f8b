//! Waiting for a future without a loop.

use std::panic::{Location, resume_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_base::Parker;

use crate::current;
use crate::scope::Scope;
use crate::task::step;

/// Blocks the thread until `future` is finished and its cleanups are done. There is no loop: nothing can be spawned, and
/// timers are driven by a thread of the process.
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
            core.started_at
        )
    });
    drive(future)
}

/// [`block_on`], wherever it may be.
pub(crate) fn drive<F: Future>(future: F) -> F::Output {
    let mut parker = Parker::new();
    let waker = Waker::from(parker.unparker());
    let mut cx = Context::from_waker(&waker);
    let mut scope = pin!(Scope::new(future));
    loop {
        match step(scope.as_mut(), &mut cx, false) {
            Poll::Ready(Ok(output)) => return output,
            Poll::Ready(Err(error)) => resume_unwind(error.into_panic()),
            Poll::Pending => parker.park(None),
        }
    }
}
