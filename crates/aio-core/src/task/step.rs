//! One turn of a task: the same in both homes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{JoinError, Outcome};
use crate::scope::Scope;

/// Gives the future of a task its turn, or cuts it off if the task is `cancelled`; and says how the task ended, once the
/// cleanups are done. A panic, wherever it comes from, is the outcome and does not leave this function.
#[inline]
pub(crate) fn step<F: Future>(
    mut scope: Pin<&mut Scope<F>>,
    cx: &mut Context<'_>,
    cancelled: bool,
) -> Poll<Outcome<F::Output>> {
    if cancelled {
        cut(scope.as_mut());
    }
    loop {
        match catch_unwind(AssertUnwindSafe(|| scope.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(output))) => return Poll::Ready(Ok(output)),
            Ok(Poll::Ready(None)) => return Poll::Ready(Err(JoinError::cancelled())),
            Err(payload) if scope.is_running() => {
                // The future has panicked. It is dropped, and its cleanups run; the panic is let out after them.
                scope.keep_panic(payload);
                cut(scope.as_mut());
            }
            // The destructor of the finished future has panicked; cleanups are left. (A panic of a cleanup comes out when
            // none is left.)
            Err(payload) if scope.has_finalizers() => scope.keep_panic(payload),
            Err(payload) => return Poll::Ready(Err(JoinError::panicked(payload))),
        }
    }
}

#[cold]
fn cut<F: Future>(mut scope: Pin<&mut Scope<F>>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| scope.as_mut().cancel())) {
        scope.keep_panic(payload);
    }
}
