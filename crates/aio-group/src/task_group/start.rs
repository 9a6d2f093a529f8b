//! Children that say when they are ready.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Shared;
use aio_core::JoinError;

use super::slot::Slot;
use super::{Child, GroupHome};

/// With this a child says that it is ready, see [`TaskGroup::start`](super::TaskGroup::start). Dropping it says that it
/// never will be.
#[must_use = "dropping this says that the child has not started: `set` it when the child is ready"]
pub struct Started<T, H: GroupHome = Shared> {
    slot: H::Ref<Slot<T, H>>,
}

impl<T, H: GroupHome> Started<T, H> {
    /// And where its value will be.
    pub(super) fn new() -> (Self, H::Ref<Slot<T, H>>) {
        let slot = H::new_ref(Slot::new());
        (Self { slot: slot.clone() }, slot)
    }

    /// The child is ready: whoever started it goes on, with `value`. If nobody waits for it any more, the value is
    /// dropped (and the child is being cancelled).
    pub fn set(self, value: T) {
        self.slot.fill(Ok(value));
    }
}

impl<T, H: GroupHome> Drop for Started<T, H> {
    fn drop(&mut self) {
        // If it was not set before.
        self.slot.fill(Err(JoinError::cancelled()));
    }
}

impl<T, H: GroupHome> fmt::Debug for Started<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

/// The future of [`TaskGroup::start`](super::TaskGroup::start).
#[must_use = "dropping this before the child is ready cancels the child"]
pub struct Starting<T, H: GroupHome = Shared> {
    slot: H::Ref<Slot<T, H>>,
    /// Until it is known whether it has started.
    child: Option<Child<(), H>>,
}

impl<T, H: GroupHome> Starting<T, H> {
    pub(super) fn new(slot: H::Ref<Slot<T, H>>, child: Child<(), H>) -> Self {
        Self { slot, child: Some(child) }
    }
}

impl<T, H: GroupHome> Future for Starting<T, H> {
    type Output = Result<T, NotStarted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.slot.poll(cx));
        // The group has it.
        self.child = None;
        Poll::Ready(outcome.map_err(|_| NotStarted))
    }
}

impl<T, H: GroupHome> Unpin for Starting<T, H> {}

impl<T, H: GroupHome> Drop for Starting<T, H> {
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            child.cancel_task();
        }
    }
}

impl<T, H: GroupHome> fmt::Debug for Starting<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting").field("waits", &self.child.is_some()).finish()
    }
}

/// A child ended, or dropped its [`Started`], before it was ready. If it failed, the group has the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotStarted;

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the child ended before it had started")
    }
}

impl Error for NotStarted {}
