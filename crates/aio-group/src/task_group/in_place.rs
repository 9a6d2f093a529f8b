//! Children inside the task that runs the group.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Panics;
use aio_core::{JoinError, Scope};
use pin_project_lite::pin_project;

use super::GroupHome;
use super::exit::settle;
use super::gate::Gated;
use super::slot::Slot;
use super::tally::Tally;

/// A child, its type forgotten. It is ready when it has ended, cleanups included.
pub trait InPlace: Future<Output = ()> {
    /// Cancels it; to be polled on until it has ended.
    fn cancel(self: Pin<&mut Self>);
}

pin_project! {
    /// A child and whom it tells how it ended.
    pub(crate) struct Scoped<F: Future, T, E, H: GroupHome> {
        #[pin]
        scope: Scope<Gated<F, H>>,
        slot: H::Ref<Slot<T, H>>,
        tally: H::Ref<Tally<E, H>>,
        // Under which the child waited to begin.
        number: Option<u64>,
        convert: fn(F::Output) -> Result<T, E>,
    }

    impl<F: Future, T, E, H: GroupHome> PinnedDrop for Scoped<F, T, E, H> {
        fn drop(this: Pin<&mut Self>) {
            // Both, also if a waker panics.
            let mut panics = Panics::new();
            // If it was dropped half-way; otherwise the slot is full already.
            panics.catch(|| this.slot.fill(Err(JoinError::cancelled())));
            panics.catch(|| this.tally.progress.leave(this.number));
            panics.resume();
        }
    }
}

impl<F: Future, T, E, H: GroupHome> Scoped<F, T, E, H> {
    /// The child, and where its output will be.
    pub(crate) fn new(
        child: F,
        tally: H::Ref<Tally<E, H>>,
        number: Option<u64>,
        convert: fn(F::Output) -> Result<T, E>,
    ) -> (Self, H::Ref<Slot<T, H>>) {
        let slot = H::new_ref(Slot::new());
        let scope = Scope::new(Gated::new(child, &tally.progress, number));
        (Self { scope, slot: slot.clone(), tally, number, convert }, slot)
    }
}

impl<F: Future, T, E, H: GroupHome> Future for Scoped<F, T, E, H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = ready!(this.scope.poll_outcome(cx));
        this.slot.fill(settle(this.tally, outcome, *this.convert));
        Poll::Ready(())
    }
}

impl<F: Future, T, E, H: GroupHome> InPlace for Scoped<F, T, E, H> {
    fn cancel(self: Pin<&mut Self>) {
        self.project().scope.cancel();
    }
}
