//! One child: a future, then what is kept of its output.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::keep::Keep;

/// What a panic says if the caller is wrong.
pub(super) const AGAIN: &str = "a gather was polled again after it had ended";
/// What a panic says if we are.
pub(super) const EARLY: &str = "a child has nothing to give before it has ended";

pin_project! {
    /// A child on its way from future to output.
    #[project = State]
    #[project_replace = Final]
    pub enum Slot<F: Future, K: Keep<F::Output>> {
        /// Not ready yet.
        Running { #[pin] future: F },
        /// Ready; the future has been dropped.
        Ended { kept: K::Kept },
        /// The output has been given away, or there is none.
        Taken,
    }
}

impl<F: Future, K: Keep<F::Output>> Slot<F, K> {
    pub(crate) fn new(future: F) -> Self {
        Self::Running { future }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Polls the child if it runs; says whether it has ended.
    #[inline]
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), K::Failure>> {
        match self.as_mut().project() {
            State::Running { future } => {
                let output = ready!(future.poll(cx));
                match K::keep(output) {
                    Ok(kept) => self.set(Self::Ended { kept }),
                    Err(failure) => {
                        self.set(Self::Taken);
                        return Poll::Ready(Err(failure));
                    }
                }
            }
            State::Ended { .. } => {}
            State::Taken => panic!("{AGAIN}"),
        }
        Poll::Ready(Ok(()))
    }

    /// Drops what is there: the future has panicked.
    pub(crate) fn abandon(mut self: Pin<&mut Self>) {
        self.set(Self::Taken);
    }

    /// What was kept of the output. There is one: the child has ended, and this is called once.
    pub(crate) fn take(self: Pin<&mut Self>) -> K::Kept {
        match self.project_replace(Self::Taken) {
            Final::Ended { kept } => kept,
            _ => unreachable!("{EARLY}"),
        }
    }

    /// The same for a slot whose future is gone, so that it may be moved.
    pub(super) fn into_kept(self) -> K::Kept {
        match self {
            Self::Ended { kept } => kept,
            _ => unreachable!("{EARLY}"),
        }
    }
}
