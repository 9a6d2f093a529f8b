//! Waiting for room before a child is made.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::waits::{self, Place};

use super::child_builder::ChildBuilder;
use super::progress::{Progress, Room, refuse};
use super::{GroupHandle, GroupHome};

/// The future of [`TaskGroup::vacancy`](super::TaskGroup::vacancy).
#[must_use = "futures do nothing unless awaited"]
pub struct Vacancy<'a, 'env, E, H: GroupHome> {
    handle: &'a GroupHandle<'env, E, H>,
    /// Its place in the queue; none before it had to wait, and none afterwards.
    number: Option<u64>,
}

impl<'a, 'env, E, H: GroupHome> Vacancy<'a, 'env, E, H> {
    pub(super) fn new(handle: &'a GroupHandle<'env, E, H>) -> Self {
        Self { handle, number: None }
    }
}

impl<'a, 'env, E, H: GroupHome> Future for Vacancy<'a, 'env, E, H> {
    type Output = ChildBuilder<'a, 'env, E, H>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let handle = self.handle;
        let progress = &handle.tally.progress;
        match progress.poll_reserve(&mut self.number, cx.waker()) {
            Room::Reserved => {
                self.number = None;
                waits::end_at(Place::of(&*self));
                Poll::Ready(handle.child().in_room(Reservation(progress)))
            }
            Room::Wait => {
                progress.note_wait(Place::of(&*self), "room in a TaskGroup");
                Poll::Pending
            }
            Room::Never => refuse(),
        }
    }
}

impl<E, H: GroupHome> Drop for Vacancy<'_, '_, E, H> {
    fn drop(&mut self) {
        waits::end_at(Place::of(self));
        if let Some(number) = self.number {
            // Out of the queue; or, if its turn has come meanwhile, the room goes to the next.
            self.handle.tally.progress.leave(number);
        }
    }
}

impl<E, H: GroupHome> fmt::Debug for Vacancy<'_, '_, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vacancy").field("waits", &self.number.is_some()).finish()
    }
}

/// Room for a child that has not been started yet.
pub(super) struct Reservation<'a, H: GroupHome>(&'a Progress<H>);

impl<'a, H: GroupHome> Reservation<'a, H> {
    pub(super) fn try_new(progress: &'a Progress<H>) -> Option<Self> {
        progress.try_reserve().then(|| Self(progress))
    }

    /// The room is the child's from now on.
    pub(super) fn hand_over(self) {
        std::mem::forget(self);
    }
}

impl<H: GroupHome> Drop for Reservation<'_, H> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}
