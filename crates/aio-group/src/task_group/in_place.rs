//! Children inside the task that runs the group.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::Panics;
use aio_core::{JoinError, Reason, Scope};
use pin_project_lite::pin_project;

use super::GroupHome;
use super::delivery::Delivery;
use super::gate::Gated;
use super::progress::Turn;
use super::slot::Slot;
use super::tally::Tally;

/// A child, its type forgotten. It is ready when it has ended, cleanups included.
pub trait InPlace: Future<Output = ()> {
    /// Cancels it; to be polled on until it has ended.
    fn cancel(self: Pin<&mut Self>, reason: Reason);
    /// Cancels it, and leaves its cleanups with the current scope.
    fn release(self: Pin<&mut Self>, reason: Reason);
}

pin_project! {
    /// A child and whom it tells how it ended.
    pub(crate) struct Scoped<F: Future, T, C, D: Delivery<T>, E, H: GroupHome> {
        #[pin]
        scope: Scope<Gated<F, H>>,
        // None if the child has no handle.
        slot: Option<H::Ref<Slot<D::Left, H>>>,
        tally: H::Ref<Tally<E, H>>,
        number: u64,
        // What makes a `Result` of the child's output, and what becomes of that; once.
        end: Option<(C, D)>,
        _output: std::marker::PhantomData<fn() -> T>,
    }

    impl<F: Future, T, C, D: Delivery<T>, E, H: GroupHome> PinnedDrop for Scoped<F, T, C, D, E, H> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // All of it, also if a waker panics.
            let mut panics = Panics::new();
            // If it was dropped half-way; otherwise the slot is full already.
            if let Some(slot) = this.slot.as_ref().filter(|slot| !slot.is_filled()) {
                panics.catch(|| slot.fill(Err(JoinError::cancelled_by(Reason::Dropped))));
            }
            panics.catch(|| drop(this.end.take()));
            panics.catch(|| this.tally.progress.leave(*this.number));
            panics.resume();
        }
    }
}

impl<F, T, C, D, E, H: GroupHome> Scoped<F, T, C, D, E, H>
where
    F: Future,
    D: Delivery<T>,
{
    /// What is left of the child's output will be in `slot`, if somebody has its handle.
    pub(crate) fn new(
        child: F,
        tally: H::Ref<Tally<E, H>>,
        turn: Turn,
        convert: C,
        delivery: D,
        slot: Option<H::Ref<Slot<D::Left, H>>>,
    ) -> Self {
        let scope = Scope::new(Gated::new(child, &tally.progress, turn));
        let end = Some((convert, delivery));
        let number = turn.number;
        Self { scope, slot, tally, number, end, _output: std::marker::PhantomData }
    }
}

impl<F, T, C, D, E, H: GroupHome> Future for Scoped<F, T, C, D, E, H>
where
    F: Future,
    C: FnOnce(F::Output) -> Result<T, E>,
    D: Delivery<T>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let outcome = ready!(this.scope.poll_outcome(cx));
        let (convert, delivery) = this.end.take().expect("a child ends once");
        let left = delivery.deliver(this.tally.settle(outcome, convert));
        if let Some(slot) = this.slot {
            slot.fill(left);
        }
        Poll::Ready(())
    }
}

impl<F, T, C, D, E, H: GroupHome> InPlace for Scoped<F, T, C, D, E, H>
where
    F: Future,
    C: FnOnce(F::Output) -> Result<T, E>,
    D: Delivery<T>,
{
    fn cancel(self: Pin<&mut Self>, reason: Reason) {
        self.project().scope.cancel_with(reason);
    }

    fn release(self: Pin<&mut Self>, reason: Reason) {
        self.project().scope.release(reason);
    }
}
