//! One turn of a task: the same in both homes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{JoinError, Outcome};
use crate::reason::Reason;
use crate::scope::Scope;

/// Gives the future of a task its turn, and says how the task ended, once the cleanups are done. A panic, wherever it
/// comes from, is the outcome and does not leave this function. A scope that has ended is [empty](Scope::is_empty).
#[inline]
pub(crate) fn step<F: Future>(mut scope: Pin<&mut Scope<F>>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
    loop {
        match catch_unwind(AssertUnwindSafe(|| scope.as_mut().poll_end(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(output))) => return Poll::Ready(Ok(output)),
            Ok(Poll::Ready(Err(reason))) => return Poll::Ready(Err(JoinError::cancelled_by(reason))),
            Err(payload) if scope.is_spent() => {
                scope.abandon();
                return Poll::Ready(Err(JoinError::panicked(payload)));
            }
            // The future has panicked, or its destructor, or a cleanup where there is an output already. What is there
            // is dropped, and what cleanups there are run; the panic is let out after them.
            Err(payload) => {
                scope.keep_panic(payload);
                contain(scope.as_mut(), Scope::abandon);
            }
        }
    }
}

/// Cuts the future of a task off, before its turn. A panic becomes the outcome.
#[cold]
pub(crate) fn cut<F: Future>(scope: Pin<&mut Scope<F>>, reason: Reason) {
    contain(scope, |scope| scope.cancel_with(reason));
}

/// Keeps a panic of `change`, a way to drop what is in the scope.
#[cold]
fn contain<F: Future>(mut scope: Pin<&mut Scope<F>>, change: impl FnOnce(Pin<&mut Scope<F>>)) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| change(scope.as_mut()))) {
        scope.keep_panic(payload);
    }
}
