//! One turn of a task: the same in both homes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{JoinError, Outcome};
use crate::scope::Scope;

/// Gives the future of a task its turn, or cuts it off if the task is `cancelled`; and says how the task ended, once
/// the cleanups are done. A panic, wherever it comes from, is the outcome and does not leave this function.
#[inline]
pub(crate) fn step<F: Future>(
    mut scope: Pin<&mut Scope<F>>,
    cx: &mut Context<'_>,
    cancelled: bool,
) -> Poll<Outcome<F::Output>> {
    if cancelled {
        contain(scope.as_mut(), Scope::cancel);
    }
    loop {
        match catch_unwind(AssertUnwindSafe(|| scope.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(output))) => return Poll::Ready(Ok(output)),
            Ok(Poll::Ready(None)) => return Poll::Ready(Err(JoinError::cancelled())),
            Err(payload) if scope.is_spent() => return Poll::Ready(Err(JoinError::panicked(payload))),
            // The future has panicked, or its destructor, or a cleanup where there is an output already. What is there
            // is dropped, and what cleanups there are run; the panic is let out after them.
            Err(payload) => {
                scope.keep_panic(payload);
                contain(scope.as_mut(), Scope::abandon);
            }
        }
    }
}

/// Keeps a panic of `change`, a way to drop what is in the scope.
#[cold]
fn contain<F: Future>(mut scope: Pin<&mut Scope<F>>, change: fn(Pin<&mut Scope<F>>)) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| change(scope.as_mut()))) {
        scope.keep_panic(payload);
    }
}
