//! Where a child in place leaves its output.

use std::task::{Context, Poll};

use aio_base::home::Exclusive;
use aio_base::waits::{self, Note, Place};
use aio_core::JoinError;

use super::GroupHome;

/// Filled once by the child, emptied once by its handle.
pub(crate) struct Slot<T, H: GroupHome>(H::Exclusive<State<T>>);

enum State<T> {
    Empty { awaiter: Option<std::task::Waker> },
    Full(Result<T, JoinError>),
    Taken,
}

impl<T, H: GroupHome> Slot<T, H> {
    pub(crate) fn new() -> Self {
        Self(Exclusive::new(State::Empty { awaiter: None }))
    }

    /// Fills it, unless it is full already.
    pub(crate) fn fill(&self, outcome: Result<T, JoinError>) {
        let mut outcome = Some(outcome);
        let awaiter = self.0.with(|state| match state {
            State::Empty { awaiter } => {
                let awaiter = awaiter.take();
                *state = outcome.take().map_or(State::Taken, State::Full);
                awaiter
            }
            _ => None,
        });
        drop(outcome);
        if let Some(awaiter) = awaiter {
            awaiter.wake();
        }
    }

    pub(crate) fn is_filled(&self) -> bool {
        self.0.with(|state| !matches!(state, State::Empty { .. }))
    }

    /// # Panics
    /// If it was taken before.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let mut waker = Some(cx.waker().clone());
        // What is replaced is dropped after the slot is free again: a waker is foreign code.
        let found = self.0.with(|state| match state {
            State::Empty { awaiter } => Err(std::mem::replace(awaiter, waker.take())),
            State::Full(_) => Ok(std::mem::replace(state, State::Taken)),
            State::Taken => Ok(State::Taken),
        });
        let place = Place::of(self);
        match found {
            Err(_former) => {
                waits::poll_at(place, || Note::new("a child in place").which(self));
                Poll::Pending
            }
            Ok(State::Full(outcome)) => {
                waits::end_at(place);
                Poll::Ready(outcome)
            }
            Ok(_) => panic!("the outcome of a child was taken twice"),
        }
    }
}
